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

/** What became of a record. */
export type WinOutcome = "kept" | "mended" | "dropped";

/** Bytes that a record tells of, in the order of a shape: prolog, epilog, parameters, saved registers, locals, most of the stack. */
export type WinSizes = readonly [prolog: number, epilog: number, parameters: number, saved: number, locals: number, maxStack: number];

/** Collects the records of one module. */
export class WinRecords {
  private readonly rules: RuleTable;
  /** By text: index of the program's expression, -1 when it cannot be compiled. */
  private readonly compiled = new Map<string, number>();
  private readonly shapes = new Map<string, number>();
  private readonly shapeWords: number[] = [];
  private readonly programs = new Uint32List(96);
  private readonly fpo = new Uint32List(96);

  constructor(rules: RuleTable) {
    this.rules = rules;
  }

  /** Adds a record with a program for the addresses from `start`; sizes below 2^31, the range not empty and below 2^32. */
  addProgram(start: number, size: number, sizes: WinSizes, text: string): WinOutcome {
    let program = this.compiled.get(text);
    if (program === undefined) {
      const words = compileWinProgram(text);
      program = words === null ? -1 : this.rules.addExpression(words);
      this.compiled.set(text, program);
    }
    return insert(this.programs, start, size, this.shape([...sizes, program, text.includes("@") ? 2 : 0]));
  }

  /** Adds an FPO record. */
  addFpo(start: number, size: number, sizes: WinSizes, allocatesBasePointer: boolean): WinOutcome {
    return insert(this.fpo, start, size, this.shape([...sizes, -1, allocatesBasePointer ? 1 : 0]));
  }

  /** The sections `winPrograms`, `winFpo` and `winShapes`, and how many records were dropped for overlapping. */
  finish(): { readonly programs: Uint32Array; readonly fpo: Uint32Array; readonly shapes: Int32Array; readonly overlaps: number } {
    const programs = disjoint(this.programs.view());
    const fpo = disjoint(this.fpo.view());
    return { programs, fpo, shapes: Int32Array.from(this.shapeWords), overlaps: (this.programs.length + this.fpo.length - programs.length - fpo.length) / 3 };
  }

  private shape(words: readonly number[]): number {
    const key = words.join(" ");
    let index = this.shapes.get(key);
    if (index === undefined) {
      index = this.shapeWords.length / WIN_SHAPE_WORDS;
      this.shapes.set(key, index);
      this.shapeWords.push(...words);
    }
    return index;
  }
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
