// Breakpad's output for people: the only place where it tells trust, registers
// and which modules lacked symbols. Names in it are free text, so nothing but
// the fixed parts of a line is relied on; the exact fields come from `-m`.
import type { Trust } from "../report.ts";

/** A frame's block: a heading, lines of registers, and `Found by`. */
export type HumanFrame = {
  /** ` 0  module!function [file : line + 0x1]`, with newlines that a hostile name may hold. */
  readonly heading: string;
  /** `inline` for a function inlined into the next frame that is not. */
  readonly trust: Trust | "inline";
  /** By name, hex of full width. */
  readonly registers: { readonly [name: string]: string };
};

/** The whole output. */
export type HumanOutput = {
  readonly crashReason: string | null;
  readonly assertion: string | null;
  readonly uptimeSeconds: number | null;
  /** Frames by thread index. */
  readonly threads: ReadonlyMap<number, readonly HumanFrame[]>;
  /** What the walker said of symbols, by base address of the module. */
  readonly symbolIssues: ReadonlyMap<bigint, "missing" | "corrupt">;
};

/** Breakpad's StackFrame::trust_description(), which its output quotes. */
const trusts: { readonly [description: string]: Trust | "inline" } = {
  "given as instruction pointer in context": "context",
  "recovered by external stack walker": "prewalked",
  "call frame info": "cfi",
  "call frame info with scanning": "cfi_scan",
  "previous frame's frame pointer": "frame_pointer",
  "stack scanning": "scan",
  "simulating a return from leaf function": "leaf",
  "inline record": "inline",
  unknown: "none",
};

const threadHeading = /^Thread (\d+)(?: \((?:crashed|requested dump, did not crash)\))?$/;
const foundBy = /^ {4}Found by: (.*)$/;
const registerLine = /^ {2,5}(?: {0,4}[$\w]+ = 0x[0-9a-f]+)+$/;
const moduleLine = /^0x([0-9a-f]+) - 0x[0-9a-f]+ {2}.* {2}\(WARNING: (No|Corrupt) symbols, .*\)$/;

/** Parses the output. Total: what it does not know is skipped, and the zip with `-m` sees what is missing. */
export function parseHumanOutput(text: string): HumanOutput {
  const lines = text.split("\n");
  let at = 0;
  const head = new Map<string, string>();
  for (; at < lines.length && !threadHeading.test(lines[at] ?? "") && lines[at] !== "Loaded modules:"; at++) {
    const pair = /^(Crash reason|Assertion|Process uptime): +(.*)$/.exec(lines[at] ?? "");
    if (pair?.[1] !== undefined && !head.has(pair[1])) head.set(pair[1], pair[2] ?? "");
  }
  const threads = new Map<number, HumanFrame[]>();
  let thread: HumanFrame[] = [];
  let block: string[] = [];
  for (; at < lines.length && lines[at] !== "Loaded modules:"; at++) {
    const line = lines[at] ?? "";
    const heading = threadHeading.exec(line);
    const found = foundBy.exec(line);
    if (heading) {
      thread = [];
      threads.set(Number(heading[1]), thread);
      block = [];
    } else if (found) {
      thread.push(readFrame(block, found[1] ?? ""));
      block = [];
    } else block.push(line);
  }
  const symbolIssues = new Map<bigint, "missing" | "corrupt">();
  for (; at < lines.length; at++) {
    const issue = moduleLine.exec(lines[at] ?? "");
    if (issue?.[1] !== undefined) symbolIssues.set(BigInt(`0x${issue[1]}`), issue[2] === "No" ? "missing" : "corrupt");
  }
  const uptime = /^(\d+) seconds$/.exec(head.get("Process uptime") ?? "");
  return {
    crashReason: head.get("Crash reason") ?? null,
    assertion: head.get("Assertion") ?? null,
    uptimeSeconds: uptime ? Number(uptime[1]) : null,
    threads,
    symbolIssues,
  };
}

function readFrame(block: readonly string[], description: string): HumanFrame {
  const registers: { [name: string]: string } = {};
  const heading: string[] = [];
  for (const line of block) {
    if (!registerLine.test(line)) {
      heading.push(line);
      continue;
    }
    for (const [, name = "", value = ""] of line.matchAll(/([$\w]+) = (0x[0-9a-f]+)/g)) registers[name] = value;
  }
  // An inline frame's empty register line is a single blank.
  return { heading: heading.join("\n").trimEnd(), trust: trusts[description] ?? "none", registers };
}
