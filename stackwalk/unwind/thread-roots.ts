// Functions that nothing calls: where threads begin. A walk that reached one
// is at its end; what a scan finds beyond it is junk that differs from crash
// to crash and splits groups (getsentry/symbolic issue 1049).
//
// Some have a few frames below them that may have no symbols: `after` says how
// many can follow. A name counts only where it cannot be meant otherwise:
// - `clone` and `clone3` are also what a parent is in while it starts a child,
//   so as the innermost frame, or below a signal handler, they end nothing;
// - a bare linker symbol reaches to the next one, so far behind its start it
//   is no evidence;
// - `start` and `_start` are anybody's names, so they need the right module.
//
// To add one: name it as the linker spells it, without 32-bit Windows'
// decoration, and say below what starts there.
import type { FrameState, Walk } from "./walk-state.ts";
import type { SourcePlace } from "../../symbols/cache/module-symbols.ts";

/** A function at the bottom of stacks. */
type Root = {
  /** Frames that may be below it. */
  readonly after: number;
  /** Base names, in lower case, of the modules that it is in; any module without. */
  readonly modules?: readonly string[];
  /** It is also called the usual way, so the innermost frame may be in it. */
  readonly alsoCalled?: true;
};

const dyld = ["dyld", "libdyld.dylib"];

const windows: { readonly [name: string]: Root } = {
  // Every thread of Windows: ntdll calls kernel32 calls the thread's function.
  RtlUserThreadStart: { after: 0 },
  // 32-bit ntdll has _RtlUserThreadStart call __RtlUserThreadStart.
  BaseThreadInitThunk: { after: 2 },
};

const mac: { readonly [name: string]: Root } = {
  // Threads of libsystem_pthread: thread_start calls _pthread_start (before 10.12 through _pthread_body).
  thread_start: { after: 0 },
  _pthread_start: { after: 1 },
  _pthread_body: { after: 2 },
  // Workers of dispatch queues.
  start_wqthread: { after: 0 },
  _pthread_wqthread: { after: 1 },
  // The main thread: dyld calls main, since macOS 12 from its own `start`, before that libdyld's.
  start: { after: 0, modules: dyld },
};

const linux: { readonly [name: string]: Root } = {
  // Threads: the kernel returns into clone, which calls start_thread; musl has `start` in between.
  clone: { after: 0, alsoCalled: true },
  clone3: { after: 0, alsoCalled: true },
  __clone: { after: 0, alsoCalled: true },
  __clone3: { after: 0, alsoCalled: true },
  __clone_internal: { after: 1, alsoCalled: true },
  start_thread: { after: 2 },
  __pthread_start: { after: 2 },
  // The main thread: _start calls __libc_start_main, which since glibc 2.34 has a part of its own call main.
  _start: { after: 0 },
  __libc_start_main: { after: 1 },
  __libc_start_main_impl: { after: 1 },
  __libc_start_call_main: { after: 2 },
  __libc_init: { after: 1 },
};

/** Frames that signals put between a function and its interruption. */
const signalReturns = new Set(["__restore_rt", "__restore", "__kernel_rt_sigreturn", "__kernel_sigreturn", "_sigtramp"]);

const tables: { readonly [os: string]: { readonly [name: string]: Root } } = { windows, mac, ios: mac, linux, android: linux };

const roots = new Map(Object.entries(tables).map(([os, table]) => [os, new Map(Object.entries(table))]));

/** Bytes behind a bare linker symbol that still count as its function. */
const PUBLIC_BYTES = 0x200;

/** How many frames can be below a frame, by the name of its function; Infinity when the name says nothing. `previous` is the function that it called; "" when not known. */
export function framesBelow(walk: Walk, frame: FrameState, place: SourcePlace, previous: string): number {
  const table = roots.get(walk.process.os);
  if (table === undefined) return Infinity;
  const root = table.get(place.linkageName ?? place.name) ?? table.get(undecorated(place.name));
  if (root === undefined || (place.isPublic && frame.rva - place.start > PUBLIC_BYTES)) return Infinity;
  if (root.modules !== undefined && !root.modules.includes(walk.process.modules.name(frame.moduleIndex))) return Infinity;
  if (root.alsoCalled && (frame.isExact || signalReturns.has(previous))) return Infinity;
  return root.after;
}

/** A name without what 32-bit Windows adds for calling conventions: `_f@8` and `@f@8` are `f`. */
function undecorated(name: string): string {
  return /^[_@]/.test(name) && /@\d+$/.test(name) ? name.replace(/^[_@]+|@\d+$/g, "") : name;
}
