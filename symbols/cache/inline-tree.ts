// Inlined calls, packed. The calls of one function are a forest: what was
// inlined into the function, what was inlined into that, and so on. A call
// with several ranges is several nodes. Nodes lie in blocks of a few roots,
// each block with a checkpoint (address of its first root, offset):
//
//     varint   bytes of the nodes that follow
//     a node   varint first address − that of the node it lies in (of the block, for a root)
//              varint bytes of its range
//              varint bytes of the rest of the node, what lies in it included
//              varint origin, varint file of the call (0: that of the line record), varint line of the call
//              the nodes that lie in it
//
// A look-up goes down one path and steps over the rest. `.sym` files say the
// depth of each range; nesting follows from the depth alone, as in
// rust-minidump: at each depth the range that begins last at or before an
// address has it, if it reaches it and the depths above have it too. So a range
// is cut where its neighbour begins, and to the ranges of the depth above.
import { type BlobPlace, ByteList, Uint32List, readVarint, varintBytes, varintLength, writeVarint } from "./growable-array.ts";

/** Depths that are kept; real code stays below 40. */
export const inlineDepth = 128;
/** Words of one range as it is collected: depth, address, bytes, line and file of the call, origin. */
export const INLINE_WORDS = 6;
/** Places that ranges may be moved by, on average, before they are sorted by a way that is slower for what is nearly in order. */
const stepsPerRange = 32;
/** Roots of one block. */
const rootsPerBlock = 8;
const nodeBytes = 6 * varintBytes;

/** Packs the inlined calls of functions, one function after the other. */
export class InlineTreeBuilder {
  readonly starts = new Uint32List();
  readonly offsets = new Uint32List();
  readonly blob = new ByteList(65_536);
  /** Ranges that were dropped: in nothing, too deep, or in pieces without end. */
  dropped = 0;
  /** Nodes that were packed. */
  nodes = 0;
  private order = new Uint32Array(64);
  /** By depth: where its ranges begin in `order`, and where the next one goes; the second is 0 but in `sortRanges`. */
  private readonly bucketFrom = new Uint32Array(inlineDepth + 1);
  private readonly bucketTo = new Uint32Array(inlineDepth + 1);
  /** The nodes of the current function: depth, start, end and index of the range, four words each. */
  private readonly pieces = new Uint32List(256);
  private scratch = new Uint8Array(65_536);
  /** By depth: its first piece, and where the last one that was put in order ends. */
  private readonly firstAt = new Uint32Array(inlineDepth + 1);
  private readonly endAt = new Uint32Array(inlineDepth + 1);
  /** By depth: where the next node of that depth or less begins in `scratch`; before that, the next piece to be put in order. */
  private readonly nextAt = new Uint32Array(inlineDepth + 1);
  /** By depth: where the node of that depth begins that the current one lies in. */
  private readonly startAt = new Uint32Array(inlineDepth + 1);
  /** By node of the block: where the node begins that it lies in. */
  private parents = new Uint32Array(64);

  /** Packs a function's ranges: `count` times INLINE_WORDS words. */
  add(functionStart: number, functionEnd: number, ranges: Uint32Array, count: number): void {
    this.sortRanges(ranges, count);
    this.nest(functionStart, functionEnd, ranges, count);
    const { pieces } = this;
    const total = pieces.length / 4;
    if (total === 0) return;
    this.nodes += total;
    const sorted = this.inTreeOrder(total);
    let from = 0;
    while (from < total) {
      let to = from;
      for (let roots = 0; to < total; to++) if (pieces.data[sorted[to]! * 4] === 0 && ++roots > rootsPerBlock) break;
      this.pack(ranges, sorted, from, to);
      from = to;
    }
  }

  /** Puts `order` in order of depth, address, size. Compilers write ranges in the order of the tree, so that those of one depth are nearly in order. */
  private sortRanges(ranges: Uint32Array, count: number): void {
    if (count > this.order.length) this.order = new Uint32Array(count * 2);
    const { order, bucketFrom, bucketTo } = this;
    for (let word = 0; word < count * INLINE_WORDS; word += INLINE_WORDS) bucketTo[Math.min(ranges[word]!, inlineDepth)]!++;
    let depths = 0;
    for (let first = 0; first < count; depths++) {
      const next = first + bucketTo[depths]!;
      bucketFrom[depths] = bucketTo[depths] = first;
      first = next;
    }
    let steps = count * stepsPerRange;
    for (let i = 0; i < count; i++) {
      const depth = Math.min(ranges[i * INLINE_WORDS]!, inlineDepth);
      const from = bucketFrom[depth]!;
      let at = bucketTo[depth]!++;
      while (at > from && steps > 0 && compareRanges(ranges, order[at - 1]!, i) > 0) {
        order[at] = order[at - 1]!;
        at--;
        steps--;
      }
      order[at] = i;
    }
    bucketTo.fill(0, 0, depths);
    if (steps > 0) return;
    for (let i = 0; i < count; i++) order[i] = i;
    order.subarray(0, count).sort((a, b) => compareRanges(ranges, a, b) || a - b);
  }

