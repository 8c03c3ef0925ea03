// LZMA2: what xz files are packed with. A chain of chunks, each of them bytes as
// they are, or LZMA, whose dictionary and state go on from chunk to chunk
// unless one says otherwise. (The .xz file format 1.2; LZMA specification.)
//
//     0x00          the end
//     0x01, 0x02    u16 bytes - 1, big-endian; the bytes; 1 begins a new dictionary
//     0x80 and up   five bits and u16: unpacked bytes - 1; u16: packed bytes - 1;
//                   with 0xc0 and up a byte of properties; the range coder's bytes.
//                   Bits 5 and 6: 1 new state, 2 and new properties, 3 and new dictionary
//
// The output is the dictionary: what was unpacked is in one array, and matches
// copy from it.
import { LzmaState } from "./lzma.ts";

/** What was unpacked, growing as it is written. */
export class UnpackedBytes {
  data: Uint8Array<ArrayBuffer> = new Uint8Array(64 * 1024);
  length = 0;
  private readonly limit: number;

  /** Takes `limit` bytes at most. */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Makes room for some more bytes; false when that is beyond the limit. */
  reserve(more: number): boolean {
    const wanted = this.length + more;
    if (wanted > this.limit) return false;
    if (wanted > this.data.length) {
      const wider = new Uint8Array(Math.min(Math.max(this.data.length * 2, wanted), this.limit));
      wider.set(this.data.subarray(0, this.length));
      this.data = wider;
    }
    return true;
  }
}

/** Why packed bytes cannot be unpacked. */
export type LzmaFault = "broken" | "too_large";

/** Unpacks the chunks from `at` on; gives where they end, or what is wrong. `state` is one of `output`; what it knows from before does not count. */
export function unpackLzma2(packed: Uint8Array, at: number, output: UnpackedBytes, state: LzmaState): number | LzmaFault {
  /** What a chunk has to bring, since nothing was there before it. */
  let needsDictionary = true;
  let needsProperties = true;
  while (at < packed.length) {
    const control = packed[at++]!;
    if (control === 0) return at;
    if (control < 3) {
      if (control === 2 && needsDictionary) return "broken";
      if (at + 2 > packed.length) return "broken";
      const size = ((packed[at]! << 8) | packed[at + 1]!) + 1;
      at += 2;
      if (at + size > packed.length) return "broken";
      if (!output.reserve(size)) return "too_large";
      if (control === 1) state.beginDictionary();
      needsDictionary = false;
      output.data.set(packed.subarray(at, at + size), output.length);
      output.length += size;
      at += size;
      continue;
    }
    if (control < 0x80 || at + 4 > packed.length) return "broken";
    const reset = (control >> 5) & 3;
    const size = (((control & 0x1f) << 16) | (packed[at]! << 8) | packed[at + 1]!) + 1;
    const packedSize = ((packed[at + 2]! << 8) | packed[at + 3]!) + 1;
    at += 4;
    if (reset === 3) {
      state.beginDictionary();
      needsDictionary = false;
    }
    if (reset >= 2) {
      if (at === packed.length || !state.setProperties(packed[at++]!)) return "broken";
      needsProperties = false;
    }
    if (needsDictionary || needsProperties || at + packedSize > packed.length) return "broken";
    if (reset >= 1) state.reset();
    if (!output.reserve(size)) return "too_large";
    if (!state.unpack(packed, at, at + packedSize, size)) return "broken";
    at += packedSize;
  }
  return "broken";
}
