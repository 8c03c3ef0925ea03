// Makes the report of one walk out of four facts: the walker's two outputs,
// our own reading of the dump (thread ids and names, code ids, paths, unloaded
// modules, annotations), and which symbol files were at hand.
import { keptThreads } from "../kept-threads.ts";
import type { MinidumpSummary } from "../minidump/minidump.ts";
import type { DumpModule } from "../minidump/model.ts";
import { baseName } from "../minidump/module-list.ts";
import type { Module, Report, SymbolState, Thread } from "../report.ts";
import type { MissingSymbols, SymbolKey } from "../stackwalker.ts";
import { keyName, symbolKey } from "../symbol-key.ts";
import { zipFrames, type ZippedFrame } from "./frame-zip.ts";
import type { HumanOutput } from "./human-output.ts";
import { stripSeparators, type MachineModule, type MachineOutput } from "./machine-output.ts";

/** What a report is made of. */
export type WalkFacts = {
  readonly walker: string;
  readonly machine: MachineOutput;
  readonly human: HumanOutput;
  readonly dump: MinidumpSummary;
  /** Names (see `keyName`) of the modules whose symbols the walker could read. */
  readonly located: ReadonlySet<string>;
  readonly maxFrames: number;
  readonly maxThreads: number;
};

/** The report and the modules of walked frames that had no symbols; null when the outputs disagree. */
export function makeReport(facts: WalkFacts): { report: Report; missing: MissingSymbols[] } | null {
  const { machine, human, dump } = facts;
  const modules = joinModules(machine.modules, dump.modules);
  const around = { cpu: machine.cpu, modules: machine.modules, names: modules.map(({ name }) => name), unloaded: dump.unloadedModules };
  const stacks: ZippedFrame[][] = [];
  for (let i = 0; i < human.threads.size; i++) {
    const blocks = human.threads.get(i);
    const frames = blocks ? zipFrames(machine.threads.get(i) ?? [], blocks, around) : null;
    if (!frames) return null;
    stacks.push(frames);
  }
  if ([...machine.threads.keys()].some((index) => index >= stacks.length)) return null;

  const used = new Set(stacks.flat().map(({ moduleIndex }) => moduleIndex));
  const states = modules.map(({ key }, i) => symbolState(facts, key, machine.modules[i], used.has(i)));
  const kept = keptThreads(stacks.length, machine.requestingThread ?? -1, facts.maxThreads);
  const main = machine.modules.findIndex((module) => module.main);
  const report: Report = {
    status: "OK",
    walker: facts.walker,
    pid: dump.processId,
    crash_info: {
      type: machine.crashAddress === null ? null : human.crashReason || null,
      address: machine.crashAddress,
      crashing_thread: machine.requestingThread === null ? null : kept.indexOf(machine.requestingThread),
      assertion: human.assertion || null,
    },
    system_info: {
      os: machine.os || null,
      os_ver: machine.osVersion || null,
      cpu_arch: machine.cpu || null,
      cpu_info: machine.cpuInfo || null,
      cpu_count: machine.cpu === "" ? null : machine.cpuCount,
    },
    process_uptime: human.uptimeSeconds,
    main_module: main < 0 ? null : main,
    modules: modules.map((module, i) => reportModule(module, machine.modules[i], states[i] ?? "unused")),
    unloaded_modules: dump.unloadedModules.map((module) => ({
      filename: baseName(module.codeFile),
      base_addr: hex(BigInt(module.base)),
      end_addr: hex(BigInt(module.base) + BigInt(module.size)),
      code_id: module.codeId,
    })),
    thread_count: stacks.length,
    threads: kept.map((index) => reportThread(index, stacks, facts, states)),
    annotations: dump.annotations,
  };
  return { report, missing: missingKeys(modules, states) };
}

/** A module of the walker with what our reader knows of it. */
type JoinedModule = { readonly name: string; readonly ours: DumpModule | null; readonly key: SymbolKey | null };

/** Finds each of the walker's modules (sorted by address, without repeats) among ours (in the order of the dump). */
function joinModules(theirs: readonly MachineModule[], ours: readonly DumpModule[]): JoinedModule[] {
  const byPlace = new Map<string, DumpModule>();
  for (const module of ours) {
    const place = `${BigInt(module.base)} ${stripSeparators(baseName(module.codeFile))}`;
    if (!byPlace.has(place)) byPlace.set(place, module);
  }
  return theirs.map((module) => {
    const own = byPlace.get(`${module.base} ${module.name}`) ?? null;
    return { name: own ? baseName(own.codeFile) : module.name, ours: own, key: own ? symbolKey(own) : null };
  });
}

function symbolState(facts: WalkFacts, key: SymbolKey | null, module: MachineModule | undefined, used: boolean): SymbolState {
  if (!key) return "no_debug_id";
  if (!used) return "unused";
  if (!facts.located.has(keyName(key))) return "missing";
  // A file was there; that the walker could not take it is the file's fault.
  return module && facts.human.symbolIssues.has(module.base) ? "corrupt" : "loaded";
}

function reportModule({ name, ours }: JoinedModule, theirs: MachineModule | undefined, state: SymbolState): Module {
  return {
    filename: name,
    code_file: ours?.codeFile ?? name,
    base_addr: hex(theirs?.base ?? 0n),
    end_addr: hex((theirs?.last ?? -1n) + 1n),
    debug_file: (ours?.debugFile ? baseName(ours.debugFile) : theirs?.debugFile) || null,
    debug_id: ours?.debugId ?? (theirs?.debugId.toUpperCase() || null),
    code_id: ours?.codeId ?? null,
    version: theirs?.version || null,
    loaded_symbols: state === "loaded",
    missing_symbols: state === "missing",
    corrupt_symbols: state === "corrupt",
    symbol_state: state,
  };
}

function reportThread(index: number, stacks: readonly ZippedFrame[][], facts: WalkFacts, states: readonly SymbolState[]): Thread {
  const { dump } = facts;
  // Breakpad's walker leaves out the thread that wrote the dump, and so do we,
  // so that both count threads alike.
  const walked = dump.threads.filter((thread) => thread.id !== dump.dumpThreadId);
  const own = walked.length === stacks.length ? walked[index] : undefined;
  const frames = stacks[index] ?? [];
  return {
    thread_id: own?.id ?? null,
    thread_name: own?.name ?? null,
    last_error_value: null,
    frame_count: frames.length,
    ...(frames.length > facts.maxFrames ? { frames_truncated: true } : {}),
    frames: frames.slice(0, facts.maxFrames).map(({ frame, moduleIndex }) => {
      const state = states[moduleIndex];
      return { ...frame, missing_symbols: state !== undefined && state !== "loaded" };
    }),
  };
}

function missingKeys(modules: readonly JoinedModule[], states: readonly SymbolState[]): MissingSymbols[] {
  const missing = new Map<string, MissingSymbols>();
  for (const [i, { key }] of modules.entries()) if (key && states[i] === "missing") missing.set(keyName(key), { ...key, lacks: "all" });
  return [...missing.values()];
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}
