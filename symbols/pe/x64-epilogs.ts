// Epilogs of x64 functions, found in their code.
//
// The unwind codes of version 1 say nothing of epilogs. Windows looks at the
// code from the address on and sees whether it is the rest of one; so an epilog
// must look like this (Microsoft, "x64 prolog and epilog"):
//
//     add rsp, N  |  lea rsp, [frame register + N]      at most one of them
//     pop …                                             any number
//     ret  |  jmp to another function
//
// Here the code of a function is searched for it once. To be taken for an
// epilog, bytes must undo exactly what the prolog did: the first instruction
// brings rsp to the saved registers, each pop finds its own register there, and
// the return address comes after the last. Bytes in the middle of other
// instructions do not look like that but by rare chance. Where the least of it
// is there, pops and `ret`, they hurt nothing even then: rows of bytes that
// nobody executes lie inside of an instruction. What is longer must prove more.
//
// Three things that compilers do are accepted, and Windows' unwinder takes them
// for the function's body: `mov rsp, r11` before the pops (Microsoft's, with r11
// holding the frame's end), `vzeroupper` between them (LLVM's), and jumps through
// registers and memory without a REX prefix. Pops of registers that nobody
// preserves free eight bytes each.
import { type X64Frame } from "./x64-frame.ts";

/** Instructions between the first and the last, at most: nine registers are preserved. */
const stepsMax = 24;
/** Bits of registers that a function need not preserve, in Microsoft's numbering: rax, rcx, rdx, r8 to r11. */
const volatileRegisters = 0x0f07;

/** By byte: what it may begin in an epilog. Of operations that move rsp, which follow a REX prefix, none begins anything by itself. */
const beginnings = new Uint8Array(256);
const nothing = 0;
const prefix = 1;
const pop = 2;
const plainRet = 3;
const move = 4;
beginnings.fill(prefix, 0x40, 0x50);
beginnings.fill(pop, 0x58, 0x60);
beginnings[0xc3] = plainRet;
for (const operation of [0x81, 0x83, 0x89, 0x8b, 0x8d]) beginnings[operation] = move;

/** An epilog, or nothing. */
export class X64Epilog {
  /** Where it begins, and where the instruction after it does. */
  start = 0;
  end = 0;
  /** Bytes of arguments that its return removes. */
  returnBytes = 0;
  /** How many instructions come after the first one that moves rsp, or from the first pop on; the last one leaves. */
  steps = 0;
  /** By step: where it begins. */
  readonly stepAt = new Uint32Array(stepsMax + 1);
  /** By step: the register that it pops, in Microsoft's numbering; -1 for one that pops none. */
  readonly popped = new Int8Array(stepsMax + 1);
  /** How many steps pop. */
  pops = 0;
  /** What the instruction at `start` moves rsp by: an addition, the frame register, something that only the code knows; nothing when it is the first step. */
  move: "none" | "add" | "frame" | "unknown" = "none";
  /** Where the code that jumps may go to begins and ends, as places in the data that is searched. */
  codeStart = 0;
  codeEnd = 0;
  /** True for a plain `ret`. */
  private isReturn = false;
  /** True for a jump through a register or memory that no REX prefix marks as a tail call. */
  private isUnmarked = false;

  /** Finds the next epilog from `from` on; the code of the function is in `data` from `first` up to `last`. */
  find(data: Uint8Array, from: number, first: number, last: number, frame: X64Frame): boolean {
    // An entry whose first instruction returns is the end of the function that it is chained to.
    if (from === first && first < last && data[first] === 0xc3) return this.plainReturn(first);
    const mayReturn = frame.total === 0;
    for (let at = from; at < last; at++) {
      const kind = beginnings[data[at]!]!;
      if (kind === nothing || kind === move) continue;
      if (kind === pop) {
        if (this.unmoved(data, at, first, last, frame)) return true;
      } else if (kind === plainRet) {
        if (mayReturn) return this.plainReturn(at);
      } else if (at + 1 < last) {
        const next = beginnings[data[at + 1]!]!;
        if (next === pop ? this.unmoved(data, at, first, last, frame) : next === move && this.afterMove(data, at, first, last, frame)) return true;
      }
    }
    return false;
  }

  /** Takes a `ret` that nothing of an epilog comes before. */
  private plainReturn(at: number): true {
    this.start = at;
    this.end = at + 1;
    this.returnBytes = 0;
    this.steps = 1;
    this.stepAt[0] = at;
    this.popped[0] = -1;
    this.pops = 0;
    this.move = "none";
    return true;
  }

