import type { Report } from "../../stackwalk/report.ts";
import { label, type Rule } from "./rule.ts";

/** Annotations in which crash clients and runtimes leave the last words of a process. */
const annotations = ["abort_message", "AbortMessage", "assertion", "assert_message"];
const MESSAGE_READ_CHARS = 1000;
const MESSAGE_SHOWN_CHARS = 80;

/**
 * The process ended itself and said why.
 * The words are shown; for the fingerprint their numbers do not count, since an index or a size differs from crash to crash.
 */
export const abortMessage: Rule = {
  name: "abort-message",
  predicate: (report) => messageOf(report) !== "",
  action: (report, draft) => {
    const message = cleanAbortMessage(messageOf(report));
    if (message === "") return label(draft, "Abort");
    return label(draft, `Abort | ${message}`, `Abort | ${message.replace(/0x[0-9a-fA-F]+|\d+/g, "#")}`);
  },
};

function messageOf(report: Report): string {
  if (report.crash_info.assertion !== null && report.crash_info.assertion.trim() !== "") return report.crash_info.assertion;
  for (const name of annotations) {
    const text = Object.hasOwn(report.annotations, name) ? report.annotations[name] : undefined;
    if (text !== undefined && text.trim() !== "") return text;
  }
  return "";
}

/**
 * What of a message is the same on every machine: without process id, source position and folders (which also name people), in printable ASCII, at most 80 characters.
 * Non-ASCII goes because the system words messages in the user's language.
 */
function cleanAbortMessage(message: string): string {
  const text = message
    .slice(0, MESSAGE_READ_CHARS)
    .replace(/^\[\d+\] */, "")
    .replace(/^###!!! ABORT: */, "")
    .replace(/(?:: |^)file [^,]*,(?: line \d+)?.*$/s, "")
    .replace(/[^\x20-\x7e]/g, "")
    .replace(/[^\s"'(:\\/]*[\\/][^\s"'()]*[\\/]/g, "")
    .replace(/ +/g, " ")
    .trim();
  return text.length <= MESSAGE_SHOWN_CHARS ? text : `${text.slice(0, MESSAGE_SHOWN_CHARS - 3)}...`;
}
