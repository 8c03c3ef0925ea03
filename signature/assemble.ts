// From the frames of a thread to the parts of a signature.
//
// The frames are walked from the innermost out, and each gets a verdict with
// the list line that decided it, so that a person can see why the signature is
// what it is. lists/README.md has the steps.
import type { Thread } from "../stackwalk/report.ts";
import { type FrameName, frameName, inlineName } from "./frame-name.ts";
import type { Lists } from "./list-file.ts";

/** What one frame did to the signature, and which list line decided it. */
export type FrameVerdict = {
  /** Index of the physical frame in the crashing thread. */
  readonly frame: number;
  /** Index into the frame's inlines, or null for the physical function itself. */
  readonly inline: number | null;
  /** The frame's normalised name; empty when it has none. */
  readonly name: string;
  /** `before-sentinel`: cut off; `sentinel`: the stack starts here; `irrelevant`: skipped; `prefix`: used, go on; `stop`: used, the last; `repeat`: same name again; `empty`: no name; `unused`: after the last. */
  readonly verdict: "before-sentinel" | "sentinel" | "irrelevant" | "prefix" | "stop" | "repeat" | "empty" | "unused";
  /** The list's file name and line that decided, such as `prefix.txt:17`; null when none did. */
  readonly rule: string | null;
  /** True when the name is a part of the signature. A sentinel may be, or may itself be irrelevant. */
  readonly used: boolean;
};

/** A frame, physical or inlined, with its name. */
export type NamedFrame = FrameName & { readonly frame: number; readonly inline: number | null };

/** The outcome of a walk over the frames. */
export type Assembly = {
  readonly verdicts: readonly FrameVerdict[];
  /** The frames whose names make the signature, innermost first; empty when no frame has a name. */
  readonly used: readonly NamedFrame[];
  /** True when one of them says enough to tell one bug from another: a function or a source line that is not a mere prefix. */
  readonly telling: boolean;
  readonly notes: readonly string[];
};

/** Frames that are looked at, inlined ones included (Socorro's number). */
const FRAMES_CONSIDERED = 40;

/**
 * Names of bare modules that one signature holds.
 * A module alone says too little, so the walk goes on to its caller; but without symbols a stack is found by guessing, and its far end is noise.
 */
const BARE_MODULES_USED = 4;

/** Names the frames of a thread: those inlined into a frame come before it, innermost first. */
export function nameFrames(thread: Thread, isWindows: boolean, lists: Lists): NamedFrame[] {
  const named: NamedFrame[] = [];
  for (const [frame, physical] of thread.frames.entries()) {
    for (const [inline, one] of (physical.inlines ?? []).entries()) {
      if (named.length === FRAMES_CONSIDERED) return named;
      named.push({ ...withLine(inlineName(one), one.line, lists), frame, inline });
    }
    if (named.length === FRAMES_CONSIDERED) return named;
    named.push({ ...withLine(frameName(physical, isWindows), physical.line, lists), frame, inline: null });
  }
  return named;
}

function withLine(name: FrameName, line: number | null, lists: Lists): FrameName {
  if (name.kind !== "function" || line === null || lists.lineNumbers.match(name.text) === null) return name;
  return { kind: name.kind, text: `${name.text}:${line}` };
}

/** Walks named frames and picks those that make the signature. */
export function assemble(frames: readonly NamedFrame[], lists: Lists): Assembly {
  const verdicts: FrameVerdict[] = [];
  const used: NamedFrame[] = [];
  const notes: string[] = [];
  const judge = (frame: NamedFrame, verdict: FrameVerdict["verdict"], rule: string | null, isUsed = false): void => {
    verdicts.push({ frame: frame.frame, inline: frame.inline, name: frame.text, verdict, rule, used: isUsed });
    if (isUsed) used.push(frame);
  };

  const start = findSentinel(frames, lists);
  let bareModules = 0;
  let stopped = false;
  let telling = false;
  for (const [index, frame] of frames.entries()) {
    if (start !== null && index < start.index) {
      judge(frame, "before-sentinel", start.rule);
      continue;
    }
    if (stopped) {
      judge(frame, "unused", null);
      continue;
    }
    if (frame.kind === "empty") {
      judge(frame, "empty", null);
      continue;
    }
    const sentinelRule = start?.index === index ? start.rule : null;
    const irrelevant = lists.irrelevant.match(frame.text);
    if (irrelevant !== null) {
      judge(frame, sentinelRule === null ? "irrelevant" : "sentinel", sentinelRule ?? irrelevant);
      continue;
    }
    if (used.at(-1)?.text === frame.text) {
      judge(frame, "repeat", null);
      continue;
    }
    const isBare = frame.kind === "module" || frame.kind === "unloaded";
    if (isBare) bareModules++;
    const prefix = lists.prefix.match(frame.text);
    const goesOn = isBare ? bareModules < BARE_MODULES_USED : prefix !== null;
    stopped = !goesOn;
    telling ||= prefix === null && (frame.kind === "function" || frame.kind === "source");
    if (sentinelRule !== null) judge(frame, "sentinel", sentinelRule, true);
    else judge(frame, goesOn ? "prefix" : "stop", goesOn ? prefix : null, true);
  }
  if (used.length === 0) useFirst(frames.slice(start?.index ?? 0), verdicts, used, notes);
  return { verdicts, used, telling, notes };
}

/** The innermost frame that is a sentinel; one with a condition counts only when its other name is in the stack. */
function findSentinel(frames: readonly NamedFrame[], lists: Lists): { index: number; rule: string } | null {
  for (const [index, frame] of frames.entries()) {
    const sentinel = lists.sentinels.get(frame.text)?.find((one) => one.when === null || frames.some((other) => other.text === one.when));
    if (sentinel !== undefined) return { index, rule: sentinel.rule };
  }
  return null;
}

/** When all frames are irrelevant, the first one is better than nothing; an address is the worst of names, since it differs in each process. */
function useFirst(frames: readonly NamedFrame[], verdicts: FrameVerdict[], used: NamedFrame[], notes: string[]): void {
  const named = frames.filter((frame) => frame.kind !== "empty");
  const first = named.find((frame) => frame.kind !== "address") ?? named[0];
  if (first === undefined) return;
  used.push(first);
  const at = verdicts.findIndex((verdict) => verdict.frame === first.frame && verdict.inline === first.inline);
  const verdict = verdicts[at];
  if (verdict !== undefined) verdicts[at] = { ...verdict, verdict: "stop", used: true };
  notes.push(`every frame is irrelevant; "${first.text.slice(0, 100)}" is used all the same`);
}
