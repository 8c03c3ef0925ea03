// Compares two JSON values of one schema, field by field.

/** A value as JSON.parse gives it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One field that differs; undefined where only the other value has it. */
export type JsonDifference = { readonly path: string; readonly ours: Json | undefined; readonly theirs: Json | undefined };

/**
 * All fields that differ. `additions` are paths of fields that only ours has, with `*`
 * for any index or key: they are no difference, and what is below them is not looked at.
 */
export function compareJson(ours: Json | undefined, theirs: Json | undefined, additions: ReadonlySet<string> = new Set(), path = "", general = ""): JsonDifference[] {
  if (Object.is(ours, theirs) || (theirs === undefined && additions.has(general))) return [];
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    const length = Math.max(ours.length, theirs.length);
    return Array.from({ length }).flatMap((_, i) => compareJson(ours[i] as Json | undefined, theirs[i] as Json | undefined, additions, `${path}[${i}]`, `${general}[*]`));
  }
  if (!isObject(ours) || !isObject(theirs)) return [{ path, ours, theirs }];
  const keys = new Set([...Object.keys(theirs), ...Object.keys(ours)]);
  const below = (key: string, to: string): string => (to === "" ? key : `${to}.${key}`);
  return [...keys].flatMap((key) => compareJson(ours[key], theirs[key], additions, below(key, path), below(key, general)));
}

/** Whether a value is an object with keys. */
function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Fields that Deadair adds to rust-minidump's schema. Registers of the first frame are rust-minidump's too, but only for the thread that crashed. */
export const additions: ReadonlySet<string> = new Set([
  "walker",
  "breakpad",
  "annotations",
  "unread_streams",
  "notes",
  "crash_info.exception",
  "crash_info.stack_overflow",
  "modules[*].code_file",
  "modules[*].symbol_state",
  "threads[*].frames[*].registers",
  "threads[*].stopped",
  "threads[*].recursion",
  "threads[*].frames_truncated",
  "crashing_thread.stopped",
  "crashing_thread.recursion",
  "crashing_thread.frames_truncated",
  ...["threads[*]", "crashing_thread"].flatMap((thread) => [`${thread}.frames[*].line_offset`, `${thread}.frames[*].inlines[*].line_offset`, `${thread}.frames[*].inlines[*].function_offset`]),
]);

type Threads = readonly { readonly frames?: Json; readonly frame_count?: Json }[];

/** A report without the stacks of some threads, for comparing the rest where those stacks differ. */
export function withoutStacks(report: Json, threads: ReadonlySet<number>): Json {
  const whole = report as { readonly threads: Threads; readonly crashing_thread?: { readonly threads_index: number; readonly frames?: Json } };
  const strip = <T extends object>(thread: T): T => ({ ...thread, frames: null, frame_count: null });
  const crashing = whole.crashing_thread;
  return {
    ...whole,
    threads: whole.threads.map((thread, i) => (threads.has(i) ? strip(thread) : thread)),
    ...(crashing && threads.has(crashing.threads_index) ? { crashing_thread: strip(crashing) } : {}),
  } as unknown as Json;
}
