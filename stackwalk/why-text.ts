// Why each frame is in a stack, for `deadair walk --why`: beneath the frame,
// how it was found, by which rule, and what was turned down before.
//
//      1  Halcyon.vst3!vault::Graph::walk()  graph.cpp:12
//           cfi: cfa = rsp + 48, ra = [cfa - 8]
//           by the unwind row at 0x1a40 of Halcyon.vst3
//      2  reaper.exe + 0x114c  by scan
//           scan: rip = the word 24 bytes above rsp
//           not by cfi: no unwind row has the address
//           not by scan, 0x7ff8a1b21310 at 0x6399dac0f8: no call is before it
//
// A rule restores the registers of the frame that it stands under from those
// of the frame above, so its row is one of the module above.
import { crashLines } from "./crash-lines.ts";
import { hex } from "./hex.ts";
import type { Report } from "./report.ts";
import { printed, stackBlocks } from "./stack-text.ts";
import type { FrameWhy, Rejection, TechniqueName, ThreadStack } from "./unwind/thread-stack.ts";

const techniques: { readonly [name in TechniqueName]: string } = {
  context: "context",
  stack_win: "STACK WIN record",
  stack_win_scan: "STACK WIN record, then scan",
  cfi: "cfi",
  leaf: "leaf function",
  frame_pointer: "frame pointer",
  called_nowhere: "call to no code",
  scan: "scan",
};

/** The crash and all stacks with their reasons, ending in a newline. `stacks` are those that the report's threads were made of, walked with reasons; null for a thread that was not walked. */
export function whyText(report: Report, stacks: readonly (ThreadStack | null)[]): string {
  const below = (thread: number, position: number): string[] => {
    const why = stacks[thread]?.frames[position]?.why;
    return why ? whyLines(why, moduleAbove(report, thread, position)).map((line) => `           ${line}`) : [];
  };
  return printed([crashLines(report), ...stackBlocks(report, below)]);
}

/** The module of the frame's callee; null when it was left out or is in none. */
function moduleAbove(report: Report, thread: number, position: number): string | null {
  const frames = report.threads[thread]?.frames ?? [];
  const callee = frames[position - 1];
  return callee && callee.frame + 1 === frames[position]?.frame ? callee.module : null;
}

function whyLines({ technique, rule, row, rejected, rejectedMore }: FrameWhy, above: string | null): string[] {
  const record = technique === "stack_win" || technique === "stack_win_scan" ? "record" : "unwind row";
  return [
    `${techniques[technique]}: ${rule}`,
    ...(row === null ? [] : [`by the ${record} at ${hex(row, 1)}${above === null ? "" : ` of ${above}`}`]),
    ...rejected.map(rejectionText),
    ...(rejectedMore > 0 ? [`and ${rejectedMore} more turned down`] : []),
  ];
}

function rejectionText({ technique, at, address, reason }: Rejection): string {
  const candidate = `${address === null ? "" : `, ${hex(address, 1)}`}${at === null ? "" : ` at ${hex(at, 1)}`}`;
  return `not by ${techniques[technique]}${candidate}: ${reason}`;
}
