import { label, type Rule } from "./rule.ts";

/** A page could not be read back from its disk: the machine is at fault, not the code that touched the page. */
export const badHardware: Rule = {
  name: "bad-hardware",
  predicate: (report) => report.crash_info.type?.includes("STATUS_DEVICE_DATA_ERROR") === true,
  action: (_report, draft) => label(draft, "bad hardware"),
};
