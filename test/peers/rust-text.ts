// rust-minidump's text for people: its frames, in one spelling for both sides.
import type { Report } from "../../stackwalk/report.ts";

const descriptions: { readonly [trust: string]: string } = {
  context: "given as instruction pointer in context",
  cfi: "call frame info",
  frame_pointer: "previous frame's frame pointer",
  scan: "stack scanning",
};

/** Frames of a text: `thread 3060 crashed`, and a line a frame with what both sides know: module, function, place and how it was found. */
export function parseRustText(text: string): string[] {
  const lines: string[] = [];
  let frame = "";
  for (const line of text.split("\n")) {
    const thread = /^Thread (\d+) (.*) - tid: (\d+)/.exec(line);
    const heading = /^ ?\d+ {2}(.*)$/.exec(line);
    const found = /^ {4}Found by: (.*)$/.exec(line);
    if (thread) lines.push(`thread ${thread[3]}${thread[2]?.includes("crashed") ? " crashed" : ""}`);
    // The offset from the line's first instruction is not in the schema; in the text it tells little more than the place.
    else if (heading) frame = (heading[1] ?? "").replace(/ \+ 0x[0-9a-f]+\]$/, "]");
    else if (found) lines.push(`${frame} ${found[1]}`);
    if (line.startsWith("Loaded modules")) break;
  }
  return lines;
}

/** The same of a report. */
export function textOfFrames(report: Report): string[] {
  const crashing = report.crash_info.crashing_thread;
  const order = [...report.threads.keys()].sort((a, b) => Number(b === crashing) - Number(a === crashing));
  return order.flatMap((index) => {
    const thread = report.threads[index]!;
    const frames = thread.frames.map((frame) => {
      const hex = (text: string | null): string => `0x${BigInt(text ?? "0x0").toString(16)}`;
      const file = frame.file?.replace(/^.*[\\/]/, "");
      const place = frame.function === null ? ` + ${hex(frame.module_offset)}` : `!${frame.function} ${file === undefined ? `+ ${hex(frame.function_offset)}` : `[${file} : ${frame.line}]`}`;
      return `${frame.module === null ? hex(frame.offset) : frame.module + place} ${descriptions[frame.trust]}`;
    });
    return [`thread ${thread.thread_id}${index === crashing ? " crashed" : ""}`, ...frames];
  });
}
