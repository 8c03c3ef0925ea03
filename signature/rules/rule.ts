// What a rule is: see ../signature.ts for the order they run in.
import type { Report } from "../../stackwalk/report.ts";

/** A signature in the making. */
export type Draft = {
  /** The text, as yet of any length. */
  readonly signature: string;
  /** What identifies the group; a rule that only tidies the text leaves it alone. */
  readonly parts: readonly string[];
  /** All normalised frames of the crashing thread, joined with " | ". */
  readonly protoSignature: string;
};

/** One step after the stack. */
export type Rule = {
  /** As it stands in notes, in kebab-case. */
  readonly name: string;
  readonly predicate: (report: Report, draft: Draft) => boolean;
  readonly action: (report: Report, draft: Draft) => Draft;
};

/** Puts a label before both the text and the parts. */
export function label(draft: Draft, text: string, part: string = text): Draft {
  return { ...draft, signature: draft.signature === "" ? text : `${text} | ${draft.signature}`, parts: [part, ...draft.parts] };
}

const NOTE_TEXT_CHARS = 300;

/** Runs rules in their order. A rule that throws is skipped and leaves a note; it must not cost the crash its signature. */
export function runRules(rules: readonly Rule[], report: Report, first: Draft): { readonly draft: Draft; readonly notes: readonly string[] } {
  let draft = first;
  const notes: string[] = [];
  for (const rule of rules) {
    try {
      if (!rule.predicate(report, draft)) continue;
      const next = rule.action(report, draft);
      if (next.signature !== draft.signature) notes.push(`${rule.name}: "${clip(draft.signature)}" -> "${clip(next.signature)}"`);
      draft = next;
    } catch (error) {
      notes.push(`${rule.name}: failed and was skipped: ${clip(error instanceof Error ? error.message : String(error))}`);
    }
  }
  return { draft, notes };
}

function clip(text: string): string {
  return text.length <= NOTE_TEXT_CHARS ? text : `${text.slice(0, NOTE_TEXT_CHARS)}...`;
}
