// Builds reports for tests from the little that a signature looks at.
import type { Frame, InlineFrame, Report } from "../../stackwalk/report.ts";

/** A frame in short: `fn` is a function, `lib!fn` one with its module, `lib!` a module alone, `@0x1f` an address alone, "" nothing. */
export type Short = string | Partial<Frame>;

/** Makes a frame. */
export function frameOf(short: Short, index = 0): Frame {
  const empty: Frame = {
    frame: index,
    offset: "",
    module: null,
    module_offset: null,
    function: null,
    function_offset: null,
    file: null,
    line: null,
    inlines: null,
    unloaded_modules: null,
    missing_symbols: false,
    trust: "cfi",
  };
  if (typeof short !== "string") return { ...empty, ...short };
  if (short.startsWith("@")) return { ...empty, offset: short.slice(1) };
  if (short === "") return empty;
  const [, module = null, name = ""] = /^(?:([^!]*)!)?(.*)$/s.exec(short) ?? [];
  return { ...empty, offset: "0x7f0000001000", module, function: name === "" ? null : name };
}

/** An inlined function. */
export function inlineOf(name: string, file: string | null = null, line: number | null = null): InlineFrame {
  return { function: name, file, line };
}

/** What a test says of a crash besides its stack. */
export type Facts = {
  readonly type?: string | null;
  readonly os?: string | null;
  readonly thread?: number | null;
  readonly assertion?: string | null;
  readonly lastError?: string | null;
  readonly host?: string;
  readonly annotations?: { readonly [key: string]: string };
};

/** Makes a report whose only thread has these frames. */
export function crash(frames: readonly Short[], facts: Facts = {}): Report {
  return {
    status: "OK",
    walker: "test",
    pid: 1,
    crash_info: { type: facts.type ?? null, address: null, crashing_thread: facts.thread === undefined ? 0 : facts.thread, assertion: facts.assertion ?? null },
    system_info: { os: facts.os === undefined ? "Linux" : facts.os, os_ver: null, cpu_arch: "amd64", cpu_info: null, cpu_count: null },
    process_uptime: null,
    main_module: 0,
    modules: [
      {
        filename: facts.host ?? "reaper",
        code_file: "",
        base_addr: "0x0",
        end_addr: "0x1",
        debug_file: null,
        debug_id: null,
        code_id: null,
        version: null,
        loaded_symbols: false,
        missing_symbols: false,
        corrupt_symbols: false,
        symbol_state: "unused",
      },
    ],
    unloaded_modules: [],
    thread_count: 1,
    threads: [{ thread_id: 1, thread_name: null, last_error_value: facts.lastError ?? null, frame_count: frames.length, frames: frames.map(frameOf) }],
    annotations: facts.annotations ?? {},
  };
}
