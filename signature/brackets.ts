// Walking the brackets of a function's name.
//
// Demangled names nest (), <>, [], {} and MSVC's `quotes'. Everything here is
// one pass from left to right with a stack, so that the time is linear in the
// name whatever it holds; names come from other people's symbol files. Brackets
// need not balance: one that is never closed reaches to the end, a closing one
// without a partner is an ordinary character.

const closers: { readonly [open: string]: string } = { "(": ")", "<": ">", "[": "]", "{": "}", "`": "'" };

/** The longest first, since `<<=` starts with `<<`. */
const operatorSymbols = [
  "<<=", ">>=", "<=>", "->*", "()", "[]", "<<", ">>", "<=", ">=", "->", "==", "!=", "&&", "||", "++", "--",
  "+=", "-=", "*=", "/=", "%=", "^=", "&=", "|=", "<", ">", "=", "!", "+", "-", "*", "/", "%", "^", "&", "|", "~", ",",
  " new[]", " delete[]", " new", " delete",
];

/**
 * Where the operator's own spelling ends, when the C++ keyword `operator` starts at `at`: after `operator()`, `operator<<`, `operator new[]`, or after the bare keyword of a conversion.
 * -1 when no such keyword starts there. Its symbols must not be taken for brackets.
 */
export function operatorEnd(text: string, at: number): number {
  if (text.charCodeAt(at) !== 0x6f || !text.startsWith("operator", at)) return -1;
  if (at > 0 && isWordCode(text.charCodeAt(at - 1))) return -1;
  const end = at + "operator".length;
  if (isWordCode(text.charCodeAt(end))) return -1;
  for (const symbol of operatorSymbols) {
    if (!text.startsWith(symbol, end)) continue;
    const after = end + symbol.length;
    if (symbol.endsWith("w") || symbol.endsWith("e")) {
      if (isWordCode(text.charCodeAt(after))) continue;
    }
    return after;
  }
  return end;
}

function isWordCode(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || (code >= 0x30 && code <= 0x39) || code === 0x5f;
}

/** A stack of open brackets that forgives what does not balance. */
class OpenBrackets {
  readonly #expected: string[] = [];
  // How many of each closer are expected, so that a stray one costs nothing.
  readonly #counts = new Map<string, number>();

  get depth(): number {
    return this.#expected.length;
  }

  open(closer: string): void {
    this.#expected.push(closer);
    this.#counts.set(closer, (this.#counts.get(closer) ?? 0) + 1);
  }

  /** Takes a possible closing character. A round, square or curly one also closes what was left open within it, as in `(a<b)`; `>` and `'` do not, since both also stand for themselves. */
  close(char: string): void {
    if ((this.#counts.get(char) ?? 0) === 0) return;
    if ((char === ">" || char === "'") && this.#expected.at(-1) !== char) return;
    for (;;) {
      const top = this.#expected.pop();
      if (top === undefined) return;
      this.#counts.set(top, (this.#counts.get(top) ?? 1) - 1);
      if (top === char) return;
    }
  }
}

/** The index of the bracket that closes the one at `at`, or -1 when none does. */
export function closingBracket(text: string, at: number): number {
  const brackets = new OpenBrackets();
  for (let i = at; i < text.length; i++) {
    const operator = i > at ? operatorEnd(text, i) : -1;
    if (operator > 0) {
      i = operator - 1;
      continue;
    }
    const char = text[i] ?? "";
    const closer = closers[char];
    if (closer !== undefined) brackets.open(closer);
    // The arrow of `auto f() -> int` and of `Fn() -> T` closes nothing.
    else if (!(char === ">" && text[i - 1] === "-")) brackets.close(char);
    if (brackets.depth === 0) return i;
  }
  return -1;
}

/** What `collapse` leaves alone. */
export type Kept = {
  /** A bracket that follows one of these is an ordinary character; what is inside is still looked at. */
  readonly after?: readonly string[];
  /** Brackets whose whole text satisfies this stay as they are. */
  readonly token?: (token: string) => boolean;
};

/** Replaces each outermost pair of brackets, and what it holds, by `replacement`. */
export function collapse(text: string, open: "<" | "(", replacement: string, kept: Kept = {}): string {
  if (!text.includes(open)) return text;
  let out = "";
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const operator = operatorEnd(text, i);
    if (operator > 0) {
      i = operator - 1;
      continue;
    }
    if (text[i] !== open) continue;
    if (kept.after?.some((word) => text.endsWith(word, i)) === true) continue;
    const close = closingBracket(text, i);
    const end = close < 0 ? text.length : close + 1;
    const token = text.slice(i, end);
    out += text.slice(from, i) + (kept.token?.(token) === true ? token : replacement);
    from = end;
    i = end - 1;
  }
  return out + text.slice(from);
}

/**
 * Drops what stands before a function's own name: `static`, `virtual thunk to`, calling conventions, the return type.
 * The name is the last word outside brackets. A last word in round brackets, or `[clone …]`, belongs to the one before it. A word that holds the keyword `operator` is the name whatever follows, since conversions contain spaces.
 */
export function dropPrefixAndReturnType(text: string): string {
  const brackets = new OpenBrackets();
  const starts = [0];
  for (let i = 0; i < text.length; i++) {
    const char = text[i] ?? "";
    if (brackets.depth === 0) {
      if (operatorEnd(text, i) > 0) return text.slice(starts.at(-1));
      if (char === " ") {
        // A trailing return type: the name is before it.
        if (text.startsWith("-> ", i + 1)) return dropPrefixAndReturnType(text.slice(0, i));
        starts.push(i + 1);
        continue;
      }
    }
    const closer = closers[char];
    if (closer !== undefined) brackets.open(closer);
    else if (!(char === ">" && text[i - 1] === "-")) brackets.close(char);
  }
  while (starts.length > 1) {
    const start = starts.at(-1) ?? 0;
    if (start < text.length && !text.startsWith("(", start) && !text.startsWith("[clone", start)) break;
    starts.pop();
  }
  return text.slice(starts.at(-1)).trimEnd();
}
