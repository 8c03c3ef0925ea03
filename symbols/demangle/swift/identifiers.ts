// Identifiers of Swift's mangling: a length and a text, or pieces of which some
// are words of identifiers before.
import type { SwiftCursor } from "./cursor.ts";

/** Words that are kept, one for each letter. */
const wordsMax = 26;
/** Characters of an identifier; each letter may stand for a long word. */
const textMax = 16_384;
const codeA = 0x41;
const codea = 0x61;

/** Reads identifiers and keeps the words in them. */
export class SwiftIdentifiers {
  private readonly words: string[] = [];

  /** The identifier at the cursor, which is at a digit; "" when it cannot be read. Names that are not of ASCII letters (`00`, Punycode) cannot. */
  read(cursor: SwiftCursor): string {
    let hasWords = cursor.take("0");
    if (hasWords && cursor.peek() === "0") return "";
    let text = "";
    do {
      while (hasWords && /[a-zA-Z]/.test(cursor.peek())) {
        const code = cursor.next().charCodeAt(0);
        hasWords = code >= codea;
        const word = this.words[code - (hasWords ? codea : codeA)];
        if (word === undefined || text.length + word.length > textMax) return "";
        text += word;
      }
      if (cursor.take("0")) break;
      const length = cursor.natural();
      const piece = length > 0 ? cursor.slice(length) : "";
      if (piece === "") return "";
      this.keepWords(piece);
      text += piece;
    } while (hasWords);
    return text;
  }

  /** A word begins with anything but a digit or `_`, and ends before `_` and before a capital that does not follow one. */
  private keepWords(text: string): void {
    let start = -1;
    for (let i = 0; i <= text.length; i++) {
      const letter = text[i] ?? "_";
      if (start >= 0 && (letter === "_" || (isCapital(letter) && !isCapital(text[i - 1]!)))) {
        if (i - start >= 2 && this.words.length < wordsMax) this.words.push(text.slice(start, i));
        start = -1;
      }
      if (start < 0 && letter !== "_" && !/[0-9]/.test(letter)) start = i;
    }
  }
}

function isCapital(letter: string): boolean {
  return letter >= "A" && letter <= "Z";
}
