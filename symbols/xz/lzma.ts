// One chunk of LZMA: a range coder whose every bit has a probability that
// learns, and on it literals, matches, and repetitions of the last four
// distances. Names follow the LZMA specification (7-Zip, public domain), so
// that it can be read beside this.
import type { UnpackedBytes } from "./lzma2.ts";

const states = 12;
/** Half, of probabilities in 11 bits. */
const initial = 1024;
/** Bits of a probability, and how fast it learns. */
const [modelBits, moveBits] = [11, 5];
const posStatesMax = 16;
const matchMin = 2;

/** Where the probabilities of each kind begin in one array. */
const isMatch = 0;
const isRep = isMatch + states * posStatesMax;
const isRepG0 = isRep + states;
const isRepG1 = isRepG0 + states;
const isRepG2 = isRepG1 + states;
const isRep0Long = isRepG2 + states;
const posSlot = isRep0Long + states * posStatesMax;
const posSpecial = posSlot + 4 * 64;
const posAlign = posSpecial + 115;
const matchLength = posAlign + 16;
/** Of lengths: two choices, low and middle ones by the position's state, high ones. */
const [lengthLow, lengthMiddle, lengthHigh, lengthSize] = [2, 2 + posStatesMax * 8, 2 + posStatesMax * 16, 2 + posStatesMax * 16 + 256];
const repLength = matchLength + lengthSize;
const literals = repLength + lengthSize;
const literalSize = 0x300;
/** Bits that a literal's context may have together in LZMA2. */
const contextBitsMax = 4;

/** The state that goes on from chunk to chunk. */
export class LzmaState {
  private readonly output: UnpackedBytes;
  private readonly probabilities = new Uint16Array(literals + (literalSize << contextBitsMax));
  private literalContextBits = 0;
  private literalPositionMask = 0;
  private positionMask = 0;
  private state = 0;
  private rep0 = 0;
  private rep1 = 0;
  private rep2 = 0;
  private rep3 = 0;
  /** Where in the output the dictionary begins. */
  private dictionary = 0;
  private packed: Uint8Array = new Uint8Array(0);
  private at = 0;
  private end = 0;
  private range = 0;
  private code = 0;
  private isBroken = false;

  constructor(output: UnpackedBytes) {
    this.output = output;
  }

  /** Forgets what was unpacked: no match may reach back before this. */
  beginDictionary(): void {
    this.dictionary = this.output.length;
  }

  /** Takes how many bits contexts have; false for what LZMA2 does not allow. */
  setProperties(byte: number): boolean {
    const context = byte % 9;
    const position = Math.floor(byte / 9) % 5;
    const pos = Math.floor(byte / 45);
    if (pos > 4 || context + position > contextBitsMax) return false;
    this.literalContextBits = context;
    this.literalPositionMask = (1 << position) - 1;
    this.positionMask = (1 << pos) - 1;
    return true;
  }

  /** Forgets what was learned. */
  reset(): void {
    this.probabilities.fill(initial);
    this.state = 0;
    this.rep0 = this.rep1 = this.rep2 = this.rep3 = 0;
  }

  /** Unpacks a chunk to exactly `size` bytes, for which the output has room; false when it is not well formed. */
  unpack(packed: Uint8Array, at: number, end: number, size: number): boolean {
    this.packed = packed;
    this.at = at;
    this.end = end;
    this.isBroken = false;
    // A zero, then four bytes of the code.
    if (end - at < 5 || packed[at] !== 0) return false;
    this.range = 0xffffffff;
    this.code = ((packed[at + 1]! << 24) | (packed[at + 2]! << 16) | (packed[at + 3]! << 8) | packed[at + 4]!) >>> 0;
    this.at = at + 5;
    const { output } = this;
    const stop = output.length + size;
    while (output.length < stop) {
      this.step(stop);
      if (this.isBroken) return false;
    }
    this.normalise();
    return !this.isBroken && this.code === 0 && this.at === this.end;
  }

  /** Unpacks a literal or a match. */
  private step(stop: number): void {
    const { output } = this;
    const position = output.length - this.dictionary;
    const posState = position & this.positionMask;
    if (this.bit(isMatch + (this.state << 4) + posState) === 0) {
      this.literal(position);
      return;
    }
    let length: number;
    if (this.bit(isRep + this.state) !== 0) {
      if (this.bit(isRepG0 + this.state) === 0) {
        if (this.bit(isRep0Long + (this.state << 4) + posState) === 0) {
          this.state = this.state < 7 ? 9 : 11;
          this.copy(1, stop);
          return;
        }
      } else this.takeRepetition();
      length = this.lengthOf(repLength, posState);
      this.state = this.state < 7 ? 8 : 11;
    } else {
      this.rep3 = this.rep2;
      this.rep2 = this.rep1;
      this.rep1 = this.rep0;
      length = this.lengthOf(matchLength, posState);
      this.state = this.state < 7 ? 7 : 10;
      this.rep0 = this.distance(length);
    }
    this.copy(length + matchMin, stop);
  }

