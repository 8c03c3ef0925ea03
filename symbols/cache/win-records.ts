// How 32-bit Windows code sets up its frames, record by record: what STACK WIN
// lines of symbol files and the frame data of PDBs say. Type 4 has a program,
// type 0 (FPO) the fixed rules of omitted frame pointers.
//
// PDBs hold several overlapping records for one function, each right from its
// start on; the mending is rust-minidump's (parser.rs): a record that begins
// inside the one before it ends that one early, one with the same range as
// another is dropped, and so is one that begins before.
import { Uint32List } from "./growable-array.ts";
import { WIN_SHAPE_WORDS } from "./layout.ts";
import type { RuleTable } from "./rule-table.ts";
import { compileWinProgram } from "./win-program.ts";

/** Words of all programs' expressions; the largest 32-bit browser needs a tenth. Programs beyond are as those that cannot be compiled. */
const programWordsMax = 4_000_000;

/** What became of a record. */
export type WinOutcome = "kept" | "mended" | "dropped";

/** Bytes that a record tells of, in the order of a shape: prolog, epilog, parameters, saved registers, locals, most of the stack. */
export type WinSizes = readonly [prolog: number, epilog: number, parameters: number, saved: number, locals: number, maxStack: number];

/** Collects the records of one module. */
export class WinRecords {
  private readonly rules: RuleTable;
  /** By text: twice the index of the program's expression (-1 when it cannot be compiled), and 1 more when it aligns. */
  private readonly compiled = new Map<string, number>();
  private programWords = 0;
  private readonly shapes = new Uint32List(64 * WIN_SHAPE_WORDS);
  /** Number + 1 of a shape by its hash, open addressing; a power of two long. */
  private slots = new Uint32Array(1024);
  private readonly programs = new Uint32List(96);
  private readonly fpo = new Uint32List(96);

  constructor(rules: RuleTable) {
    this.rules = rules;
  }

  /** Adds a record with a program for the addresses from `start`; sizes below 2^31, the range not empty and below 2^32. */
  addProgram(start: number, size: number, sizes: WinSizes, text: string): WinOutcome {
    let program = this.compiled.get(text);
    if (program === undefined) {
      const words = this.programWords < programWordsMax ? compileWinProgram(text) : null;
      this.programWords += words?.length ?? 0;
      program = 2 * (words === null ? -1 : this.rules.addExpression(words)) + (text.includes("@") ? 1 : 0);
      this.compiled.set(text, program);
    }
    return insert(this.programs, start, size, this.shape(sizes, program >> 1, (program & 1) * 2));
  }

  /** Adds an FPO record. */
  addFpo(start: number, size: number, sizes: WinSizes, allocatesBasePointer: boolean): WinOutcome {
    return insert(this.fpo, start, size, this.shape(sizes, -1, allocatesBasePointer ? 1 : 0));
  }

  /** The sections `winPrograms`, `winFpo` and `winShapes`, and how many records were dropped for overlapping. */
  finish(): { readonly programs: Uint32Array; readonly fpo: Uint32Array; readonly shapes: Int32Array; readonly overlaps: number } {
    const programs = disjoint(this.programs.view());
    const fpo = disjoint(this.fpo.view());
    return { programs, fpo, shapes: new Int32Array(this.shapes.view()), overlaps: (this.programs.length + this.fpo.length - programs.length - fpo.length) / 3 };
  }

  /** The number of a shape: that of an equal one, or a new one. */
  private shape(sizes: WinSizes, program: number, flags: number): number {
    const [prolog, epilog, parameters, saved, locals, maxStack] = sizes;
    const { shapes } = this;
    // The words are put where a new shape would be, and stay there if they are one.
    shapes.reserve(WIN_SHAPE_WORDS);
    const { data, length } = shapes;
    data[length] = prolog;
    data[length + 1] = epilog;
    data[length + 2] = parameters;
    data[length + 3] = saved;
    data[length + 4] = locals;
    data[length + 5] = maxStack;
    data[length + 6] = program;
    data[length + 7] = flags;
    const mask = this.slots.length - 1;
    let slot = hashOf(data, length) & mask;
    for (let entry = this.slots[slot]!; entry !== 0; entry = this.slots[slot]!) {
      if (isSame(data, (entry - 1) * WIN_SHAPE_WORDS, length)) return entry - 1;
      slot = (slot + 1) & mask;
    }
    shapes.length += WIN_SHAPE_WORDS;
    const count = shapes.length / WIN_SHAPE_WORDS;
    this.slots[slot] = count;
    if (count * 2 > this.slots.length) this.widen(count);
    return count - 1;
  }

  private widen(count: number): void {
    const slots = new Uint32Array(this.slots.length * 4);
    const mask = slots.length - 1;
    for (let shape = 0; shape < count; shape++) {
      let slot = hashOf(this.shapes.data, shape * WIN_SHAPE_WORDS) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = shape + 1;
    }
    this.slots = slots;
  }
}

function hashOf(words: Uint32Array, at: number): number {
  let hash = 0;
  for (let i = at; i < at + WIN_SHAPE_WORDS; i++) {
    hash = Math.imul(hash ^ words[i]!, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
}

function isSame(words: Uint32Array, a: number, b: number): boolean {
  for (let i = 0; i < WIN_SHAPE_WORDS; i++) if (words[a + i] !== words[b + i]) return false;
  return true;
}

/** Appends a record to a table, against the record before it in the file. */
function insert(table: Uint32List, start: number, size: number, shape: number): WinOutcome {
  let outcome: WinOutcome = "kept";
  const last = table.length - 3;
  if (last >= 0) {
    const lastStart = table.data[last]!;
    const lastSize = table.data[last + 1]!;
    if (start < lastStart + lastSize && lastStart < start + size) {
      if (start <= lastStart) return "dropped";
      table.data[last + 1] = start - lastStart;
      outcome = "mended";
    }
  }
  table.push(start);
  table.push(size);
  table.push(shape);
  return outcome;
}

/** A table in order of (first, last) address, without records that overlap one before. */
function disjoint(table: Uint32Array): Uint32Array {
  const count = table.length / 3;
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  order.sort((a, b) => table[a * 3]! - table[b * 3]! || table[a * 3 + 1]! - table[b * 3 + 1]! || a - b);
  const kept = new Uint32Array(table.length);
  let length = 0;
  let end = 0;
  for (const index of order) {
    const start = table[index * 3]!;
    if (start < end) continue;
    end = start + table[index * 3 + 1]!;
    kept.set(table.subarray(index * 3, index * 3 + 3), length);
    length += 3;
  }
  return kept.subarray(0, length);
}