  /** Whether an epilog begins with an instruction that moves rsp. */
  private afterMove(data: Uint8Array, at: number, first: number, last: number, frame: X64Frame): boolean {
    const rex = data[at]!;
    if (at + 3 > last || (rex & 8) === 0) return false;
    const operation = data[at + 1]!;
    const operand = data[at + 2]!;
    /** Bytes from rsp after the instruction up to the CFA; NaN when it moves rsp to where only the code knows. */
    let distance = Number.NaN;
    let next = at + 3;
    if ((operation === 0x83 || operation === 0x81) && operand === 0xc4) {
      const wide = operation === 0x81;
      next += wide ? 4 : 1;
      if (rex !== 0x48 || next > last) return false;
      distance = frame.total + 8 - (wide ? i32(data, at + 3) : i8(data, at + 3));
    } else if (operation === 0x8d && (rex & 4) === 0 && ((operand & 0xf8) === 0x60 || (operand & 0xf8) === 0xa0) && (operand & 7) !== 4) {
      const wide = (operand & 0xc0) === 0x80;
      next += wide ? 4 : 1;
      if (next > last) return false;
      if (((operand & 7) | ((rex & 1) << 3)) === frame.frameRegister) distance = frame.frameDistance + 8 - (wide ? i32(data, at + 3) : i8(data, at + 3));
    } else if (operation === 0x8b && (rex & 4) === 0 && (operand & 0xf8) === 0xe0) {
      if (((operand & 7) | ((rex & 1) << 3)) === frame.frameRegister) distance = frame.frameDistance + 8;
    } else if (operation === 0x89 && (rex & 1) === 0 && (operand & 0xc7) === 0xc4) {
      if ((((operand >>> 3) & 7) | ((rex & 4) << 1)) === frame.frameRegister) distance = frame.frameDistance + 8;
    } else return false;
    this.start = at;
    this.move = Number.isNaN(distance) ? "unknown" : operation === 0x83 || operation === 0x81 ? "add" : "frame";
    return this.parse(data, next, first, last) && this.fits(frame) && (this.move === "unknown" ? this.isReturn : distance === this.pops * 8 + 8);
  }

  /** Whether an epilog begins with a pop. */
  private unmoved(data: Uint8Array, at: number, first: number, last: number, frame: X64Frame): boolean {
    this.start = at;
    this.move = "none";
    if (!this.parse(data, at, first, last) || this.pops === 0 || this.popped[0]! < 0 || !this.fits(frame)) return false;
    // What moved rsp before is not known unless the prolog only pushed.
    return this.isReturn || (frame.total === this.pops * 8 && !this.isUnmarked && !isVolatile(this.popped[0]!));
  }

  /** Reads pops and what leaves the function. */
  private parse(data: Uint8Array, from: number, first: number, last: number): boolean {
    let at = from;
    this.pops = 0;
    for (let step = 0; step < stepsMax; step++) {
      this.stepAt[step] = at;
      this.popped[step] = -1;
      if (at >= last) return false;
      const rex = (data[at]! & 0xf0) === 0x40 ? data[at]! : 0;
      const place = rex === 0 ? at : at + 1;
      const byte = place < last ? data[place]! : 0;
      if (byte >= 0x58 && byte <= 0x5f) {
        this.popped[step] = (byte & 7) | ((rex & 1) << 3);
        this.pops++;
        at = place + 1;
      } else if (byte === 0xc5 && at + 3 <= last && data[at + 1] === 0xf8 && data[at + 2] === 0x77) at += 3;
      else {
        this.steps = step + 1;
        this.end = this.leaves(data, at, place, first, last);
        return this.end > 0;
      }
    }
    return false;
  }

  /** The end of the instruction that leaves the function; 0 for any other one. */
  private leaves(data: Uint8Array, at: number, place: number, first: number, last: number): number {
    this.returnBytes = 0;
    this.isUnmarked = false;
    const byte = data[place]!;
    // The prefixes of a return say nothing to the processor: an old one's prediction, a newer one's bounds.
    const isPrefixed = (byte === 0xf3 || byte === 0xf2) && place === at && place + 2 <= last && data[place + 1] === 0xc3;
    this.isReturn = byte === 0xc3 || isPrefixed;
    if (this.isReturn) return isPrefixed ? place + 2 : place + 1;
    if (byte === 0xc2 && place + 3 <= last) {
      this.returnBytes = data[place + 1]! | (data[place + 2]! << 8);
      return place + 3;
    }
    if (byte === 0xeb && place + 2 <= last) return this.target(place + 2, i8(data, place + 1), first, last);
    if (byte === 0xe9 && place + 5 <= last) return this.target(place + 5, i32(data, place + 1), first, last);
    if (byte !== 0xff || place + 2 > last || (data[place + 1]! & 0x38) !== 0x20) return 0;
    this.isUnmarked = place === at || (data[at]! & 8) === 0;
    const end = place + 2 + memoryBytes(data, place + 1, last);
    return end <= last ? end : 0;
  }

  /** The end of a jump if it leaves the function, or begins it anew; 0 when it goes to where no code is. */
  private target(end: number, distance: number, first: number, last: number): number {
    const to = end + distance;
    return (to > first && to < last) || to < this.codeStart || to >= this.codeEnd ? 0 : end;
  }

  /** Whether each pop finds its own register where the prolog put it. */
  private fits(frame: X64Frame): boolean {
    let distance = this.pops * 8 + 8;
    for (let step = 0; step < this.steps; step++) {
      const register = this.popped[step]!;
      if (register < 0) continue;
      if (frame.savedDistance(register) !== distance && !isVolatile(register)) return false;
      distance -= 8;
    }
    return true;
  }
}

/** Whether a register is one that a function need not preserve. */
export function isVolatile(register: number): boolean {
  return ((volatileRegisters >>> register) & 1) !== 0;
}

/** Bytes of an operand beyond its ModRM byte. */
function memoryBytes(data: Uint8Array, at: number, last: number): number {
  const mode = data[at]! >>> 6;
  const base = data[at]! & 7;
  if (mode === 3) return 0;
  const hasScale = base === 4;
  const hasFar = mode === 2 || (mode === 0 && (base === 5 || (hasScale && at + 1 < last && (data[at + 1]! & 7) === 5)));
  return (hasScale ? 1 : 0) + (hasFar ? 4 : mode === 1 ? 1 : 0);
}

function i8(data: Uint8Array, at: number): number {
  return (data[at]! << 24) >> 24;
}

function i32(data: Uint8Array, at: number): number {
  return data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24);
}
