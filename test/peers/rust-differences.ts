// Where fields of our report and rust-minidump's differ, and why.
// docs/differences.md explains the reasons by these names.
import type { JsonDifference } from "./json-differences.ts";

/** The reasons; the first that fits is the one. */
export const fieldReasons: readonly { readonly name: string; readonly fits: (difference: JsonDifference) => boolean }[] = [
  { name: "id-spelling", fits: ({ path, ours, theirs }) => /^(unloaded_)?modules\[\d+\]\.(code_id|debug_id)$/.test(path) && typeof ours === "string" && typeof theirs === "string" && ours.toLowerCase() === theirs.toLowerCase() },
  { name: "empty-is-null", fits: ({ path, ours, theirs }) => /\.(thread_name|debug_file|debug_id|code_id)$/.test(path) && ours === null && (theirs === "" || theirs === "0".repeat(33)) },
  { name: "missing-without-source", fits: ({ path, ours, theirs }) => /^modules\[\d+\]\.missing_symbols$/.test(path) && ours === true && theirs === false },
  { name: "no-certificates", fits: ({ path, ours }) => /(cert_subject|modules_contains_cert_info)$/.test(path) && (ours === null || ours === false) },
  { name: "no-main-module", fits: ({ path, ours, theirs }) => path === "main_module" && ours === null && theirs === 0 },
  { name: "no-crash-no-contradiction", fits: ({ path, theirs }) => path === "crash_info.crash_inconsistencies" && theirs === null },
  { name: "unknown-system", fits: ({ path, ours, theirs }) => (path === "system_info.os" && ours === "0x00000000" && theirs === "0x0x000000") || (/^unloaded_modules\[\d+\]\.code_id$/.test(path) && ours === null) },
  { name: "no-code-id", fits: ({ path, ours, theirs }) => /^modules\[\d+\]\.code_id$/.test(path) && ours === null && /^0{8}[0-9a-f]+$/.test(String(theirs)) },
  { name: "more-instructions", fits: ({ path, theirs }) => /^crash_info\.(instruction|memory_accesses|adjusted_address)$/.test(path) && theirs === null },
  { name: "access-told", fits: ({ path, theirs }) => /^crash_info\.memory_accesses\[\d+\]\.access_type$/.test(path) && theirs === undefined },
  { name: "crashpad-exception-named", fits: ({ path, ours, theirs }) => path === "crash_info.type" && ours === "Uncaught NSException" && String(theirs).startsWith("unknown 0x43506e78") },
  { name: "assertion-told", fits: ({ path, theirs }) => path === "crash_info.assertion" && theirs === null },
  // Ours says neither of a module that its walk did not visit.
  { name: "module-not-visited", fits: ({ path, ours, theirs }) => /^modules\[\d+\]\.(missing|loaded)_symbols$/.test(path) && ours === false && theirs === true },
  { name: "last-error-is-windows", fits: ({ path, ours }) => path.endsWith(".last_error_value") && ours === null },
];

/** The reason of a field's difference; undefined when there is none. */
export function fieldReason(difference: JsonDifference): string | undefined {
  return fieldReasons.find(({ fits }) => fits(difference))?.name;
}
