// The engine: a minidump and the symbols of its modules become a report.
//
// What: everything that is said of a crash by its dump alone. The engine is a
// pure function; where dumps and symbols come from, which thread it runs in
// and what limits it, is the business of pool/.
//
// Why our own: the peers start a process for every dump and read symbols as
// text each time. Here the symbols were compiled once (symbols/cache), and a
// walk is a few binary searches a frame: thousands of dumps a second.
//
// Steps of one walk:
//   1. minidump/ opened the dump: lists, contexts, memory, all checked;
//   2. each thread is walked (unwind/): the caller of a frame is found by call
//      frame information, else by the frame pointer, else by a search of the
//      stack, and each address is named by its module's symbols on the way;
//   3. the crash itself is read (crash/): reason, address, the instruction;
//   4. the answers become a report (report.ts), which report-json.ts,
//      machine-text.ts and text-report.ts print.
//
// Symbols are asked for when a frame first falls into a module, once a module.
// What was asked for in vain is listed, so that uploads can heal the crash.
//
// Limits: frames and threads that are kept, by the caller's options; all else
// is bounded by the size of the dump (minidump/) and of a stack (unwind/).
//
// To extend: a new stream is a field of minidump/model.ts and a line of
// engine/dump-facts.ts; a new technique is a module of unwind/; where we
// differ from the peers on purpose is listed in docs/differences.md.
import { analyseCrash } from "./crash/crash.ts";
import { faultAddress } from "./crash/crash-address.ts";
import { breakpadReason } from "./crash/breakpad-reason.ts";
import { lastError } from "./crash/last-error.ts";
import * as facts from "./engine/dump-facts.ts";
import { engineName } from "./engine-name.ts";
import { reportFrames, type FrameScene } from "./engine/frame-report.ts";
import { ModuleStates, type SymbolAnswer } from "./engine/module-states.ts";
import { hex } from "./hex.ts";
import { keptThreads } from "./kept-threads.ts";
import { baseName } from "./minidump/module-list.ts";
import type { CpuContext, DumpThread, MemoryView, Minidump } from "./minidump/model.ts";
import { registerFiles } from "../symbols/registers.ts";
import type { Module, Report, Thread } from "./report.ts";
import type { MissingSymbols, SymbolKey } from "./stackwalker.ts";
import type { DumpModule } from "./minidump/model.ts";
import { ModuleMap } from "./unwind/module-map.ts";
import type { ProcessView } from "./unwind/process-view.ts";
import type { ThreadStack } from "./unwind/thread-stack.ts";
import { walkThread } from "./unwind/unwind.ts";

/** What a walk is given beside the dump. */
export type EngineOptions = {
  /** Frames kept of one thread; more are counted. */
  readonly maxFrames: number;
  /** Threads kept; the one that crashed is always among them. */
  readonly maxThreads: number;
  /** Whether frames say why they are there. */
  readonly why: boolean;
  /** The symbols of a module, asked for once each. */
  readonly symbols: (key: SymbolKey, module: DumpModule) => SymbolAnswer;
};

/** A finished walk. */
export type EngineWalk = {
  readonly report: Report;
  /** Modules of walked frames whose symbols lack something. */
  readonly missing: readonly MissingSymbols[];
  /** The stacks as they were walked, by thread of the report, with reasons if those were asked for; null for a thread that was not walked. */
  readonly stacks: readonly (ThreadStack | null)[];
};

/** Walks a dump. Never throws for what is in it; throws what reading a symbol cache throws. */
export function walkMinidump(dump: Minidump, options: EngineOptions): EngineWalk {
  const states = new ModuleStates(dump.modules, options.symbols);
  const arch = dump.system?.cpu ?? null;
  const digits = arch === null || registerFiles[arch].wordBytes === 8 ? 16 : 8;
  const scene: FrameScene = { modules: dump.modules, names: dump.modules.map((module) => baseName(module.codeFile)), unloaded: dump.unloadedModules, digits };
  const crashing = crashingThread(dump);
  const kept = keptThreads(dump.threads.length, crashing, options.maxThreads);
  const process = processView(dump, states);

  const stacks = kept.map((index) => (process === null ? null : walkOne(dump, process, index, index === crashing, options)));
  const threads = kept.map((index, position) => reportThread(dump, dump.threads[index]!, stacks[position] ?? null, scene));
  const report: Report = {
    status: "OK",
    walker: engineName,
    pid: facts.processId(dump),
    crash_info: { ...analyseCrash(dump), crashing_thread: crashing < 0 ? null : kept.indexOf(crashing) },
    system_info: facts.systemInfo(dump),
    process_uptime: facts.processUptime(dump),
    // Writers put the program first.
    main_module: dump.modules.length === 0 ? null : 0,
    modules: dump.modules.map((module, index) => reportModule(module, scene.names[index]!, states, index, digits)),
    unloaded_modules: facts.unloadedModules(dump, digits),
    thread_count: dump.threads.length,
    threads,
    linux_memory_map_count: dump.linux?.mapCount ?? null,
    handles: facts.handles(dump),
    lsb_release: facts.lsbRelease(dump),
    mac_crash_info: facts.macCrashInfo(dump),
    mac_boot_args: dump.macBootArgs,
    proc_limits: dump.linux?.limits ? { limits: dump.linux.limits } : null,
    soft_errors: facts.softErrors(dump),
    annotations: dump.annotations,
    unread_streams: facts.unreadStreams(dump),
    notes: dump.notes,
    breakpad: { crash_type: breakpadReason(dump), os_ver: facts.breakpadOsVersion(dump) },
  };
  return { report, missing: states.missing(arch), stacks };
}

