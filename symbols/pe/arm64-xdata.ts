// The `.xdata` record of an arm64 function: a header, epilogs, unwind codes.
//
//     bits 0–17   length of the function, in instructions
//     18–19       version, 0
//     20          X: an exception handler follows the codes
//     21          E: one epilog, at the function's end, and no list of epilogs
//     22–26       number of epilogs; with E where the codes of the one begin
//     27–31       words of codes
//
// Where both numbers are 0 a second word has larger ones: 16 bits for epilogs,
// 8 for words. Each epilog is a word: its start in 18 bits, counted in
// instructions from the function's, and in bits 22 to 31 where its codes begin.
import { instructionPlaces, runCodes } from "./arm64-codes.ts";

import type { RvaWindow } from "./rva-window.ts";

/** What a record says. */
export type Arm64Xdata = {
  /** Instructions of the function. */
  readonly length: number;
  /** Bytes of the window that it was read through, so good until the next read. */
  readonly codes: Uint8Array;
  /** Two numbers for each epilog, in the order of the file: its first instruction, counted from the function's, and where in `codes` it begins. */
  readonly epilogs: Uint32Array;
};

const places = new Int32Array(runCodes + 2);

/** Reads the record at an address; null when it is cut off, of another version, or has more epilogs than instructions. */
export function readArm64Xdata(window: RvaWindow, rva: number): Arm64Xdata | null {
  let place = window.place(rva, 4);
  if (place < 0) return null;
  const header = wordAt(window.data, place);
  const length = header & 0x3ffff;
  let epilogs = (header >>> 22) & 31;
  let codeWords = header >>> 27;
  let at = rva + 4;
  if (epilogs === 0 && codeWords === 0) {
    place = window.place(at, 4);
    if (place < 0) return null;
    const extension = wordAt(window.data, place);
    epilogs = extension & 0xffff;
    codeWords = (extension >>> 16) & 0xff;
    at += 4;
  }
  const isPacked = ((header >>> 21) & 1) === 1;
  // An epilog has an instruction at least; more of them than that would cost more than they are worth.
  if (((header >>> 18) & 3) !== 0 || (!isPacked && epilogs > length)) return null;
  const listedBytes = isPacked ? 0 : epilogs * 4;
  place = window.place(at, listedBytes + codeWords * 4);
  if (place < 0) return null;
  const { data } = window;
  const codes = data.subarray(place + listedBytes, place + listedBytes + codeWords * 4);
  return { length, codes, epilogs: isPacked ? lastEpilog(length, codes, epilogs) : listedEpilogs(data, place, epilogs) };
}

/** The one epilog that ends with the function's last instruction; what it returns with has no code. */
export function lastEpilog(length: number, codes: Uint8Array, index: number): Uint32Array {
  const count = index < codes.length ? instructionPlaces(codes, index, places) : -1;
  return count < 0 || count + 1 > length ? new Uint32Array(0) : Uint32Array.of(length - count - 1, index);
}

/** A little-endian word. */
export function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

function listedEpilogs(bytes: Uint8Array, at: number, count: number): Uint32Array {
  const listed = new Uint32Array(count * 2);
  for (let i = 0; i < count; i++) {
    const scope = wordAt(bytes, at + i * 4);
    listed[i * 2] = scope & 0x3ffff;
    listed[i * 2 + 1] = scope >>> 22;
  }
  return listed;
}
