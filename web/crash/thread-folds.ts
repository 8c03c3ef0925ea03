// Threads, folded: a host has dozens of workers that wait at the same place,
// and one line "x14" says so. Two stacks are identical when every frame is at
// the same address.
import { shortAddress } from "./crash-findings.ts";
import type { Frame, Thread } from "./report.ts";

/** Threads with the same stack. */
export type ThreadFold = {
  /** Indexes into the report's threads, in order; at least one. */
  readonly members: readonly number[];
  /** The first of them, which stands for all. */
  readonly thread: Thread;
};

/** Folds all threads but the crashed one, in the order in which their first member comes. */
export function foldThreads(threads: readonly Thread[], crashed: number | null): readonly ThreadFold[] {
  const folds = new Map<string, { members: number[]; thread: Thread }>();
  threads.forEach((thread, index) => {
    if (index === crashed) return;
    // Stacks without frames are not alike: nothing is known of them.
    const key = thread.frames.length === 0 ? `empty ${index}` : thread.frames.map((frame) => frame.offset).join(" ");
    const fold = folds.get(key);
    if (fold) fold.members.push(index);
    else folds.set(key, { members: [index], thread });
  });
  return [...folds.values()];
}

// Where a waiting thread's stack ends says nothing: the summary skips these.
const systemModules =
  /^(ntdll|kernel32|kernelbase|win32u|user32|ucrtbase|msvcrt|vcruntime\d*(_1)?|msvcp\d+)\.dll$|^(libsystem_\w+|libdispatch|dyld)(\.dylib)?$|^(libc|libpthread|ld-linux[\w-]*|libstdc\+\+)([.-].*)?\.so/i;

/** True when a module belongs to the operating system's lowest floor. */
function isSystemModule(name: string | null): boolean {
  return name !== null && systemModules.test(name);
}

/** The first frame that says what a thread is for; null for a thread without frames. */
export function firstMeaningfulFrame(frames: readonly Frame[]): Frame | null {
  const outside = frames.filter((frame) => frame.module !== null && !isSystemModule(frame.module));
  return outside.find((frame) => frame.function !== null) ?? frames.find((frame) => frame.function !== null) ?? outside[0] ?? frames[0] ?? null;
}

/** One line for a frame: its function, innermost inline first, or its place. */
export function frameSummary(frame: Frame): string {
  const name = frame.inlines?.[0]?.function ?? frame.function;
  if (name !== undefined && name !== null) return name;
  if (frame.module === null) return frame.offset;
  return frame.module_offset === null ? frame.module : `${frame.module} + ${shortAddress(frame.module_offset)}`;
}

/** How a thread is called: its number in the report, its name, its id. */
export function threadTitle(thread: Thread, index: number): string {
  const name = thread.thread_name === null || thread.thread_name === "" ? "" : ` ${thread.thread_name}`;
  return `Thread ${index}${name}`;
}
