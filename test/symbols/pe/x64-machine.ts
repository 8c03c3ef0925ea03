// Unwinds one frame of an x64 program as Windows does it: from an address, by
// the function's unwind codes or, in an epilog, by running what is left of it.
// It is written after Microsoft's description and shares nothing with the
// compiler of rows, which it checks.
//
// Registers hold numbers that lie far apart, and every word of memory holds its
// own address; so what a register has afterwards says where it came from.
import type { PeImage } from "../../../symbols/pe/image.ts";

/** One entry of `.pdata`. */
export type Entry = { readonly start: number; readonly end: number; readonly unwind: number };

/** What a frame unwinds to: rip, and registers in Microsoft's order. */
export type Unwound = { readonly rip: number; readonly registers: readonly number[]; readonly isInterrupted: boolean };

/** What register `number` holds before. */
export const seed = (number: number): number => (number + 1) * 2 ** 40;
const RSP = 4;

/** All entries. */
export function entriesOf(image: PeImage): Entry[] {
  const { rva, size } = image.directory(3);
  const table = image.readRva(rva, size - (size % 12))!;
  return Array.from({ length: table.length / 12 }, (_, i) => ({ start: table.readUInt32LE(i * 12), end: table.readUInt32LE(i * 12 + 4), unwind: table.readUInt32LE(i * 12 + 8) }));
}

/** Unwinds from an address in an entry. */
export function unwind(image: PeImage, entries: readonly Entry[], { start, end, unwind: record }: Entry, at: number): Unwound {
  const registers = Array.from({ length: 16 }, (_, number) => seed(number));
  const done = (isInterrupted = false, rip = registers[RSP]!): Unwound => {
    if (!isInterrupted) registers[RSP]! += 8;
    return { rip, registers, isInterrupted };
  };
  let info = follow(image, record);
  let isOwn = info === record;
  const head = image.readRva(info, 4)!;
  const inProlog = isOwn && at - start < head[1]!;
  if (!inProlog) {
    const code = image.readRva(at, end - at)!;
    // Jumps between the parts of one function leave none; so Windows sees it, and Wine does not.
    const leaves = (to: number): boolean => {
      if (to >= start && to < end) return to === start;
      const other = entries.find((entry) => to >= entry.start && to < entry.end);
      return other === undefined || primaryOf(image, other) !== primaryOf(image, { start, end, unwind: record });
    };
    if (hasCodes(image, info) && runEpilog(code, registers, at, leaves, head[3]! & 15)) return done();
  }
  const initial = registers[RSP]!;
  for (;;) {
    const header = image.readRva(info, 4)!;
    const slots = image.readRva(info + 4, header[2]! * 2)!;
    const version = header[0]! & 7;
    const frameRegister = header[3]! & 15;
    const holds = (offset: number): boolean => !(isOwn && inProlog) || offset <= at - start;
    // The frame's base is in the frame register from where that is set, which in a chained part it is.
    const isSet = frameRegister !== 0 && (!(isOwn && inProlog) || chainOf(image, info) !== null || opcodes(slots, version).some(({ kind, offset }) => kind === 3 && holds(offset)));
    const base = isSet ? seed(frameRegister) - (header[3]! >>> 4) * 16 : initial;
    for (const { offset, kind, operand, near, far } of opcodes(slots, version)) {
      if (!holds(offset)) continue;
      if (kind === 0) {
        registers[operand] = registers[RSP]!;
        registers[RSP]! += 8;
      } else if (kind === 1) registers[RSP]! += operand === 0 ? near * 8 : far;
      else if (kind === 2) registers[RSP]! += operand * 8 + 8;
      else if (kind === 3) registers[RSP] = base;
      else if (kind === 4) registers[operand] = base + near * 8;
      else if (kind === 5) registers[operand] = base + far;
      else if (kind === 10) {
        const frame = registers[RSP]! + operand * 8;
        registers[RSP] = frame + 24;
        return done(true, frame);
      }
    }
    if (((header[0]! >>> 3) & 4) === 0) return done();
    info = follow(image, chainOf(image, info)!.unwind);
    isOwn = false;
  }
}

function follow(image: PeImage, record: number): number {
  return (record & 1) === 0 ? record : follow(image, image.readRva(record - 1, 12)!.readUInt32LE(8));
}

