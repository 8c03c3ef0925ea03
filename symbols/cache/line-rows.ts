// Source lines, packed. A row says from which address on which line of which
// file holds; it ends where the next begins. Rows of one function are grouped
// in blocks of up to ROWS_PER_BLOCK, and each block has a checkpoint (address,
// offset), so that a look-up unpacks half a block on average:
//
//     u8       rows after the first
//     varint   file of the first row, varint its line
//     a row    varint 2·(bytes of the row before) + (1 when the long form follows)
//              short: u8 128 + (line − line before), the same file
//              long:  zigzag varint line difference, zigzag varint file difference
//
// File 0 is a gap; line 0 of a file is code that the compiler gave no line.
// Rows are kept as the original has them, equal neighbours too, since
// offsets into a line are shown to people.
//
// The rules about bad input are rust-minidump's (`into_rangemap_safe`): rows
// are put in order of (first, last) address, and one that overlaps the last
// kept one is dropped. Rows are cut to their function.
import { type BlobPlace, ByteList, Uint32List, readVarint, varintBytes, writeVarint, zigzag } from "./growable-array.ts";

/** Rows of one block. Fewer make look-ups faster and caches bigger: against 8, 16 saves a fourteenth of a cache and costs a look-up 0.1 µs. */
const rowsPerBlock = 8;
/** Bytes of a block, at most: what a look-up asks for before it unpacks. */
export const blockBytes = 1 + 2 * varintBytes + rowsPerBlock * 3 * varintBytes;
/** Words of one unpacked row: address, bytes, line, file. */
export const ROW_WORDS = 4;

/** Packs the lines of functions, one function after the other. */
export class LineRowsBuilder {
  /** First addresses of the checkpoints. */
  readonly starts = new Uint32List();
  /** Where each checkpoint's block begins in `blob`. */
  readonly offsets = new Uint32List();
  readonly blob = new ByteList(65_536);
  /** Rows that were dropped because they overlapped another of their function. */
  overlaps = 0;
  /** Rows that were packed, gaps not counted. */
  rows = 0;

  /** Packs a function's rows: `count` times ROW_WORDS words, no row empty. */
  add(functionStart: number, functionEnd: number, rows: Uint32Array, count: number): void {
    const inOrder = areInOrder(rows, count) ? rows : this.putInOrder(rows, count);
    const kept = inOrder === rows ? count : inOrder.length / ROW_WORDS;
    this.pack(functionStart, functionEnd, inOrder, kept);
  }

  private pack(functionStart: number, functionEnd: number, rows: Uint32Array, count: number): void {
    const { blob } = this;
    blob.reserve((2 * count + 1) * (3 * varintBytes) + blockBytes);
    const bytes = blob.data;
    let at = blob.length;
    let head = -1;
    let left = 0;
    let address = functionStart;
    let end = functionStart;
    let line = 0;
    let file = 0;
    // One step more than there are rows: the last writes the gap up to the function's end.
    for (let i = 0; i <= count; i++) {
      let start = functionEnd;
      let rowEnd = functionEnd;
      let rowLine = 0;
      let rowFile = 0;
      if (i < count) {
        const word = i * ROW_WORDS;
        start = rows[word]!;
        rowEnd = start + rows[word + 1]!;
        if (start < functionStart) start = functionStart;
        if (rowEnd > functionEnd) rowEnd = functionEnd;
        if (start >= rowEnd) continue;
        rowLine = rows[word + 2]!;
        rowFile = rows[word + 3]!;
        if (rowFile === 0) rowLine = 0;
      }
      // First the gap before the row, if there is one, then the row.
      for (let isGap = start > end && file !== 0; ; isGap = false) {
        if (!isGap && i === count) break;
        const next = isGap ? end : start;
        const nextLine = isGap ? 0 : rowLine;
        const nextFile = isGap ? 0 : rowFile;
        const step = next - address;
        if (left === 0 || step >= 0x40000000) {
          this.starts.push(next);
          this.offsets.push(at);
          head = at++;
          bytes[head] = 0;
          left = rowsPerBlock;
          at = writeVarint(bytes, at, nextFile);
          at = writeVarint(bytes, at, nextLine);
        } else {
          bytes[head]!++;
          const difference = nextLine - line;
          if (nextFile === file && difference >= -128 && difference < 128) {
            at = step < 64 ? (bytes[at] = step << 1, at + 1) : writeVarint(bytes, at, step * 2);
            bytes[at++] = difference + 128;
          } else {
            at = writeVarint(bytes, at, (step * 2 + 1) >>> 0);
            at = writeVarint(bytes, at, zigzag(difference));
            at = writeVarint(bytes, at, zigzag(nextFile - file));
          }
        }
        left--;
        address = next;
        line = nextLine;
        file = nextFile;
        if (!isGap) break;
      }
      if (i < count) {
        end = rowEnd;
        this.rows++;
      }
    }
    blob.length = at;
  }

