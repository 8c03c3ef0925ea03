// Walking the brackets of a function's name.
//
// Demangled names nest (), <>, [], {} and MSVC's `quotes'. Everything here is
// one pass from left to right with a stack, so that the time is linear in the
// name whatever it holds; names come from other people's symbol files. Brackets
// need not balance: one that is never closed reaches to the end, a closing one
// without a partner is an ordinary character.

const [space, dash, letterO] = [0x20, 0x2d, 0x6f];

const pairs = ["()", "[]", "{}", "<>", "`'"];
/** Kinds of brackets from this on close only what is innermost. */
const firstAmbiguousKind = pairs.indexOf("<>") + 1;
/** By character code: the kind of bracket that it opens, from 1; 0 for none. */
const openKind = new Uint8Array(128);
/** By character code: the kind of bracket that it closes. */
const closeKind = new Uint8Array(128);
for (const [index, pair] of pairs.entries()) {
  openKind[pair.charCodeAt(0)] = index + 1;
  closeKind[pair.charCodeAt(1)] = index + 1;
}

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
  if (text.charCodeAt(at) !== letterO || !text.startsWith("operator", at)) return -1;
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
  readonly #kinds: number[] = [];
  // How many of each kind are open, so that a stray closing one costs nothing.
  readonly #counts = [0, 0, 0, 0, 0, 0];

  get depth(): number {
    return this.#kinds.length;
  }

  /** Takes the next character, by its code and that of the one before. */
  take(code: number, before: number): void {
    if (code >= 128) return;
    const opened = openKind[code] ?? 0;
    if (opened !== 0) {
      this.#kinds.push(opened);
      this.#counts[opened] = (this.#counts[opened] ?? 0) + 1;
      return;
    }
    const closed = closeKind[code] ?? 0;
    // The arrow of `auto f() -> int` and of `Fn() -> T` closes nothing.
    if (closed !== 0 && !(before === dash && code === 0x3e)) this.#close(closed);
  }

  /** A round, square or curly bracket also closes what was left open within it, as in `(a<b)`; `>` and `'` do not, since both also stand for themselves. */
  #close(kind: number): void {
    if (this.#counts[kind] === 0) return;
    if (kind >= firstAmbiguousKind && this.#kinds.at(-1) !== kind) return;
    for (;;) {
      const top = this.#kinds.pop();
      if (top === undefined) return;
      this.#counts[top] = (this.#counts[top] ?? 1) - 1;
      if (top === kind) return;
    }
  }
}

/** The index of the bracket that closes the one at `at`, or -1 when none does. */
export function closingBracket(text: string, at: number): number {
  const brackets = new OpenBrackets();
  for (let i = at; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === letterO) {
      const operator = operatorEnd(text, i);
      if (operator > 0) i = operator - 1;
      continue;
    }
    brackets.take(code, text.charCodeAt(i - 1));
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
  const opener = open.charCodeAt(0);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === letterO) {
      const operator = operatorEnd(text, i);
      if (operator > 0) i = operator - 1;
      continue;
    }
    if (code !== opener || kept.after?.some((word) => text.endsWith(word, i)) === true) continue;
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
    const code = text.charCodeAt(i);
    if (brackets.depth === 0) {
      if (code === letterO && operatorEnd(text, i) > 0) return text.slice(starts.at(-1));
      if (code === space) {
        // A trailing return type: the name is before it.
        if (text.startsWith("-> ", i + 1)) return dropPrefixAndReturnType(text.slice(0, i));
        starts.push(i + 1);
        continue;
      }
    }
    brackets.take(code, text.charCodeAt(i - 1));
  }
  while (starts.length > 1) {
    const start = starts.at(-1) ?? 0;
    const belongs = text.startsWith("(", start) ? !text.startsWith("(anonymous namespace)", start) : text.startsWith("[clone", start);
    if (start < text.length && !belongs) break;
    starts.pop();
  }
  return text.slice(starts.at(-1)).trimEnd();
}
