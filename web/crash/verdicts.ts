// What each frame's verdict means: the words behind "Why this signature?".
import type { FrameVerdict } from "../../signature/signature.ts";

/** A verdict as the page prints it. */
export type VerdictText = {
  readonly label: string;
  readonly explains: string;
  /** True when the frame's name is part of the signature. */
  readonly used: boolean;
};

const texts: { readonly [verdict in FrameVerdict["verdict"]]: VerdictText } = {
  "before-sentinel": { label: "cut off", used: false, explains: "Above a sentinel: how the process dies, not why." },
  sentinel: { label: "sentinel", used: true, explains: "The signature starts here." },
  irrelevant: { label: "irrelevant", used: false, explains: "On the list of frames that say nothing about the bug: skipped." },
  prefix: { label: "prefix", used: true, explains: "Used, but too general alone: the next frame is added." },
  stop: { label: "stop", used: true, explains: "Used, and specific enough: the signature ends here." },
  repeat: { label: "repeat", used: false, explains: "The same name or module once more: not repeated." },
  empty: { label: "no name", used: false, explains: "Nothing names this frame." },
  unused: { label: "after", used: false, explains: "After the end of the signature." },
};

/** The words for a verdict; one that this page does not know is printed as it is. */
export function verdictText(verdict: string): VerdictText {
  return (texts as { readonly [verdict: string]: VerdictText })[verdict] ?? { label: verdict, used: false, explains: "This page does not know this verdict." };
}

/** The verdict on one line of the stack; null when there is none. */
export function verdictAt(verdicts: readonly FrameVerdict[], frame: number, inline: number | null): FrameVerdict | null {
  return verdicts.find((one) => one.frame === frame && one.inline === inline) ?? null;
}
