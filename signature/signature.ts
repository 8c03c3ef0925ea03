// placeholder: the contract that signature/ fulfils; the helper for signature/ replaces this file's body.
import type { Report } from "../stackwalk/report.ts";

/** What one frame did to the signature, and which list line decided it. */
export type FrameVerdict = {
  /** Index of the physical frame in the crashing thread. */
  readonly frame: number;
  /** Index into the frame's inlines, or null for the physical function itself. */
  readonly inline: number | null;
  /** The frame's normalised name; empty when it has none. */
  readonly name: string;
  /** `before-sentinel`: cut off; `sentinel`: the stack starts here; `irrelevant`: skipped; `prefix`: used, go on; `stop`: used, the last; `repeat`: same module again; `empty`: no name; `unused`: after the last. */
  readonly verdict: "before-sentinel" | "sentinel" | "irrelevant" | "prefix" | "stop" | "repeat" | "empty" | "unused";
  /** The list's file name and line that decided, such as `prefix.txt:17`; null when none did. */
  readonly rule: string | null;
};

/** A signature with the reasons for it. */
export type Signature = {
  /** Version of the algorithm and lists. */
  readonly version: number;
  /** Readable, at most 255 characters. */
  readonly signature: string;
  /** Hex SHA-256 of what identifies the group; the same for every crash of one group. */
  readonly fingerprint: string;
  /** All normalised frames of the crashing thread, joined with " | ". */
  readonly protoSignature: string;
  readonly frames: readonly FrameVerdict[];
  /** Each change a rule made, such as `stack-overflow: "a" -> "stackoverflow | a"`. */
  readonly notes: readonly string[];
};

/** Makes the signature of a report. Pure; never throws. */
export function sign(report: Report): Signature {
  void report;
  throw new Error("not written yet");
}