  /** Cuts the sorted ranges into pieces that nest. */
  private nest(functionStart: number, functionEnd: number, ranges: Uint32Array, count: number): void {
    const { order, pieces } = this;
    pieces.length = 0;
    let aboveFrom = 0;
    let aboveTo = 0;
    let i = 0;
    for (let depth = 0; i < count; depth++) {
      const first = i;
      while (i < count && ranges[order[i]! * INLINE_WORDS] === depth) i++;
      if (i === first || depth === inlineDepth || (depth > 0 && aboveFrom === aboveTo)) {
        this.dropped += count - first;
        return;
      }
      const from = pieces.length;
      // Well-formed ranges stay whole; a file that is made to be cut up loses its inlines, not the worker.
      const limit = from + 4 * (4 * (i - first) + 16);
      let above = aboveFrom;
      for (let k = first; k < i; k++) {
        const word = order[k]! * INLINE_WORDS;
        const start = Math.max(ranges[word + 1]!, functionStart);
        let end = Math.min(ranges[word + 1]! + ranges[word + 2]!, functionEnd);
        if (k + 1 < i) end = Math.min(end, ranges[order[k + 1]! * INLINE_WORDS + 1]!);
        if (start >= end) continue;
        if (depth === 0) {
          pushPiece(pieces, 0, start, end, order[k]!);
          continue;
        }
        while (above < aboveTo && pieces.data[above + 2]! <= start) above += 4;
        for (let at = above; at < aboveTo && pieces.data[at + 1]! < end && pieces.length < limit; at += 4) pushPiece(pieces, depth, Math.max(start, pieces.data[at + 1]!), Math.min(end, pieces.data[at + 2]!), order[k]!);
      }
      if (pieces.length >= limit) {
        this.dropped += count - first;
        pieces.length = from;
        return;
      }
      aboveFrom = from;
      aboveTo = pieces.length;
    }
  }

  /** Indexes of the pieces so that each is followed by those in it. Each depth's pieces are in order and each lies in one of the depth above, so that going down and up again meets all of them. */
  private inTreeOrder(total: number): Uint32Array {
    const data = this.pieces.data;
    const { firstAt, nextAt, endAt } = this;
    if (total > this.order.length) this.order = new Uint32Array(total * 2);
    const sorted = this.order;
    const depths = data[(total - 1) * 4]! + 1;
    firstAt[depths] = total;
    for (let i = total - 1; i >= 0; i--) firstAt[data[i * 4]!] = i;
    for (let depth = 0; depth < depths; depth++) nextAt[depth] = firstAt[depth]!;
    let count = 0;
    let depth = 0;
    while (depth >= 0) {
      const next = nextAt[depth]!;
      if (next === firstAt[depth + 1] || (depth > 0 && data[next * 4 + 1]! >= endAt[depth - 1]!)) {
        depth--;
        continue;
      }
      sorted[count++] = next;
      nextAt[depth] = next + 1;
      endAt[depth] = data[next * 4 + 2]!;
      if (depth + 1 < depths) depth++;
    }
    return sorted;
  }

  /** Writes one block, from its end to its start: what lies in a node is written before the node, which says how long it is. */
  private pack(ranges: Uint32Array, sorted: Uint32Array, from: number, to: number): void {
    const size = (to - from) * nodeBytes;
    if (size > this.scratch.length) this.scratch = new Uint8Array(size * 2);
    const { scratch, nextAt } = this;
    const data = this.pieces.data;
    const blockStart = data[sorted[from]! * 4 + 1]!;
    if (to - from > this.parents.length) this.parents = new Uint32Array((to - from) * 2);
    const { parents, startAt } = this;
    let deepest = 0;
    for (let i = from; i < to; i++) {
      const depth = data[sorted[i]! * 4]!;
      if (depth > deepest) deepest = depth;
      startAt[depth] = data[sorted[i]! * 4 + 1]!;
      if (depth > 0) parents[i - from] = startAt[depth - 1]!;
    }
    const end = scratch.length;
    let at = end;
    for (let depth = 0; depth <= deepest; depth++) nextAt[depth] = end;
    for (let i = to - 1; i >= from; i--) {
      const piece = sorted[i]! * 4;
      const depth = data[piece]!;
      const start = data[piece + 1]!;
      const bytes = data[piece + 2]! - start;
      const word = data[piece + 3]! * INLINE_WORDS;
      const origin = ranges[word + 5]!;
      const file = ranges[word + 4]!;
      const line = ranges[word + 3]!;
      const parentStart = depth === 0 ? blockStart : parents[i - from]!;
      const rest = varintLength(origin) + varintLength(file) + varintLength(line) + (nextAt[depth]! - at);
      const step = start - parentStart;
      const own = varintLength(step) + varintLength(bytes) + varintLength(rest) + varintLength(origin) + varintLength(file) + varintLength(line);
      at -= own;
      let place = writeVarint(scratch, at, step);
      place = writeVarint(scratch, place, bytes);
      place = writeVarint(scratch, place, rest);
      place = writeVarint(scratch, place, origin);
      place = writeVarint(scratch, place, file);
      writeVarint(scratch, place, line);
      for (let d = depth; d <= deepest; d++) nextAt[d] = at;
    }
    const { blob } = this;
    blob.reserve(varintBytes);
    this.starts.push(blockStart);
    this.offsets.push(blob.length);
    blob.length = writeVarint(blob.data, blob.length, end - at);
    blob.append(scratch, at, end);
  }
}