/** Index of the thread that crashed or asked for the dump; -1 when unknown. */
function crashingThread(dump: Minidump): number {
  const id = dump.exception?.threadId ?? dump.requestingThreadId;
  // Of a repeated id the last one counts, as in rust-minidump; the writer's own thread did not crash.
  return id === null || id === dump.dumpThreadId ? -1 : dump.threads.findLastIndex((thread) => thread.id === id);
}

/** Null for an architecture that cannot be walked. */
function processView(dump: Minidump, states: ModuleStates): ProcessView | null {
  const { system } = dump;
  if (system === null || system.cpu === null) return null;
  return {
    arch: system.cpu,
    os: system.os,
    modules: new ModuleMap(dump.modules),
    symbols: (index) => states.symbols(index),
    memory: dump.memory,
    addressSpace: dump.addressSpace,
    faultAddress: faultAddress(dump.exception, system),
    code: (address, length) => codeBytes(dump, address, length),
  };
}

function codeBytes(dump: Minidump, address: number, length: number): Uint8Array | null {
  const region = dump.memory.at(address);
  if (region === null || address + length > region.base + region.size) return null;
  const { view } = region;
  return new Uint8Array(view.buffer, view.byteOffset + (address - region.base), length);
}

function walkOne(dump: Minidump, process: ProcessView, index: number, crashed: boolean, options: EngineOptions): ThreadStack | null {
  const thread = dump.threads[index]!;
  if (thread.id === dump.dumpThreadId) return null;
  const context = (crashed ? dump.exception?.context() : null) ?? thread.context();
  if (context === null || context.arch !== process.arch) return null;
  return walkThread(process, context, stackOf(dump, thread, context), options);
}

/** The memory that the stack pointer points into; where the exception's context has another one than the thread's, that one's. */
function stackOf(dump: Minidump, thread: DumpThread, context: CpuContext): MemoryView | null {
  const { sp } = registerFiles[context.arch];
  const pointer = context.words[sp * 2]! + context.words[sp * 2 + 1]! * 0x1_0000_0000;
  return dump.memory.at(pointer) ?? (thread.stack === null ? null : dump.memory.at(thread.stack.base));
}

function reportThread(dump: Minidump, thread: DumpThread, stack: ThreadStack | null, scene: FrameScene): Thread {
  const frames = stack === null ? [] : reportFrames(stack, scene);
  const total = stack?.total ?? 0;
  return {
    thread_id: thread.id,
    thread_name: thread.name,
    last_error_value: thread.id === dump.dumpThreadId ? null : lastError(dump, thread),
    frame_count: total,
    ...(total > frames.length ? { frames_truncated: true } : {}),
    ...(stack?.recursion ? { recursion: stack.recursion } : {}),
    stopped: stack !== null ? stack.stopped : thread.id === dump.dumpThreadId ? "dump_writer" : "no_context",
    frames,
  };
}

function reportModule(module: DumpModule, name: string, states: ModuleStates, index: number, digits: number): Module {
  const state = states.state(index);
  return {
    filename: name,
    code_file: module.codeFile,
    base_addr: hex(module.base, digits),
    end_addr: hex(module.base + module.size, digits),
    debug_file: module.debugFile === null ? null : baseName(module.debugFile),
    debug_id: module.debugId,
    code_id: module.codeId?.toLowerCase() ?? null,
    version: module.version,
    loaded_symbols: state === "loaded",
    missing_symbols: state === "missing",
    corrupt_symbols: state === "corrupt",
    symbol_state: state,
  };
}
