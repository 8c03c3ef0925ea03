import { label, type Rule } from "./rule.ts";

/**
 * The thread ran out of stack, and the reason says so.
 * Windows has an exception of its own. Elsewhere it is an ordinary SIGSEGV or EXC_BAD_ACCESS that a walker or Apple's report may explain in words; an address near the stack pointer alone is not taken for proof.
 */
export const stackOverflow: Rule = {
  name: "stack-overflow",
  predicate: (report) => /STACK[_ ]?OVERFLOW|SEGV_STACKFLOW|stack size exceeded|excessive recursion/i.test(report.crash_info.type ?? ""),
  action: (_report, draft) => label(draft, "stackoverflow"),
};
