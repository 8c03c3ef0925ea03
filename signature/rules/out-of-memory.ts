import type { Report } from "../../stackwalk/report.ts";
import { type Draft, label, type Rule } from "./rule.ts";

/** Bytes up to which a failed allocation says that the whole process was out of memory, whoever asked (Socorro's number). */
const SMALL_ALLOCATION_BYTES = 256 * 1024;

const sizeAnnotations = ["oom_allocation_size", "OOMAllocationSize"];
const reasons = ["STATUS_NO_MEMORY", "STATUS_FATAL_MEMORY_EXHAUSTION"];
const lastErrors = ["ERROR_NOT_ENOUGH_MEMORY", "ERROR_COMMITMENT_LIMIT"];
/** Frames that are only on a stack when an allocation failed. `operator new` itself throws nothing but std::bad_alloc. */
const fragments = [
  "__cxa_throw | operator new",
  "std::_Xbad_alloc",
  "std::__throw_bad_alloc",
  "__scrt_throw_std_bad_alloc",
  "__throw_bad_array_new_length",
  "std::bad_alloc",
  "alloc::alloc::handle_alloc_error",
  "alloc::raw_vec::capacity_overflow",
];

/**
 * An allocation failed.
 * Where a client says how large it was, a small one makes the whole signature `OOM | small`: the next caller would have failed as well, and its stack is chance.
 */
export const outOfMemory: Rule = {
  name: "out-of-memory",
  predicate: (report, draft) => allocationBytes(report) !== null || saysSo(report) || fragments.some((fragment) => draft.protoSignature.includes(fragment)),
  action: (report, draft) => {
    const bytes = allocationBytes(report);
    if (bytes === null) return label(draft, "OOM | unknown");
    if (bytes > SMALL_ALLOCATION_BYTES) return label(draft, "OOM | large");
    const small: Draft = { ...draft, signature: "OOM | small", parts: ["OOM | small"] };
    return small;
  },
};

function saysSo(report: Report): boolean {
  const reason = report.crash_info.type ?? "";
  if (reasons.some((name) => reason.includes(name))) return true;
  const lastError = report.threads[report.crash_info.crashing_thread ?? 0]?.last_error_value ?? "";
  return lastErrors.some((name) => lastError.includes(name));
}

function allocationBytes(report: Report): number | null {
  for (const name of sizeAnnotations) {
    const text = Object.hasOwn(report.annotations, name) ? report.annotations[name] : undefined;
    if (text !== undefined && /^\d{1,15}$/.test(text)) return Number(text);
  }
  return null;
}
