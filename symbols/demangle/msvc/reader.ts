// The state of reading one of Microsoft's names.

/** Nested names and types that are followed. */
const DEPTH_MAX = 100;
/** Characters of the longest text; back references double it. */
const TEXT_MAX = 1 << 16;
/** Rules that are entered for one name. */
const STEPS_MAX = 50_000;
const REFERENCES = 10;

/** A type's text before and behind the name that it declares. */
export type Declarator = { readonly left: string; readonly right: string };

/** No type. */
export const NOTHING: Declarator = { left: "", right: "" };

/** What one template, or the whole name, can refer back to. */
export type References = { readonly names: string[]; readonly types: Declarator[] };

/** A name that is being read. A rule that does not fit sets `failed`; after that all rules end at once. */
export class Reader {
  readonly text: string;
  pos = 0;
  failed = false;
  references: References = { names: [], types: [] };
  private depth = 0;
  private steps = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** The next character; "" at the end. */
  peek(ahead = 0): string {
    return this.text.charAt(this.pos + ahead);
  }

  /** Takes `mark` if it is next. */
  take(mark: string): boolean {
    if (this.failed || !this.text.startsWith(mark, this.pos)) return false;
    this.pos += mark.length;
    return true;
  }

  /** Takes the next character, whatever it is; "" at the end or after a failure. */
  next(): string {
    return this.failed ? "" : this.text.charAt(this.pos++);
  }

  /** Says that the name does not fit. */
  fail(): "" {
    this.failed = true;
    return "";
  }

  /** Enters a rule; false when there are too many, or too deep. */
  enter(): boolean {
    if (this.failed || this.depth >= DEPTH_MAX || ++this.steps > STEPS_MAX) {
      this.failed = true;
      return false;
    }
    this.depth++;
    return true;
  }

  /** Leaves a rule that was entered. */
  leave(): void {
    this.depth--;
  }

  /** `text`, if it is not too long. */
  bounded(text: string): string {
    return text.length > TEXT_MAX ? this.fail() : text;
  }

  /** Notes a name for the digits that refer back. */
  remember(name: string): void {
    const { names } = this.references;
    if (names.length < REFERENCES && !names.includes(name)) names.push(name);
  }

  /** Notes a parameter's type. */
  rememberType(type: Declarator): void {
    if (this.references.types.length < REFERENCES) this.references.types.push(type);
  }

  /** Reads a number: a digit is one more, others are hex from `A` to `P`, ended by `@`; `?` before it is a minus. */
  number(): string {
    const sign = this.take("?") ? "-" : "";
    const first = this.peek();
    if (first >= "0" && first <= "9") {
      this.pos++;
      return `${sign}${Number(first) + 1}`;
    }
    const found = /^[A-P]{0,16}@/.exec(this.text.slice(this.pos, this.pos + 17));
    if (found === null) return this.fail();
    this.pos += found[0].length;
    let value = 0n;
    for (const letter of found[0].slice(0, -1)) value = value * 16n + BigInt(letter.charCodeAt(0) - 0x41);
    return `${value === 0n ? "" : sign}${value}`;
  }
}

/** The rules at which the grammar's circles close; each is put here by the file that has it. */
export const rules = {
  /** Reads a whole symbol behind its first `?`. */
  symbol: (r: Reader): string => r.fail(),
  /** Reads the name of a class or enum, or of an alias. */
  typeName: (r: Reader): string => r.fail(),
  /** Reads a type; with `isQualified`, its qualifiers come first. */
  type: (r: Reader, _isQualified: boolean): Declarator => (r.fail(), NOTHING),
};
