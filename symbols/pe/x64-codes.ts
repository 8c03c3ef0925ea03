// The unwind codes of an x64 function: what its prolog does, instruction by
// instruction.
//
// `.xdata` has for each function an UNWIND_INFO (Microsoft, "x64 exception
// handling"; version 2 is described by the headers of CoreCLR and by LLVM):
//
//     byte 0   version in bits 0–2, flags in 3–7
//     1        bytes of the prolog
//     2        how many codes there are, of 16 bits each
//     3        frame register in bits 0–3, its distance from rsp / 16 in 4–7
//     then     codes, the prolog's last operation first: the offset of the
//              end of its instruction, operation in bits 8–11, operand in
//              12–15; some operations take one or two more codes as a number
//     then     filled up to a multiple of four bytes: another function whose
//              codes come after these (a chain), or an exception handler
//
// A chain is what cold parts, and parts of large functions, have: their own
// codes come first, and those of the functions that they are chained to hold
// wholly. An entry of `.pdata` may also name, by an odd address, another entry
// whose codes hold wholly.
//
// Version 2 lists epilogs: pairs of codes, of which the very first has the
// bytes of each epilog and whether one ends the function, and each other one
// the distance of an epilog from the function's end.
import type { RvaWindow } from "./rva-window.ts";

/** Operations of the prolog; those that save XMM registers are left out, since no rule restores one. */
export const x64Operation = { push: 0, allocate: 1, setFrame: 2, save: 3, machineFrame: 4 } as const;

/** The codes' own numbers. */
const code = { pushNonvolatile: 0, allocateLarge: 1, allocateSmall: 2, setFrame: 3, saveNonvolatile: 4, saveFar: 5, epilog: 6, spare: 7, saveXmm: 8, saveXmmFar: 9, pushMachineFrame: 10 } as const;
const flagChained = 4;
/** Infos in a chain, at most; Windows takes as many. */
const chainMax = 32;
const codesPerInfo = 255;
/** Bytes of an UNWIND_INFO's header. */
const headerBytes = 4;
const entryBytes = 12;

/** The codes of one function, filled anew for each. */
export class X64Codes {
  /** How many operations there are, the last one of the prolog first; those of the chain come after the function's own. */
  count = 0;
  /** How many of them are the function's own. */
  own = 0;
  /** By operation: bytes from the function's start to the end of its instruction; of own ones only. */
  readonly offset = new Uint8Array(chainMax * codesPerInfo);
  /** By operation, see `x64Operation`. */
  readonly operation = new Uint8Array(chainMax * codesPerInfo);
  /** By operation: the register that is pushed, saved or set, in Microsoft's numbering; of a machine frame 1 when an error code is under it. */
  readonly register = new Uint8Array(chainMax * codesPerInfo);
  /** By operation: bytes that are allocated, the distance of a saved register from the frame's base, or of the frame register from rsp. */
  readonly value = new Uint32Array(chainMax * codesPerInfo);
  /** Bytes of the function's own prolog. */
  prologBytes = 0;
  /** How many epilogs version 2 lists. */
  epilogs = 0;
  /** By epilog: the distance of its start from the function's end. */
  readonly epilogDistance = new Uint16Array(codesPerInfo);
  /** Codes that were read, of all functions so far. */
  work = 0;

  /** Reads the codes that an entry of `.pdata` names; false when they make no sense. */
  read(window: RvaWindow, unwindRva: number): boolean {
    this.count = 0;
    this.own = 0;
    this.prologBytes = 0;
    this.epilogs = 0;
    let rva = unwindRva;
    let isOwn = true;
    for (let depth = 0; depth < chainMax; depth++) {
      if ((rva & 1) !== 0) {
        isOwn = false;
        this.work++;
        const place = window.place(rva - 1, entryBytes);
        if (place < 0) return false;
        rva = u32(window.data, place + 8);
        continue;
      }
      const next = this.readInfo(window, rva, isOwn);
      if (isOwn) this.own = this.count;
      isOwn = false;
      if (next <= 0) return next === 0;
      rva = next;
    }
    return false;
  }

