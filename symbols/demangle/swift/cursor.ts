// A mangled name of Swift, from its beginning to its end.

/** Where a reader is in a name. Past the end everything is "". */
export class SwiftCursor {
  private readonly text: string;
  private at: number;

  constructor(text: string, at: number) {
    this.text = text;
    this.at = at;
  }

  /** True when all was read. */
  get isAtEnd(): boolean {
    return this.at >= this.text.length;
  }

  /** What is left. */
  get rest(): string {
    return this.text.slice(this.at);
  }

  /** The character here. */
  peek(): string {
    return this.text[this.at] ?? "";
  }

  /** The character here, which is passed. */
  next(): string {
    return this.text[this.at++] ?? "";
  }

  /** Passes a character if it is the one here. */
  take(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  /** Some characters; "" when there are fewer. */
  slice(length: number): string {
    if (this.at + length > this.text.length) return "";
    this.at += length;
    return this.text.slice(this.at - length, this.at);
  }

  /** A number; -1 when there is none, or it is beyond all that names have. */
  natural(): number {
    let value = -1;
    for (let digit = this.peek(); digit >= "0" && digit <= "9" && value < 1_000_000; digit = this.peek()) {
      value = Math.max(0, value) * 10 + Number(digit);
      this.at++;
    }
    return value;
  }

  /** A number that ends with `_`; -1 when there is none. */
  index(): number {
    if (this.take("_")) return 0;
    const value = this.natural();
    return value >= 0 && this.take("_") ? value + 1 : -1;
  }
}
