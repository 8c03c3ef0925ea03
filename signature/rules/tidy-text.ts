// The last rules: what a signature looks like. They change the text only, never
// what identifies the group, and always come last.
import type { Rule } from "./rule.ts";

/** Characters of a signature at most (Socorro's number, and a comfortable index key). */
const SIGNATURE_CHARS = 255;

// Printable ASCII, and the letters of every language: plugins and their makers
// are called what they are called, and a name must not vanish from its own
// signature. Emoji, control and direction characters go.
const unprintable = /[^\x20-\x7e\p{L}\p{M}\p{N}]/gu;

/** Drops what is neither printable ASCII nor a letter or digit. White space stays for the next rule. */
export const printable: Rule = {
  name: "printable",
  predicate: () => true,
  action: (_report, draft) => ({ ...draft, signature: draft.signature.replace(/\s/g, " ").replace(unprintable, "") }),
};

/** One space between words, none at the ends. */
export const whitespace: Rule = {
  name: "whitespace",
  predicate: () => true,
  action: (_report, draft) => ({ ...draft, signature: draft.signature.replace(/\s+/g, " ").trim() }),
};

/** Cuts to 255 characters, the last three of them dots. */
export const truncate: Rule = {
  name: "truncate",
  predicate: (_report, draft) => draft.signature.length > SIGNATURE_CHARS,
  action: (_report, draft) => {
    // A cut through a surrogate pair would leave half a character.
    const head = draft.signature.slice(0, SIGNATURE_CHARS - 3).replace(/[\ud800-\udbff]$/, "");
    return { ...draft, signature: `${head}...` };
  },
};