  /** Reads one info and returns the address of the next one in its chain: 0 for none, -1 when it makes no sense. */
  private readInfo(window: RvaWindow, rva: number, isOwn: boolean): number {
    const at = window.place(rva, headerBytes);
    if (at < 0) return -1;
    const version = window.data[at]! & 7;
    const isChained = (window.data[at]! & (flagChained << 3)) !== 0;
    const codes = window.data[at + 2]!;
    const codeBytes = ((codes + 1) & ~1) * 2;
    if (version !== 1 && version !== 2) return -1;
    const info = window.place(rva, headerBytes + codeBytes + (isChained ? entryBytes : 0));
    if (info < 0) return -1;
    this.work += codes + 1;
    if (isOwn) this.prologBytes = window.data[info + 1]!;
    if (!this.readCodes(window.data, info + headerBytes, codes, window.data[info + 3]!, version, isOwn)) return -1;
    return isChained ? u32(window.data, info + headerBytes + codeBytes + 8) : 0;
  }

  private readCodes(data: Uint8Array, start: number, codes: number, frame: number, version: number, isOwn: boolean): boolean {
    const end = start + codes * 2;
    let epilogCodes = 0;
    for (let at = start; at < end; ) {
      const offset = data[at]!;
      const kind = data[at + 1]! & 15;
      const operand = data[at + 1]! >>> 4;
      const slots = slotsOf(kind, operand);
      if (slots === 0 || at + slots * 2 > end) return false;
      if (kind === code.epilog && version === 2) {
        if (isOwn) this.addEpilogs(data, at, epilogCodes === 0);
        epilogCodes += 2;
      } else {
        const number = slots === 1 ? 0 : slots === 2 ? u16(data, at + 2) * 8 : u32(data, at + 2);
        if (kind === code.pushNonvolatile) this.add(offset, x64Operation.push, operand, 8);
        else if (kind === code.allocateSmall) this.add(offset, x64Operation.allocate, 0, operand * 8 + 8);
        else if (kind === code.allocateLarge) this.add(offset, x64Operation.allocate, 0, number);
        else if (kind === code.saveNonvolatile || kind === code.saveFar) this.add(offset, x64Operation.save, operand, number);
        else if (kind === code.pushMachineFrame) this.add(offset, x64Operation.machineFrame, operand, 0);
        else if (kind === code.setFrame) {
          // Number 0 says that there is no frame register.
          if ((frame & 15) === 0) return false;
          this.add(offset, x64Operation.setFrame, frame & 15, (frame >>> 4) * 16);
        }
      }
      at += slots * 2;
    }
    return true;
  }

  private add(offset: number, operation: number, register: number, value: number): void {
    const { count } = this;
    this.offset[count] = offset;
    this.operation[count] = operation;
    this.register[count] = register;
    this.value[count] = value;
    this.count++;
  }

  /** Takes a pair of epilog codes. The second one of the last pair is 0 where the number is odd. */
  private addEpilogs(data: Uint8Array, at: number, isFirst: boolean): void {
    if (!isFirst) this.addEpilog(epilogDistance(data, at));
    else if ((data[at + 1]! & 0x10) !== 0) this.addEpilog(data[at]!);
    this.addEpilog(epilogDistance(data, at + 2));
  }

  private addEpilog(distance: number): void {
    if (distance > 0) this.epilogDistance[this.epilogs++] = distance;
  }
}

/** Codes that an operation takes with its numbers; 0 for one that there is not. An XMM operation of version 1 became the epilogs of version 2, with as many codes. */
function slotsOf(kind: number, operand: number): number {
  switch (kind) {
    case code.pushNonvolatile:
    case code.allocateSmall:
    case code.setFrame:
      return 1;
    case code.pushMachineFrame:
      return operand <= 1 ? 1 : 0;
    case code.allocateLarge:
      return operand === 0 ? 2 : operand === 1 ? 3 : 0;
    case code.saveNonvolatile:
    case code.epilog:
    case code.saveXmm:
      return 2;
    case code.saveFar:
    case code.spare:
    case code.saveXmmFar:
      return 3;
    default:
      return 0;
  }
}

/** Twelve bits: the low eight first, the high four above the operation. */
function epilogDistance(data: Uint8Array, at: number): number {
  return data[at]! | ((data[at + 1]! >>> 4) << 8);
}

function u16(data: Uint8Array, at: number): number {
  return data[at]! | (data[at + 1]! << 8);
}

/** The number of four bytes at a place. */
export function u32(data: Uint8Array, at: number): number {
  return (data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24)) >>> 0;
}
