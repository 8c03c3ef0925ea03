// What each trust means, in words an engineer can weigh.
import type { Trust } from "./report.ts";

/** A trust as the page prints it. */
export type TrustText = {
  /** The short label. */
  readonly label: string;
  /** One sentence: how the frame was found and how far to believe it. */
  readonly explains: string;
  /** `sure`, `fair` or `doubtful`: how the label is painted. */
  readonly weight: "sure" | "fair" | "doubtful";
};

const texts: { readonly [trust in Trust]: TrustText } = {
  context: { label: "context", weight: "sure", explains: "Read from the thread's registers: exact." },
  prewalked: { label: "prewalked", weight: "sure", explains: "The client walked the stack itself and sent this frame." },
  cfi: { label: "cfi", weight: "sure", explains: "Found with the module's unwind data: as good as exact." },
  frame_pointer: { label: "fp", weight: "fair", explains: "Found by following frame pointers: right unless code was built without them." },
  cfi_scan: { label: "cfi scan", weight: "doubtful", explains: "Found by searching the stack, then confirmed by unwind data: likely." },
  scan: { label: "scan", weight: "doubtful", explains: "Found by searching the stack for return addresses: a guess, and it may be left over from an earlier call." },
  leaf: { label: "leaf", weight: "fair", explains: "Taken from the link register, as a leaf function leaves it: usually right." },
  none: { label: "none", weight: "doubtful", explains: "The walker does not say how it found this frame." },
};

/** The words for a trust; a trust that this page does not know is printed as it is. */
export function trustText(trust: string): TrustText {
  return (texts as { readonly [trust: string]: TrustText })[trust] ?? { label: trust, weight: "doubtful", explains: "This page does not know this way of finding a frame." };
}
