// A stack trace posted as JSON, and how it becomes a report.
//
// Not every crash comes as a minidump: a plugin's own handler, or a host's,
// may send only where each frame was. What it sends per frame is the module
// (its debug id) and the offset into it, which is all that naming needs:
//
//     { "os": "macos", "arch": "arm64", "reason": "EXC_BAD_ACCESS",
//       "threads": [ { "name": "audio", "crashed": true, "frames": [
//         { "module": "VaultSynth", "debug_id": "4C4C4478-5555-…", "offset": "0x1a2b" } ] } ] }
//
// `frames` at the top stands for one crashed thread. Modules may be listed
// once under `modules` and named by `module` in the frames. A frame that
// carries its own `function`, `file` and `line` keeps them where we have no
// symbols.
//
// Offsets. The first frame of a thread stands at the instruction itself. The
// others hold return addresses, one past the call, as every unwinder delivers
// them; the line of the return address may be the next statement, or the next
// function. So those are looked up one byte earlier, inside the call. Clients
// that subtracted already say `"adjusted": true`. The report shows offsets as
// they were posted, as minidump_stackwalk shows return addresses.
//
// Modules are named by their compiled symbols, as those of minidumps are; who
// compiles and opens them is the caller's business.
import type { Limits } from "../../config/limits.ts";
import { type Result, ok, refuse } from "../../config/problem.ts";
import { normaliseDebugIdOrGuid } from "../../symbols/debug-id.ts";
import type { Report, Thread } from "../report.ts";
import type { MissingSymbols, SymbolSource } from "../stackwalker.ts";
import { type JsonObject, JsonReader } from "./json-reader.ts";
import type { PostedFrame, PostedModule, PostedThread, PostedTrace } from "./posted-trace.ts";
import { type NameAddresses, TraceModules, lookupOffset, nameAll } from "./trace-modules.ts";
import { archName, frameOf, moduleOf, osName } from "./trace-report.ts";

/** Bounds of one report. */
export type TraceOptions = { readonly maxFrames: number; readonly maxThreads: number };

/** The report, and the modules of its frames whose symbols lack something. */
export type ResolvedTrace = { readonly ok: true; readonly report: Report; readonly missing: readonly MissingSymbols[] };

/** Reads a posted stack trace from parsed JSON. Refuses with `bad_stack_trace` and the JSON path, or with the name of a limit. */
export function parsePostedTrace(json: unknown, limits: Pick<Limits, "STACKTRACE_FRAMES_COUNT" | "THREADS_COUNT">): Result<PostedTrace> {
  const reader = new JsonReader();
  const root = reader.object(json, "") ?? {};
  const listed = reader.array(root, "threads", "");
  const single = reader.array(root, "frames", "");
  if (listed !== null && single !== null) reader.reject("frames", "left out where `threads` is given", "Put the frames into a thread.");
  if (listed === null && single === null) reader.reject("threads", "an array of threads", "A crash of one thread may put its `frames` at the top instead.");
  if (reader.problem !== null) return { ok: false, problem: reader.problem };
  if ((listed?.length ?? 1) > limits.THREADS_COUNT) return tooMany("threads", limits.THREADS_COUNT, "THREADS_COUNT");
  const modules = reader.array(root, "modules", "") ?? [];
  if (modules.length > limits.STACKTRACE_FRAMES_COUNT) return tooMany("modules", limits.STACKTRACE_FRAMES_COUNT, "STACKTRACE_FRAMES_COUNT");

  let frames = 0;
  const threads: PostedThread[] = [];
  for (const [i, value] of (listed ?? [{ crashed: true, frames: single }]).entries()) {
    const path = listed === null ? "" : `threads[${i}]`;
    const thread = reader.object(value, path) ?? {};
    const list = reader.array(thread, "frames", path) ?? [];
    frames += list.length;
    if (frames > limits.STACKTRACE_FRAMES_COUNT) return tooMany("frames", limits.STACKTRACE_FRAMES_COUNT, "STACKTRACE_FRAMES_COUNT");
    const parsed = list.map((frame, j) => readFrame(reader, frame, `${path === "" ? "" : `${path}.`}frames[${j}]`));
    threads.push({ id: reader.count(thread, "id", path), name: reader.text(thread, "name", path), crashed: reader.flag(thread, "crashed", path), frames: parsed });
    if (reader.problem !== null) break;
  }

  const given = reader.count(root, "crashing_thread", "");
  if (given !== null && given >= threads.length) reader.reject("crashing_thread", `an index into threads, which has ${threads.length}`, "It counts from 0.");
  const marked = threads.findIndex((thread) => thread.crashed);
  const trace: PostedTrace = {
    os: reader.text(root, "os", ""),
    os_version: reader.text(root, "os_version", ""),
    arch: reader.text(root, "arch", ""),
    reason: reader.text(root, "reason", ""),
    address: reader.address(root, "address", ""),
    crashing_thread: given ?? (marked < 0 ? null : marked),
    threads,
    modules: modules.map((module, i) => readModule(reader, module, `modules[${i}]`)),
  };
  if (reader.problem !== null) return { ok: false, problem: reader.problem };
  return ok(trace);
}