  /** The rows in order, without those that overlap one before. */
  private putInOrder(rows: Uint32Array, count: number): Uint32Array {
    const order = new Uint32Array(count);
    for (let i = 0; i < count; i++) order[i] = i;
    order.sort((a, b) => rows[a * ROW_WORDS]! - rows[b * ROW_WORDS]! || rows[a * ROW_WORDS + 1]! - rows[b * ROW_WORDS + 1]! || a - b);
    const kept = new Uint32Array(count * ROW_WORDS);
    let length = 0;
    let end = 0;
    for (const i of order) {
      const word = i * ROW_WORDS;
      if (rows[word]! < end) {
        this.overlaps++;
        continue;
      }
      end = rows[word]! + rows[word + 1]!;
      for (let k = 0; k < ROW_WORDS; k++) kept[length++] = rows[word + k]!;
    }
    return kept.subarray(0, length);
  }
}

function areInOrder(rows: Uint32Array, count: number): boolean {
  let end = 0;
  for (let word = 0; word < count * ROW_WORDS; word += ROW_WORDS) {
    const start = rows[word]!;
    if (start < end) return false;
    end = start + rows[word + 1]!;
  }
  return true;
}

/** A row that was unpacked; filled anew each time. */
export type LineRow = { start: number; file: number; line: number };

/** Unpacks the row that holds an address from the block at `offset`, whose checkpoint is at `blockStart`. */
export function readLineRow(blob: Uint8Array, offset: number, blockStart: number, address: number, row: LineRow): void {
  let at = offset;
  let left = blob[at++]!;
  let byte = 0;
  let file = 0;
  let line = 0;
  let start = blockStart;
  for (let shift = 0; ; shift += 7) {
    byte = blob[at++]!;
    file |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  for (let shift = 0; ; shift += 7) {
    byte = blob[at++]!;
    line |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  for (; left > 0; left--) {
    byte = blob[at++]!;
    let head = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = blob[at++]!;
      head |= (byte & 0x7f) << shift;
    }
    const next = start + (head >>> 1);
    if (next > address) break;
    start = next;
    if ((head & 1) === 0) {
      line += blob[at++]! - 128;
      continue;
    }
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      byte = blob[at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    line += (value >>> 1) ^ -(value & 1);
    value = 0;
    for (let shift = 0; ; shift += 7) {
      byte = blob[at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    file += (value >>> 1) ^ -(value & 1);
  }
  row.start = start;
  row.file = file;
  row.line = line;
}

/** Unpacks all rows of the block at `offset`, whose checkpoint is at `blockStart`: ROW_WORDS words each, appended to `rows`. A block does not know where its rows end, so their bytes are 0. */
export function unpackLineRows(blob: Uint8Array, offset: number, blockStart: number, rows: Uint32List): void {
  const place: BlobPlace = { at: offset + 1 };
  let start = blockStart;
  let file = readVarint(blob, place);
  let line = readVarint(blob, place);
  for (let left = blob[offset]!; ; left--) {
    rows.reserve(ROW_WORDS);
    rows.data[rows.length] = start;
    rows.data[rows.length + 1] = 0;
    rows.data[rows.length + 2] = line;
    rows.data[rows.length + 3] = file;
    rows.length += ROW_WORDS;
    if (left === 0) return;
    const head = readVarint(blob, place);
    start += head >>> 1;
    if ((head & 1) === 0) {
      line += blob[place.at++]! - 128;
      continue;
    }
    const lineStep = readVarint(blob, place);
    line += (lineStep >>> 1) ^ -(lineStep & 1);
    const fileStep = readVarint(blob, place);
    file += (fileStep >>> 1) ^ -(fileStep & 1);
  }
}
