// Prologs and epilogs of x86 and amd64 functions, found in their code: what
// compact unwind information does not say, since no exception comes from there.
// A crash does, most of all the one whose stack has no room left for a frame.
//
// What compilers for Apple's systems write is always the same:
//
//     push rbp            cfa = rsp + 16
//     mov rbp, rsp        cfa = rbp + 16 from here on
//     push r14            r14 = [cfa - 24]
//     sub rsp, 32
//     …
//     add rsp, 32
//     pop r14
//     pop rbp             cfa = rsp + 8
//     ret
//
// and without a frame pointer the same without the second. From the first
// instruction on, pushes and the like are followed until the state is what the
// encoding says of the body; only then is it believed. An epilog must pop just
// the registers that the body saved, in their order, and leave. Bytes in the
// middle of other instructions may look like that, and nobody runs those.
import type { RuleTable } from "../cache/rule-table.ts";
import { cfaKind, raKind, RULE_SLOT_WORDS, RULE_WORDS, saveKind, SLOTS } from "../cache/unwind-rule.ts";
import type { UnwindRowsBuilder } from "../cache/unwind-rows.ts";
import { registerFiles } from "../registers.ts";

/** By number in instructions: ours. */
const registers = { amd64: [0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15], x86: [0, 1, 2, 3, 4, 5, 6, 7] } as const;
/** Instructions that are looked at for a prolog, and rows of one prolog or epilog. */
const stepsMax = 16;
/** Bytes of a function before its prolog, at most. */
const delayMax = 64;

/** Adds rows of one function after the other. */
export class IntelCodeRows {
  private readonly rules: RuleTable;
  private readonly wide: boolean;
  private readonly bytes: 4 | 8;
  private readonly fp: number;
  private readonly sp: number;
  private readonly numbers: readonly number[];
  private readonly words = new Int32Array(RULE_WORDS);
  /** By register: its offset from the CFA; 0 when it is not saved. */
  private readonly saved = new Int32Array(SLOTS);
  /** From the stack pointer to the CFA. */
  private distance = 0;
  private isFramed = false;
  /** What the body saves, in the order in which it is popped. */
  private readonly popped = new Uint8Array(SLOTS);
  private pops = 0;
  /** What an epilog without pops adds to the stack pointer. */
  private added = 0;
  private readonly places = new Float64Array(stepsMax + 1);
  private readonly found = new Uint32Array(stepsMax + 1);

  constructor(rules: RuleTable, arch: "x86" | "amd64") {
    this.rules = rules;
    this.wide = arch === "amd64";
    this.bytes = registerFiles[arch].wordBytes;
    this.fp = registerFiles[arch].fp;
    this.sp = registerFiles[arch].sp;
    this.numbers = registers[arch];
  }

  /** Adds the rows of a function whose code is given, to the record that has begun; `body` are the words of the rule of its body. */
  add(start: number, code: Uint8Array, body: Int32Array, bodyRule: number, unwind: UnwindRowsBuilder): void {
    const prolog = this.addProlog(start, code, body, bodyRule, unwind);
    if (!this.readPops(body)) return;
    const first = this.firstByte();
    for (let at = code.indexOf(first, prolog); at >= 0; at = code.indexOf(first, at + 1)) {
      const next = this.epilogAt(code, at);
      if (next === 0) continue;
      this.addEpilog(start, code, at, next, unwind);
      if (next < code.length) unwind.add(start + next, bodyRule);
      at = next - 1;
    }
  }

  /** Adds the rows of the prolog and the body's first; returns where the body begins. */
  private addProlog(start: number, code: Uint8Array, body: Int32Array, bodyRule: number, unwind: UnwindRowsBuilder): number {
    this.saved.fill(0);
    this.distance = this.bytes;
    this.isFramed = false;
    let at = this.entryOf(code, body);
    let rows = 0;
    if (at > 0) {
      this.places[rows] = 0;
      this.found[rows++] = this.rule();
    }
    while (!this.isBody(body) && rows < stepsMax) {
      this.places[rows] = at;
      this.found[rows++] = this.rule();
      const next = this.step(code, at);
      if (next < 0) break;
      at = next;
    }
    const isPassed = this.isBody(body);
    for (let i = 0; isPassed && i < rows; i++) unwind.add(start + this.places[i]!, this.found[i]!);
    const end = isPassed ? at : 0;
    if (end < code.length) unwind.add(start + end, bodyRule);
    return end;
  }