/** Names the frames of a posted stack trace. Never fails for what is in the trace; throws when a symbol file's disk does. */
export async function resolveStackTrace(trace: PostedTrace, source: SymbolSource, names: NameAddresses, options: TraceOptions): Promise<ResolvedTrace> {
  const threads = trace.threads.slice(0, options.maxThreads).map((thread) => ({ thread, frames: thread.frames.slice(0, options.maxFrames) }));
  const modules = new TraceModules(trace.modules);
  for (const { frames } of threads) {
    for (const [i, frame] of frames.entries()) {
      const entry = modules.of(frame);
      if (entry !== null && frame.offset !== null) entry.names.set(lookupOffset(frame, i), null);
    }
  }
  const missing = await nameAll(modules.all, source, names);
  return {
    ok: true,
    missing,
    report: {
      status: "OK",
      walker: "posted 1",
      pid: null,
      crash_info: {
        type: trace.reason,
        address: trace.address,
        crashing_thread: trace.crashing_thread !== null && trace.crashing_thread < threads.length ? trace.crashing_thread : null,
        assertion: null,
      },
      system_info: { os: osName(trace.os), os_ver: trace.os_version, cpu_arch: archName(trace.arch), cpu_info: null, cpu_count: null },
      process_uptime: null,
      main_module: null,
      modules: modules.all.map(moduleOf),
      unloaded_modules: [],
      thread_count: trace.threads.length,
      threads: threads.map(({ thread, frames }): Thread => ({
        thread_id: thread.id,
        thread_name: thread.name,
        last_error_value: null,
        frame_count: thread.frames.length,
        ...(frames.length < thread.frames.length ? { frames_truncated: true } : {}),
        frames: frames.map((frame, i) => frameOf(frame, i, modules.of(frame))),
      })),
      annotations: {},
    },
  };
}

function readFrame(reader: JsonReader, value: unknown, path: string): PostedFrame {
  const frame = reader.object(value, path) ?? {};
  return {
    module: readFileName(reader, frame, "module", path),
    debug_file: readFileName(reader, frame, "debug_file", path),
    debug_id: readId(reader, frame, path),
    code_id: reader.text(frame, "code_id", path),
    offset: reader.offset(frame, "offset", path),
    adjusted: reader.flag(frame, "adjusted", path),
    function: reader.text(frame, "function", path),
    file: reader.text(frame, "file", path),
    line: reader.count(frame, "line", path),
  };
}

function readModule(reader: JsonReader, value: unknown, path: string): PostedModule {
  const module = reader.object(value, path) ?? {};
  return {
    code_file: readFileName(reader, module, "code_file", path),
    debug_file: readFileName(reader, module, "debug_file", path),
    debug_id: readId(reader, module, path),
    code_id: reader.text(module, "code_id", path),
    version: reader.text(module, "version", path),
    base_addr: reader.offset(module, "base_addr", path),
    size: reader.offset(module, "size", path),
  };
}

/** Characters kept of a file's name or path: its end, which is what is looked at. */
const fileNameChars = 1024;

// A module is listed once and stands in the report with each of its frames: a long name would grow the report to gigabytes.
function readFileName(reader: JsonReader, parent: JsonObject, key: string, path: string): string | null {
  return reader.text(parent, key, path)?.slice(-fileNameChars).toWellFormed() ?? null;
}

function readId(reader: JsonReader, parent: JsonObject, path: string): string | null {
  const text = reader.text(parent, "debug_id", path);
  if (text === null) return null;
  return normaliseDebugIdOrGuid(text) ?? reader.reject(`${path}.debug_id`, "a debug id: 32 hex digits of a GUID or UUID, and the age where there is one", "It is the second word from the end of the .sym file's first line; dashes and case do not matter.");
}

function tooMany(what: string, limit: number, name: string): Result<never> {
  return refuse(413, "too_many", `The stack trace has more than ${limit} ${what}.`, `Send the crashed thread first and leave out the rest; an operator can raise DEADAIR_LIMIT_${name}.`);
}
