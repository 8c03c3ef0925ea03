// What each frame's verdict means: the words behind "Why this signature?".
import type { FrameVerdict } from "./report.ts";

/** A verdict as the page prints it. */
export type VerdictText = {
  readonly label: string;
  readonly explains: string;
};

const texts: { readonly [verdict in FrameVerdict["verdict"]]: VerdictText } = {
  "before-sentinel": { label: "cut off", explains: "Above a sentinel: left out." },
  sentinel: { label: "sentinel", explains: "The stack starts here; all above it is how the process dies." },
  irrelevant: { label: "irrelevant", explains: "On the list of frames that say nothing about the bug: skipped." },
  prefix: { label: "prefix", explains: "Used, but too general alone: the next frame is added." },
  stop: { label: "stop", explains: "Used, and specific enough: the signature ends here." },
  repeat: { label: "repeat", explains: "The same name as the last one used: not repeated." },
  empty: { label: "no name", explains: "Nothing names this frame." },
  unused: { label: "after", explains: "After the end of the signature." },
};

/** The words for a verdict; one that this page does not know is printed as it is. */
export function verdictText(verdict: string): VerdictText {
  return (texts as { readonly [verdict: string]: VerdictText })[verdict] ?? { label: verdict, explains: "This page does not know this verdict." };
}

/** The verdict on one line of the stack; null when there is none. */
export function verdictAt(verdicts: readonly FrameVerdict[], frame: number, inline: number | null): FrameVerdict | null {
  return verdicts.find((one) => one.frame === frame && one.inline === inline) ?? null;
}