  /** Where the prolog begins: behind the test, perhaps, whether a frame is needed at all. */
  private entryOf(code: Uint8Array, body: Int32Array): number {
    if (((body[0]! >>> 8) & 0xff) !== this.fp) return 0;
    const last = Math.min(delayMax, code.length - 4);
    for (let at = 0; at <= last; at++) {
      if (code[at] !== 0x55) continue;
      const move = this.wide ? at + 2 : at + 1;
      if ((!this.wide || code[at + 1] === 0x48) && ((code[move] === 0x89 && code[move + 1] === 0xe5) || (code[move] === 0x8b && code[move + 1] === 0xec))) return at;
    }
    return 0;
  }

  /** Runs an instruction of a prolog and returns where the next is; -1 when it is none. */
  private step(code: Uint8Array, at: number): number {
    const first = at < code.length ? code[at]! : 0;
    const rex = this.wide && (first & 0xf0) === 0x40 ? first : 0;
    const place = rex === 0 ? at : at + 1;
    if (place + 6 > code.length) return -1;
    const operation = code[place]!;
    const operand = code[place + 1]!;
    if ((operation & 0xf8) === 0x50 && (rex & ~1) === (rex === 0 ? 0 : 0x40)) {
      this.distance += this.bytes;
      const register = this.numbers[(operation & 7) | ((rex & 1) << 3)]!;
      if (register !== this.sp && this.saved[register] === 0) this.saved[register] = -this.distance;
      return place + 1;
    }
    if (operation === 0xf3 && operand === 0x0f && code[place + 2] === 0x1e && rex === 0) return place + 4;
    if (rex !== (this.wide ? 0x48 : 0)) return -1;
    // mov rbp, rsp in both forms.
    if ((operation === 0x89 && operand === 0xe5) || (operation === 0x8b && operand === 0xec)) {
      this.isFramed = this.distance === this.bytes * 2 && this.saved[this.fp] === -this.distance;
      return this.isFramed ? place + 2 : -1;
    }
    if (operand !== 0xec || (operation !== 0x83 && operation !== 0x81)) return -1;
    this.distance += operation === 0x83 ? (code[place + 2]! << 24) >> 24 : i32(code, place + 2);
    return this.distance > 0 && this.distance < 0x4000_0000 ? place + (operation === 0x83 ? 3 : 6) : -1;
  }

  /** Whether the state is that of the body. */
  private isBody(body: Int32Array): boolean {
    const base = (body[0]! >>> 8) & 0xff;
    if (base === this.fp ? !this.isFramed : this.distance !== body[1]) return false;
    for (let slot = 0, saves = body[4]!; saves !== 0; slot++, saves >>>= 2) {
      if ((saves & 3) === saveKind.atCfa && this.saved[slot] !== body[RULE_SLOT_WORDS + slot]) return false;
    }
    return true;
  }

  /** Puts the body's saved registers into the order in which they are popped; false when there are none and the frame has no room, or they do not lie side by side below the return address. */
  private readPops(body: Int32Array): boolean {
    const { popped, bytes } = this;
    this.pops = 0;
    for (let saves = body[4]!; saves !== 0; saves >>>= 2) if ((saves & 3) === saveKind.atCfa) this.pops++;
    popped.fill(SLOTS);
    for (let slot = 0, saves = body[4]!; saves !== 0; slot++, saves >>>= 2) {
      if ((saves & 3) !== saveKind.atCfa) continue;
      // The one that was pushed first is popped last.
      const depth = -body[RULE_SLOT_WORDS + slot]! / bytes - 2;
      if (depth < 0 || depth >= this.pops || popped[this.pops - 1 - depth] !== SLOTS) return false;
      popped[this.pops - 1 - depth] = slot;
    }
    this.added = this.pops > 0 || ((body[0]! >>> 8) & 0xff) !== this.sp ? 0 : body[1]! - bytes;
    return this.pops > 0 || this.added > 0;
  }

  /** What epilogs begin with. */
  private firstByte(): number {
    if (this.added !== 0) return this.wide ? 0x48 : this.added < 0x80 ? 0x83 : 0x81;
    const number = this.numbers.indexOf(this.popped[0]!);
    return number < 8 ? 0x58 + number : 0x41;
  }

