// Rust's legacy names: an Itanium name of plain words, `_ZN…17h<16 hex>E`, with
// the words' marks escaped. The last word is a hash that changes with every
// build; it says nothing and is left out, as in rustc's short form.

const mark = /17h[0-9a-f]{16}E(?:$|[.@])/;
const hashWord = /^h[0-9a-f]{16}$/;
const escapes = new Map([
  ["SP", "@"],
  ["BP", "*"],
  ["RF", "&"],
  ["LT", "<"],
  ["GT", ">"],
  ["LP", "("],
  ["RP", ")"],
  ["C", ","],
]);

/** True for what looks like a legacy name of Rust: `_ZN` ends at `from`. */
export function isRustLegacy(name: string, from: number): boolean {
  return name.charCodeAt(from - 1) === 0x4e && name.includes("17h", from) && mark.test(name);
}

/** Demangles a legacy name whose `_ZN` ends at `from`; null when it is none. What follows the name's end is the caller's: see `legacyEnd`. */
export function demangleRustLegacy(name: string, from: number, end: number): string | null {
  const words: string[] = [];
  let at = from;
  while (at < end && name.charCodeAt(at) !== 0x45 /* E */) {
    let size = 0;
    const digitsFrom = at;
    for (let digit = name.charCodeAt(at) - 0x30; digit >= 0 && digit <= 9; digit = name.charCodeAt(++at) - 0x30) {
      size = size * 10 + digit;
      if (size > end) return null;
    }
    if (at === digitsFrom || size === 0 || at + size > end) return null;
    words.push(name.slice(at, at + size));
    at += size;
  }
  const hash = words.pop();
  if (at !== end - 1 || hash === undefined || words.length === 0 || !hashWord.test(hash)) return null;
  return words.map(unescape).join("::");
}

/** Where a legacy name ends, behind its `E`; what follows are suffixes. -1 when it has no end. */
export function legacyEnd(name: string): number {
  const found = mark.exec(name);
  return found === null ? -1 : found.index + 20;
}

function unescape(word: string): string {
  if (!word.includes("$") && !word.includes("..")) return word;
  // A word may not begin with `$`, so it got an underscore.
  let text = word.startsWith("_$") ? word.slice(1) : word;
  text = text.replaceAll("..", "::");
  return text.replace(/\$(?:([A-Z]{1,2})|u([0-9a-f]{1,6}))\$/g, (whole, letters: string | undefined, code: string | undefined) => {
    if (letters !== undefined) return escapes.get(letters) ?? whole;
    const point = Number.parseInt(code!, 16);
    const isPrintable = point >= 0x20 && point !== 0x7f && !(point >= 0x80 && point < 0xa0) && !(point >= 0xd800 && point < 0xe000) && point <= 0x10ffff;
    return isPrintable ? String.fromCodePoint(point) : whole;
  });
}
