// Packed unwind data of arm64: 30 bits of `.pdata` that stand for a whole
// canonical prolog and epilog. It is written out here as the unwind codes that
// it is short for, so that nothing else has to know it.
//
//     bits 0–1   flag: 1 prolog and epilog, 2 neither (a fragment)
//     2–12       length of the function, in instructions
//     13–15      RegF: one less than the registers from d8 on that are saved; 0 none
//     16–19      RegI: registers from x19 on that are saved
//     20         H: the parameters x0 to x7 are stored above them
//     21–22      CR: 0 lr is not saved, 1 it is, 3 with fp as a chain, 2 the same and signed
//     23–31      bytes of the frame / 16
//
// The frame from its top: 64 bytes of parameters with H, saved d registers, lr
// with CR 1, saved x registers, then locals. The first save makes room for all
// of the save area, the last step for the locals.
import { unwindCode } from "./arm64-codes.ts";

/** What a packed word says. */
export type PackedUnwind = {
  /** Instructions of the function. */
  readonly length: number;
  /** The prolog's codes; of a fragment, those of another fragment's prolog. */
  readonly codes: Uint8Array;
  /** Where in `codes` those of the epilog at the function's end begin; -1 without. */
  readonly epilog: number;
};

/** Bytes that one instruction can take from the stack pointer here: the largest 12-bit number that keeps it at a multiple of 16. */
const ALLOCATION = 4080;
/** Bytes of locals that a store of fp and lr can make room for. */
const STORE_ROOM = 512;

/** Writes out a packed word; null when no canonical function has it. */
export function unpackUnwind(word: number): PackedUnwind | null {
  const flag = word & 3;
  const length = (word >>> 2) & 0x7ff;
  const regF = (word >>> 13) & 7;
  const regI = (word >>> 16) & 15;
  const homes = ((word >>> 20) & 1) === 1;
  const cr = (word >>> 21) & 3;
  const integerBytes = regI * 8 + (cr === 1 ? 8 : 0);
  const floats = regF === 0 ? 0 : regF + 1;
  const saveBytes = (integerBytes + floats * 8 + (homes ? 64 : 0) + 15) & ~15;
  const localBytes = (word >>> 23) * 16 - saveBytes;
  const isChained = cr >= 2;
  if (flag === 0 || flag === 3 || length === 0 || regI > 10 || localBytes < (isChained ? 16 : 0)) return null;

  const locals = localCodes(localBytes, isChained);
  const saves = [...floatSaves(floats, integerBytes, saveBytes), ...integerSaves(regI, cr === 1, saveBytes)];
  const isSaved = saves.length > 0;
  // Without a save before them the first store of parameters makes the room.
  const home = homes ? [unwindCode.nop, unwindCode.nop, unwindCode.nop, ...(isSaved ? [unwindCode.nop] : allocation(saveBytes))] : [];
  const tail = [...saves, ...(cr === 2 ? [unwindCode.signLr] : []), unwindCode.end];
  // Epilogs do not load parameters, and need not set the frame pointer.
  const epilog = [...locals, ...(homes && !isSaved ? allocation(saveBytes) : []), ...tail];
  const prolog = [...(isChained ? [unwindCode.setFp] : []), ...locals, ...home, ...tail];
  if (flag === 2) return { length, codes: Uint8Array.of(unwindCode.endFragment, ...prolog), epilog: -1 };
  return homes ? { length, codes: Uint8Array.of(...prolog, ...epilog), epilog: prolog.length } : { length, codes: Uint8Array.from(prolog), epilog: isChained ? 1 : 0 };
}

/** Room for locals; at its bottom fp and lr, where they are chained. In the order of undoing, as all that follows. */
function localCodes(bytes: number, isChained: boolean): number[] {
  if (isChained && bytes <= STORE_ROOM) return [0x80 | (bytes / 8 - 1)];
  const room = bytes > ALLOCATION ? [...allocation(bytes - ALLOCATION), ...allocation(ALLOCATION)] : bytes > 0 ? allocation(bytes) : [];
  return isChained ? [0x40, ...room] : room;
}

function floatSaves(count: number, integerBytes: number, saveBytes: number): number[] {
  const codes: number[] = [];
  if (count % 2 === 1) codes.push(...twoBytes(0xdc00, count - 1, (integerBytes + (count - 1) * 8) / 8));
  for (let first = (count & ~1) - 2; first >= 0; first -= 2) {
    const isFirst = first === 0 && integerBytes === 0;
    codes.push(...(isFirst ? twoBytes(0xda00, 0, saveBytes / 8 - 1) : twoBytes(0xd800, first, (integerBytes + first * 8) / 8)));
  }
  return codes;
}

function integerSaves(count: number, withLr: boolean, saveBytes: number): number[] {
  const codes: number[] = [];
  const last = count - 1;
  if (count % 2 === 1 && withLr) {
    codes.push(...twoBytes(0xd600, last / 2, last));
    // No store both makes room and saves x19 with lr, so it is made before.
    if (count === 1) codes.push(...allocation(saveBytes));
  } else if (count % 2 === 1) codes.push(...(count === 1 ? shortStore(0, saveBytes) : twoBytes(0xd000, last, last)));
  else if (withLr) codes.push(...(count === 0 ? shortStore(11, saveBytes) : twoBytes(0xd000, 11, count)));
  for (let first = (count & ~1) - 2; first >= 0; first -= 2) {
    codes.push(...(first === 0 ? twoBytes(0xcc00, 0, saveBytes / 8 - 1) : twoBytes(0xc800, first, first)));
  }
  return codes;
}

/** Room on the stack: alloc_s below 512 bytes, else alloc_m. */
function allocation(bytes: number): number[] {
  return bytes < 512 ? [bytes / 16] : [0xc0 | (bytes >>> 12), (bytes >>> 4) & 0xff];
}

/** A code with a register counted from the first that is preserved, and six bits of what is after it. */
function twoBytes(code: number, register: number, low: number): number[] {
  const word = code | (register << 6) | low;
  return [word >>> 8, word & 0xff];
}

/** save_reg_x, which has five bits. */
function shortStore(register: number, bytes: number): number[] {
  const word = 0xd400 | (register << 5) | (bytes / 8 - 1);
  return [word >>> 8, word & 0xff];
}
