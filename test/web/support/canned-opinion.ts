// A second opinion on the canned crash, compared as the server compares:
// Breakpad goes another way after a frame without symbols, finds one frame
// more, and does not know one of the threads. Two threads are deep: rows on
// which both agree have to be folded.
import type { SecondOpinion } from "../../../services/triage/schema.ts";
import type { Frame, Report, Thread } from "../../../stackwalk/report.ts";
import { compareReports } from "../../../stackwalk/second-opinion.ts";
import { vaultReport } from "./canned-crash.ts";

const deepFrames = 240;

/** A thread whose frames are all of one function, each at an address of its own. */
function deepThread(id: number, name: string): Thread {
  const model = vaultReport.threads[8]!;
  const frames = Array.from({ length: deepFrames }, (_, frame): Frame => ({ ...model.frames[2]!, frame, offset: `0x00007ff8a1b4${(0x1000 + frame).toString(16)}`, trust: frame === 0 ? "context" : "cfi" }));
  return { ...model, thread_id: id, thread_name: name, frame_count: deepFrames, frames };
}

const ours: Report = { ...vaultReport, threads: [...vaultReport.threads, deepThread(9300, "parser"), deepThread(9304, "renderer")] };

const theirs: Report = {
  ...ours,
  crash_info: { ...ours.crash_info, type: "EXCEPTION_ACCESS_VIOLATION_READ" },
  threads: ours.threads
    .filter(({ thread_id: id }) => id !== 9201)
    .map((thread): Thread => {
      if (thread.thread_name === "parser") return { ...thread, frames: thread.frames.map((frame) => (frame.frame === 120 ? { ...frame, line: 90, trust: "frame_pointer" } : frame)) };
      // Nothing is alike: every row of it has to be shown.
      if (thread.thread_name === "renderer") return { ...thread, frames: thread.frames.map((frame) => ({ ...frame, function: "render_all()" })) };
      if (thread.thread_name !== "REAPER audio 0") return thread;
      const [first, ...rest] = thread.frames;
      const extra: Frame = { ...thread.frames[6]!, frame: 9, offset: "0x00007ff8f5fcaf99", module: "ntdll.dll", trust: "scan", unloaded_modules: null };
      return { ...thread, frames: [{ ...first!, inlines: null }, ...rest, extra] };
    }),
};

/** What the server answers when both walkers came to an end. */
export const cannedOpinion: SecondOpinion = {
  walkers: { deadair: { name: "deadair 1", milliseconds: 12, failure: null }, breakpad: { name: "breakpad 0.26.0", milliseconds: 1640, failure: null } },
  comparison: compareReports(ours, theirs),
};

/** What it answers when Breakpad's walker did not. */
export const failedOpinion: SecondOpinion = {
  walkers: { ...cannedOpinion.walkers, breakpad: { name: "breakpad 0.26.0", milliseconds: 60_004, failure: { code: "timeout", message: "The walk took longer than 60000 ms (limit WALK_SECONDS)." } } },
  comparison: null,
};

/** What it answers when both say the same. */
export const agreeingOpinion: SecondOpinion = { ...cannedOpinion, comparison: compareReports(vaultReport, vaultReport) };

/** The first answer without its hundreds of equal rows: a check of every element takes long. */
export const shortOpinion: SecondOpinion = { ...cannedOpinion, comparison: { ...cannedOpinion.comparison!, threads: cannedOpinion.comparison!.threads.filter((thread) => thread.thread_name !== "renderer") } };
