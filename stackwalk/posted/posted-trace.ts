// The shape of a posted stack trace once it was read; `stack-trace.ts` tells
// what it means.

/** Where one frame was. Facts the client did not send are null. */
export type PostedFrame = {
  /** Name or path of the module's file. */
  readonly module: string | null;
  readonly debug_file: string | null;
  /** Breakpad form; dashes, lower case and a missing age were put right. */
  readonly debug_id: string | null;
  readonly code_id: string | null;
  /** Relative to the address the module was loaded at. */
  readonly offset: number | null;
  /** True when the client subtracted already, so that the offset lies inside the calling instruction. */
  readonly adjusted: boolean;
  /** What the client itself knows. */
  readonly function: string | null;
  readonly file: string | null;
  readonly line: number | null;
};

/** One thread, its innermost frame first. */
export type PostedThread = { readonly id: number | null; readonly name: string | null; readonly crashed: boolean; readonly frames: readonly PostedFrame[] };

/** A module that was loaded. */
export type PostedModule = {
  readonly code_file: string | null;
  readonly debug_file: string | null;
  readonly debug_id: string | null;
  readonly code_id: string | null;
  readonly version: string | null;
  /** Where it was loaded, and its length; only for showing absolute addresses. */
  readonly base_addr: number | null;
  readonly size: number | null;
};

/** A whole posted stack trace. Written as JSON and parsed again it stays the same. */
export type PostedTrace = {
  readonly os: string | null;
  readonly os_version: string | null;
  readonly arch: string | null;
  /** Name of the exception or signal. */
  readonly reason: string | null;
  /** The address that could not be accessed, hex. */
  readonly address: string | null;
  /** Index into `threads`. */
  readonly crashing_thread: number | null;
  readonly threads: readonly PostedThread[];
  readonly modules: readonly PostedModule[];
};
