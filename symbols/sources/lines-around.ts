// The lines around one line of a source file. Compilers count lines by line
// feeds, and so does this; a carriage return before one is part of no line.

/** Some consecutive lines. */
export type LinesAround = {
  /** Number of the first of them, from 1. */
  readonly first: number;
  readonly lines: readonly string[];
  /** Lines that the whole file has. */
  readonly count: number;
};

/** Characters of a line that are given; what is longer was made by a machine, and nobody reads it. */
const lineCharsMax = 400;

/** A line with up to `around` lines on either side, none when the file is shorter; long lines are cut, and end in `…`. Takes no more memory than the lines it gives. */
export function linesAround(text: string, line: number, around: number): LinesAround {
  const from = Math.max(1, line - around);
  const lines: string[] = [];
  let count = 0;
  // A file that ends in a line feed has no line behind it.
  for (let at = 0; at < text.length; ) {
    const feed = text.indexOf("\n", at);
    const end = feed < 0 ? text.length : feed;
    count++;
    if (count >= from && count <= line + around) lines.push(cut(text, at, end > at && text[end - 1] === "\r" ? end - 1 : end));
    at = end + 1;
  }
  return count < line ? { first: from, lines: [], count } : { first: from, lines, count };
}

function cut(text: string, start: number, end: number): string {
  if (end - start <= lineCharsMax) return text.slice(start, end);
  // Half a pair would be no character.
  return `${text.slice(start, start + lineCharsMax).replace(/[\ud800-\udbff]$/, "")}…`;
}