/** The entry that an info is chained to. */
function chainOf(image: PeImage, info: number): Entry | null {
  const header = image.readRva(info, 4)!;
  if (((header[0]! >>> 3) & 4) === 0) return null;
  const chain = image.readRva(info + 4 + ((header[2]! + 1) & ~1) * 2, 12)!;
  return { start: chain.readUInt32LE(0), end: chain.readUInt32LE(4), unwind: chain.readUInt32LE(8) };
}

/** Where the function begins that an entry is a part of. */
function primaryOf(image: PeImage, entry: Entry): number {
  const chain = chainOf(image, follow(image, entry.unwind));
  return chain === null ? entry.start : primaryOf(image, chain);
}

/** Epilogs are looked for only where there is something to undo. */
function hasCodes(image: PeImage, info: number): boolean {
  const chain = chainOf(image, info);
  return image.readRva(info, 4)![2]! > 0 || (chain !== null && hasCodes(image, follow(image, chain.unwind)));
}

type Opcode = { readonly offset: number; readonly kind: number; readonly operand: number; readonly near: number; readonly far: number };

function opcodes(slots: Buffer, version: number): Opcode[] {
  const all: Opcode[] = [];
  for (let i = 0; i < slots.length; ) {
    const kind = slots[i + 1]! & 15;
    const operand = slots[i + 1]! >>> 4;
    const count = kind === 1 ? 2 + operand : [1, 0, 1, 1, 2, 3, 2, 3, 2, 3, 1][kind]!;
    const near = count > 1 ? slots.readUInt16LE(i + 2) : 0;
    const far = count > 2 ? slots.readUInt32LE(i + 2) : 0;
    if (!(kind === 6 && version === 2)) all.push({ offset: slots[i]!, kind, operand, near, far });
    i += count * 2;
  }
  return all;
}

/** Runs an epilog up to its end; false, with nothing changed, when the code is not the rest of one. */
function runEpilog(code: Buffer, registers: number[], address: number, leaves: (to: number) => boolean, frameRegister: number): boolean {
  const ran = [...registers];
  let at = 0;
  const rexW = code.length > 3 && (code[0]! & 0xf8) === 0x48;
  if (rexW && code[0] === 0x48 && code[1] === 0x83 && code[2] === 0xc4) {
    ran[RSP]! += code.readInt8(3);
    at = 4;
  } else if (rexW && code[0] === 0x48 && code[1] === 0x81 && code[2] === 0xc4) {
    ran[RSP]! += code.readInt32LE(3);
    at = 7;
  } else if (rexW && code[1] === 0x8d && (code[0]! & 6) === 0 && ((code[2]! >>> 3) & 7) === 4 && (code[2]! & 7) !== 4 && (code[2]! >>> 6 === 1 || code[2]! >>> 6 === 2) && ((code[2]! & 7) | ((code[0]! & 1) << 3)) === frameRegister) {
    const isNear = code[2]! >>> 6 === 1;
    ran[RSP] = ran[(code[2]! & 7) | ((code[0]! & 1) << 3)]! + (isNear ? code.readInt8(3) : code.readInt32LE(3));
    at = isNear ? 4 : 7;
  }
  for (;;) {
    const rex = (code[at]! & 0xf0) === 0x40 ? code[at]! : 0;
    const place = rex === 0 ? at : at + 1;
    const byte = code[place];
    if (byte === undefined) return false;
    if (byte >= 0x58 && byte <= 0x5f) {
      ran[(byte & 7) | ((rex & 1) << 3)] = ran[RSP]!;
      ran[RSP]! += 8;
      at = place + 1;
      continue;
    }
    const isEnd =
      byte === 0xc3 ||
      byte === 0xc2 ||
      (byte === 0xf3 && code[place + 1] === 0xc3) ||
      (byte === 0xeb && leaves(address + place + 2 + code.readInt8(place + 1))) ||
      (byte === 0xe9 && leaves(address + place + 5 + code.readInt32LE(place + 1))) ||
      // Wine does not know it, and Windows does.
      ((rex & 8) !== 0 && byte === 0xff && (code[place + 1]! & 0x38) === 0x20);
    if (!isEnd) return false;
    registers.splice(0, 16, ...ran);
    return true;
  }
}
