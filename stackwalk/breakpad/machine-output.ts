// Breakpad's `-m` output: one record a line, fields between bars. It has the
// whole source path and the exact fields of a frame, but no trust, and bars
// and newlines are cut out of names (stackwalk_common.cc, StripSeparator).

/** A `Module` line. */
export type MachineModule = {
  readonly name: string;
  readonly version: string;
  readonly debugFile: string;
  readonly debugId: string;
  readonly base: bigint;
  /** Last address of the module, not the one after it. */
  readonly last: bigint;
  readonly main: boolean;
};

/** A frame line; inlined functions have lines of their own, before the frame that holds them. */
export type MachineFrame = {
  readonly module: string;
  readonly function: string;
  readonly file: string;
  readonly line: string;
  /** Relative to the line's start where a file is named, else to the function's, else to the module's, else absolute. */
  readonly offset: bigint;
};

/** The whole output. */
export type MachineOutput = {
  readonly os: string;
  readonly osVersion: string;
  readonly cpu: string;
  readonly cpuInfo: string;
  readonly cpuCount: number;
  /** Null when the dump was asked for and nothing crashed. */
  readonly crashAddress: string | null;
  readonly requestingThread: number | null;
  readonly modules: readonly MachineModule[];
  /** Frames by thread index, in the order printed; a thread without frames has no entry. */
  readonly threads: ReadonlyMap<number, readonly MachineFrame[]>;
};

/** What `-m` leaves of a name: bars and newlines are cut out. */
export function stripSeparators(text: string): string {
  return text.replaceAll(/[|\n]/g, "");
}

const hexText = /^0x[0-9a-f]+$/;

/** Parses the output; null when it is not what Breakpad prints. */
export function parseMachineOutput(text: string): MachineOutput | null {
  const lines = text.split("\n");
  const os = fields(lines[0], "OS", 3);
  const cpu = fields(lines[1], "CPU", 4);
  const crash = fields(lines[3], "Crash", 4);
  if (!os || !cpu || !crash) return null;
  const modules: MachineModule[] = [];
  let at = 4;
  for (; lines[at]?.startsWith("Module|"); at++) {
    const module = parseModule(lines[at] ?? "");
    if (!module) return null;
    modules.push(module);
  }
  const threads = new Map<number, MachineFrame[]>();
  for (const line of lines.slice(at + 1)) {
    if (line === "") continue;
    const frame = parseFrame(line);
    if (!frame) return null;
    const frames = threads.get(frame.thread) ?? [];
    frames.push(frame.frame);
    threads.set(frame.thread, frames);
  }
  const [, osName = "", osVersion = ""] = os;
  const [, cpuName = "", cpuInfo = "", cpuCount = ""] = cpu;
  const [, , crashAddress = "", thread = ""] = crash;
  return {
    os: osName,
    osVersion,
    cpu: cpuName,
    cpuInfo,
    cpuCount: Number(cpuCount),
    crashAddress: crashAddress === "" ? null : crashAddress,
    requestingThread: thread === "" ? null : Number(thread),
    modules,
    threads,
  };
}

function fields(line: string | undefined, name: string, count: number): string[] | null {
  const parts = line?.split("|") ?? [];
  return parts[0] === name && parts.length === count ? parts : null;
}

function parseModule(line: string): MachineModule | null {
  const parts = fields(line, "Module", 8);
  if (!parts) return null;
  const [, name = "", version = "", debugFile = "", debugId = "", base = "", last = "", main = ""] = parts;
  if (!hexText.test(base) || !hexText.test(last)) return null;
  return { name, version, debugFile, debugId, base: BigInt(base), last: BigInt(last), main: main === "1" };
}

function parseFrame(line: string): { thread: number; frame: MachineFrame } | null {
  const parts = line.split("|");
  const [thread = "", , module = "", name = "", file = "", lineNumber = "", offset = ""] = parts;
  if (parts.length !== 7 || !/^\d+$/.test(thread) || !hexText.test(offset)) return null;
  return { thread: Number(thread), frame: { module, function: name, file, line: lineNumber, offset: BigInt(offset) } };
}