  /** Makes one of the older distances the newest. */
  private takeRepetition(): void {
    let distance: number;
    if (this.bit(isRepG1 + this.state) === 0) distance = this.rep1;
    else {
      if (this.bit(isRepG2 + this.state) === 0) distance = this.rep2;
      else {
        distance = this.rep3;
        this.rep3 = this.rep2;
      }
      this.rep2 = this.rep1;
    }
    this.rep1 = this.rep0;
    this.rep0 = distance;
  }

  private literal(position: number): void {
    const { output } = this;
    const previous = position > 0 ? output.data[output.length - 1]! : 0;
    const context = ((position & this.literalPositionMask) << this.literalContextBits) + (previous >> (8 - this.literalContextBits));
    const base = literals + literalSize * context;
    let symbol = 1;
    if (this.state >= 7) {
      if (this.rep0 >= position) {
        this.isBroken = true;
        return;
      }
      let match = output.data[output.length - this.rep0 - 1]!;
      while (symbol < 0x100) {
        const matchBit = (match >> 7) & 1;
        match <<= 1;
        const bit = this.bit(base + ((1 + matchBit) << 8) + symbol);
        symbol = (symbol << 1) | bit;
        if (matchBit !== bit) break;
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.bit(base + symbol);
    output.data[output.length++] = symbol & 0xff;
    this.state = this.state < 4 ? 0 : this.state < 10 ? this.state - 3 : this.state - 6;
  }

  private copy(length: number, stop: number): void {
    const { output } = this;
    const from = output.length - this.rep0 - 1;
    // A chunk has no more than it says, and no match reaches into the next one.
    if (from < this.dictionary || output.length + length > stop) {
      this.isBroken = true;
      return;
    }
    const { data } = output;
    const to = output.length;
    for (let i = 0; i < length; i++) data[to + i] = data[from + i]!;
    output.length = to + length;
  }

  private lengthOf(base: number, posState: number): number {
    if (this.bit(base) === 0) return this.tree(base + lengthLow + (posState << 3), 3);
    if (this.bit(base + 1) === 0) return 8 + this.tree(base + lengthMiddle + (posState << 3), 3);
    return 16 + this.tree(base + lengthHigh, 8);
  }

  private distance(length: number): number {
    const slot = this.tree(posSlot + (Math.min(length, 3) << 6), 6);
    if (slot < 4) return slot;
    const directBits = (slot >> 1) - 1;
    const base = (2 | (slot & 1)) * 2 ** directBits;
    if (slot < 14) return base + this.reverseTree(posSpecial + base - slot, directBits);
    return base + this.direct(directBits - 4) * 16 + this.reverseTree(posAlign, 4);
  }

  private tree(base: number, bits: number): number {
    let symbol = 1;
    for (let i = 0; i < bits; i++) symbol = (symbol << 1) | this.bit(base + symbol);
    return symbol - (1 << bits);
  }

  private reverseTree(base: number, bits: number): number {
    let node = 1;
    let symbol = 0;
    for (let i = 0; i < bits; i++) {
      const bit = this.bit(base + node);
      node = (node << 1) | bit;
      symbol |= bit << i;
    }
    return symbol;
  }

  /** Bits that are as likely 0 as 1. */
  private direct(bits: number): number {
    let value = 0;
    for (; bits > 0; bits--) {
      this.normalise();
      this.range >>>= 1;
      const bit = this.code >= this.range ? 1 : 0;
      if (bit === 1) this.code -= this.range;
      value = value * 2 + bit;
    }
    return value;
  }

  private bit(index: number): number {
    this.normalise();
    const probability = this.probabilities[index]!;
    const bound = (this.range >>> modelBits) * probability;
    if (this.code < bound) {
      this.range = bound;
      this.probabilities[index] = probability + (((1 << modelBits) - probability) >> moveBits);
      return 0;
    }
    this.range -= bound;
    this.code -= bound;
    this.probabilities[index] = probability - (probability >> moveBits);
    return 1;
  }

  private normalise(): void {
    if (this.range >= 0x1000000) return;
    if (this.at >= this.end) {
      this.isBroken = true;
      return;
    }
    this.range = (this.range << 8) >>> 0;
    this.code = ((this.code << 8) | this.packed[this.at++]!) >>> 0;
  }
}
