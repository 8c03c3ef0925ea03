// The list files in lists/: read once, when the process starts. A list that
// does not parse is a bug of ours, and throws then.
import fs from "node:fs";
import path from "node:path";

/** A line of a list file. */
export type ListLine = {
  /** Line number in the file, from 1. */
  readonly line: number;
  readonly text: string;
};

/** Regular expressions that a name must match at its start. */
export type PatternList = {
  readonly file: string;
  readonly lines: readonly ListLine[];
  /** Where the first matching line is, as `FILE:LINE`; null when none matches. */
  readonly match: (name: string) => string | null;
};

/** A name at which the interesting part of a stack begins. */
export type Sentinel = {
  readonly name: string;
  /** Another name that must be in the stack too; null when the sentinel always counts. */
  readonly when: string | null;
  /** Where it stands, as `FILE:LINE`. */
  readonly rule: string;
};

/** The lists that a signature is made by; lists/README.md says what each is for. */
export type Lists = {
  /** By name; one name may have several conditions. */
  readonly sentinels: ReadonlyMap<string, readonly Sentinel[]>;
  readonly irrelevant: PatternList;
  readonly prefix: PatternList;
  readonly lineNumbers: PatternList;
};

const MEMO_ENTRIES = 20_000;

/** Splits a list file into its lines, without comments and blanks. A `#` starts a comment at a line's start only: names may hold one. */
function parseListFile(text: string): ListLine[] {
  return text
    .split(/\r?\n/)
    .map((line, index) => ({ line: index + 1, text: line.trim() }))
    .filter((line) => line.text !== "" && !line.text.startsWith("#"));
}

/** Makes a pattern list. Throws a SyntaxError for a line that is no regular expression. */
function patternList(file: string, lines: readonly ListLine[]): PatternList {
  // One expression answers "any?", which is nearly always no; only then which.
  const any = lines.length === 0 ? /$^/ : new RegExp(`^(?:${lines.map((line) => `(?:${line.text})`).join("|")})`);
  const each = lines.map((line) => ({ pattern: new RegExp(`^(?:${line.text})`), rule: `${file}:${line.line}` }));
  const memo = new Map<string, string | null>();
  const match = (name: string): string | null => {
    const known = memo.get(name);
    if (known !== undefined) return known;
    const rule = any.test(name) ? (each.find((one) => one.pattern.test(name))?.rule ?? null) : null;
    if (memo.size >= MEMO_ENTRIES) memo.clear();
    memo.set(name, rule);
    return rule;
  };
  return { file, lines, match };
}

/** Reads the lines `NAME` and `NAME when OTHER` of a sentinel list. */
function sentinelList(file: string, lines: readonly ListLine[]): ReadonlyMap<string, readonly Sentinel[]> {
  const sentinels = lines.map((line): Sentinel => {
    const [name = "", when = null] = line.text.split(" when ");
    return { name, when, rule: `${file}:${line.line}` };
  });
  return Map.groupBy(sentinels, (sentinel) => sentinel.name);
}

/** Reads all lists of a folder. */
function loadLists(folder: string): Lists {
  const read = (file: string): ListLine[] => parseListFile(fs.readFileSync(path.join(folder, file), "utf8"));
  return {
    sentinels: sentinelList("sentinels.txt", read("sentinels.txt")),
    irrelevant: patternList("irrelevant.txt", read("irrelevant.txt")),
    prefix: patternList("prefix.txt", read("prefix.txt")),
    lineNumbers: patternList("line-numbers.txt", read("line-numbers.txt")),
  };
}

/** Deadair's own lists. */
export const ownLists: Lists = loadLists(path.join(import.meta.dirname, "lists"));
