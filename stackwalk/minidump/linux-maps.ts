// The text of /proc/PID/maps:
//
//   7fca3a80c000-7fca3a81a000 r-xp 10bac9000 fd:05 1196511   /usr/lib/a b.so (deleted)
//
// Start and end (exclusive), permissions, offset, device, inode, and what is
// mapped: a path, which may hold spaces, a name in brackets, or nothing. It is
// read byte by byte: a process has a thousand of these lines, and mostly only
// their number is wanted.
import type { ByteSource } from "./byte-source.ts";
import type { Location } from "./directory.ts";
import type { MappedRange } from "./model.ts";

/** Bytes read of the text; a process may have 65,530 mappings unless its kernel is told otherwise. */
const MAPS_BYTES_MAX = 16 * 1024 * 1024;
const NEWLINE = 10;
const SPACE = 32;
const DASH = 45;
const LETTER_R = 114;
const LETTER_W = 119;
const LETTER_X = 120;

/** Value of a lower-case or upper-case hex digit by character code; 255 for others. */
const digitOf = new Uint8Array(256).fill(255);
for (let i = 0; i < 16; i++) {
  digitOf["0123456789abcdef".charCodeAt(i)] = i;
  digitOf["0123456789ABCDEF".charCodeAt(i)] = i;
}

/** One line's start. */
type Head = { start: number; end: number; /** Offset behind the two addresses. */ rest: number };

/** Reads `start-end` at `at`; false when there is none. Fills `head`. */
function readHead(text: Buffer, at: number, lineEnd: number, head: Head): boolean {
  let value = 0;
  let i = at;
  while (i < lineEnd && digitOf[text[i]!]! < 16) value = value * 16 + digitOf[text[i++]!]!;
  if (i === at || i - at > 16 || text[i] !== DASH) return false;
  const second = ++i;
  let end = 0;
  while (i < lineEnd && digitOf[text[i]!]! < 16) end = end * 16 + digitOf[text[i++]!]!;
  if (i === second || i - second > 16 || end < value) return false;
  head.start = value;
  head.end = end;
  head.rest = i;
  return true;
}

/** Calls back for each line that is a mapping, with its start and the line's end in the text. */
function eachLine(text: Buffer, line: (head: Head, lineEnd: number) => void): void {
  const head: Head = { start: 0, end: 0, rest: 0 };
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf(NEWLINE, at);
    const lineEnd = newline < 0 ? text.length : newline;
    if (readHead(text, at, lineEnd, head)) line(head, lineEnd);
    at = lineEnd + 1;
  }
}

/** The number of mappings. */
export function countLinuxMaps(source: ByteSource, { rva, size }: Location): number {
  let count = 0;
  eachLine(source.read(rva, Math.min(size, MAPS_BYTES_MAX)), () => count++);
  return count;
}

/** All mappings in the order of the text, `most` of them at most; lines that are none are left out. */
export function readLinuxMaps(source: ByteSource, { rva, size }: Location, most: number): MappedRange[] {
  const text = source.read(rva, Math.min(size, MAPS_BYTES_MAX));
  const ranges: MappedRange[] = [];
  const names: LastName = { at: 0, length: 0, name: null };
  eachLine(text, (head, lineEnd) => {
    if (ranges.length < most) ranges.push(readRange(text, head, lineEnd, names));
  });
  return ranges;
}

/** The name that was read last: the parts of one library follow each other, and share one text then. */
type LastName = { at: number; length: number; name: string | null };

function readRange(text: Buffer, { start, end, rest }: Head, lineEnd: number, names: LastName): MappedRange {
  let at = skipSpaces(text, rest, lineEnd);
  let readable = false;
  let writable = false;
  let executable = false;
  for (; at < lineEnd && text[at] !== SPACE; at++) {
    readable ||= text[at] === LETTER_R;
    writable ||= text[at] === LETTER_W;
    executable ||= text[at] === LETTER_X;
  }
  // Offset, device and inode stand before the name.
  for (let field = 0; field < 3; field++) at = skipWord(text, skipSpaces(text, at, lineEnd), lineEnd);
  at = skipSpaces(text, at, lineEnd);
  // A mapping without any permission is a guard page or room that is merely kept free.
  const none = !readable && !writable && !executable;
  return { base: start, size: end - start, readable, writable, executable, guard: none, committed: !none, name: nameAt(text, at, lineEnd, names) };
}

function nameAt(text: Buffer, at: number, lineEnd: number, names: LastName): string | null {
  let end = lineEnd;
  while (end > at && text[end - 1]! <= SPACE) end--;
  if (end === at) return null;
  let same = names.length === end - at;
  // Paths differ at their end.
  for (let i = end - 1, k = names.at + names.length - 1; same && i >= at; i--, k--) same = text[i] === text[k];
  if (!same) names.name = text.toString("utf8", at, end);
  names.at = at;
  names.length = end - at;
  return names.name;
}

function skipSpaces(text: Buffer, at: number, end: number): number {
  let i = at;
  while (i < end && text[i] === SPACE) i++;
  return i;
}

function skipWord(text: Buffer, at: number, end: number): number {
  let i = at;
  while (i < end && text[i] !== SPACE) i++;
  return i;
}