function compareRanges(ranges: Uint32Array, a: number, b: number): number {
  const x = a * INLINE_WORDS;
  const y = b * INLINE_WORDS;
  return ranges[x]! - ranges[y]! || ranges[x + 1]! - ranges[y + 1]! || ranges[x + 2]! - ranges[y + 2]!;
}

function pushPiece(pieces: Uint32List, depth: number, start: number, end: number, range: number): void {
  const at = pieces.length;
  if (at + 4 > pieces.data.length) pieces.reserve(4);
  const { data } = pieces;
  data[at] = depth;
  data[at + 1] = start;
  data[at + 2] = end;
  data[at + 3] = range;
  pieces.length = at + 4;
}

/** The calls around an address, outermost first; filled anew each time. */
export type InlineChain = { depth: number; readonly starts: Float64Array; readonly origins: Int32Array; readonly files: Int32Array; readonly lines: Int32Array };

/** Makes an empty chain. */
export function makeInlineChain(): InlineChain {
  return { depth: 0, starts: new Float64Array(inlineDepth), origins: new Int32Array(inlineDepth), files: new Int32Array(inlineDepth), lines: new Int32Array(inlineDepth) };
}

/** Unpacks the calls around an address from the nodes between two offsets of a block that begins at `blockStart`. */
export function readInlineChain(blob: Uint8Array, from: number, to: number, blockStart: number, address: number, chain: InlineChain): void {
  let at = from;
  let end = to;
  let base = blockStart;
  let depth = 0;
  while (at < end && depth < inlineDepth) {
    let byte = blob[at++]!;
    let step = byte & 0x7f;
    for (let shift = 7; byte >= 0x80 && shift < 35; shift += 7) {
      byte = blob[at++]!;
      step |= (byte & 0x7f) << shift;
    }
    byte = blob[at++]!;
    let bytes = byte & 0x7f;
    for (let shift = 7; byte >= 0x80 && shift < 35; shift += 7) {
      byte = blob[at++]!;
      bytes |= (byte & 0x7f) << shift;
    }
    byte = blob[at++]!;
    let rest = byte & 0x7f;
    for (let shift = 7; byte >= 0x80 && shift < 35; shift += 7) {
      byte = blob[at++]!;
      rest |= (byte & 0x7f) << shift;
    }
    const start = base + (step >>> 0);
    if (start > address) break;
    if (address - start >= bytes >>> 0) {
      at += rest >>> 0;
      continue;
    }
    end = at + (rest >>> 0);
    base = start;
    byte = blob[at++]!;
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80 && shift < 35; shift += 7) {
      byte = blob[at++]!;
      value |= (byte & 0x7f) << shift;
    }
    chain.origins[depth] = value;
    byte = blob[at++]!;
    value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80 && shift < 35; shift += 7) {
      byte = blob[at++]!;
      value |= (byte & 0x7f) << shift;
    }
    chain.files[depth] = value;
    byte = blob[at++]!;
    value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80 && shift < 35; shift += 7) {
      byte = blob[at++]!;
      value |= (byte & 0x7f) << shift;
    }
    chain.lines[depth] = value;
    chain.starts[depth++] = start;
  }
  chain.depth = depth;
}

/** Unpacks all nodes between two offsets of a block that begins at `blockStart`: INLINE_WORDS words each, appended to `ranges`, a node before those that lie in it. */
export function unpackInlineCalls(blob: Uint8Array, from: number, to: number, blockStart: number, ranges: Uint32List): void {
  const place: BlobPlace = { at: from };
  const ends = [to];
  const starts = [blockStart];
  while (place.at < to) {
    while (place.at >= ends.at(-1)! && ends.length > 1) {
      ends.pop();
      starts.pop();
    }
    const start = starts.at(-1)! + readVarint(blob, place);
    const bytes = readVarint(blob, place);
    const end = readVarint(blob, place) + place.at;
    ranges.push(ends.length - 1);
    ranges.push(start);
    ranges.push(bytes);
    const origin = readVarint(blob, place);
    const file = readVarint(blob, place);
    ranges.push(readVarint(blob, place));
    ranges.push(file);
    ranges.push(origin);
    ends.push(end);
    starts.push(start);
  }
}