  /** The end of the epilog that begins at a place, with its first pop or what stands for it; 0 when there is none. */
  private epilogAt(code: Uint8Array, from: number): number {
    const moved = this.added === 0 ? 0 : this.addBytes(code, from);
    if (this.added !== 0 && moved === 0) return 0;
    let at = from + moved;
    for (let i = 0; i < this.pops; i++) {
      const length = this.popBytes(code, at, this.popped[i]!);
      if (length === 0) return 0;
      at += length;
    }
    const last = code[at];
    const second = code[at + 1];
    if (last === 0xc3) return at + 1;
    if (last === 0xc2) return at + 3;
    if (last === 0xeb && at + 2 <= code.length) return isOut(at + 2 + ((second! << 24) >> 24), code) ? at + 2 : 0;
    if (last === 0xe9 && at + 5 <= code.length) return isOut(at + 5 + i32(code, at + 1), code) ? at + 5 : 0;
    // Through a register, or a word beside the code.
    return last === 0xff && second !== undefined ? ((second & 0xf8) === 0xe0 ? at + 2 : second === 0x25 ? at + 6 : 0) : 0;
  }

  /** Bytes of the addition to the stack pointer at a place; 0 when it is not there. */
  private addBytes(code: Uint8Array, from: number): number {
    const at = this.wide ? from + 1 : from;
    if ((this.wide && code[from] !== 0x48) || code[at + 1] !== 0xc4 || at + 6 > code.length) return 0;
    if (code[at] === 0x83 && (code[at + 2]! << 24) >> 24 === this.added) return at + 3 - from;
    return code[at] === 0x81 && i32(code, at + 2) === this.added ? at + 6 - from : 0;
  }

  /** Bytes of the pop of a register at a place; 0 when it is not there. */
  private popBytes(code: Uint8Array, at: number, register: number): number {
    const number = this.numbers.indexOf(register);
    if (number < 8) return code[at] === 0x58 + number ? 1 : 0;
    return code[at] === 0x41 && code[at + 1] === 0x58 + number - 8 ? 2 : 0;
  }

  /** Adds the rows of an epilog: at its first pop, and after each one. */
  private addEpilog(start: number, code: Uint8Array, from: number, end: number, unwind: UnwindRowsBuilder): void {
    const { bytes, saved, popped, pops } = this;
    saved.fill(0);
    this.isFramed = false;
    for (let i = 0; i < pops; i++) saved[popped[i]!] = -(pops - i + 1) * bytes;
    let at = from + (this.added === 0 ? 0 : this.addBytes(code, from));
    for (let i = 0; i <= pops && at < end; i++) {
      this.distance = (pops - i + 1) * bytes;
      unwind.add(start + at, this.rule());
      if (i === pops) break;
      at += this.popBytes(code, at, popped[i]!);
      saved[popped[i]!] = 0;
    }
  }

  /** The number of the rule for the state. */
  private rule(): number {
    const { words, saved, bytes } = this;
    words.fill(0);
    words[0] = cfaKind.register | ((this.isFramed ? this.fp : this.sp) << 8);
    words[1] = this.isFramed ? bytes * 2 : this.distance;
    words[2] = raKind.atCfa;
    words[3] = -bytes;
    for (let slot = 0; slot < SLOTS; slot++) {
      // A push of a register that nobody preserves makes room.
      if (saved[slot] === 0 || !this.isPreserved(slot)) continue;
      words[4] = words[4]! | (saveKind.atCfa << (slot * 2));
      words[RULE_SLOT_WORDS + slot] = saved[slot]!;
    }
    return this.rules.add(words);
  }

  private isPreserved(register: number): boolean {
    return this.wide ? ((preserved64 >>> register) & 1) === 1 : ((preserved32 >>> register) & 1) === 1;
  }
}

const [preserved64, preserved32] = [registerFiles.amd64, registerFiles.x86].map(({ calleeSaved }) => calleeSaved.reduce((bits, register) => bits | (1 << register), 0)) as [number, number];

function i32(code: Uint8Array, at: number): number {
  return code[at]! | (code[at + 1]! << 8) | (code[at + 2]! << 16) | (code[at + 3]! << 24);
}

function isOut(target: number, code: Uint8Array): boolean {
  return target < 0 || target >= code.length;
}
