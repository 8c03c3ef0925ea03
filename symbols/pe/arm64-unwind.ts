// The unwind data of arm64 programs for Windows, as unwind rows.
//
// What: `.pdata` has eight bytes for each function that is not a leaf: where it
// begins, and either a packed word for a canonical frame (arm64-packed.ts) or
// the address of a record in `.xdata` (arm64-xdata.ts). Both say with codes how
// its prolog is undone. Why: Windows unwinds with them from any instruction, so
// they are exact, where frame pointers skip and scans invent.
//
// A function gets one row for each instruction of its prolog, one for its body,
// and one for each instruction of each epilog (arm64-rules.ts makes the rules):
//
//     prolog, n codes    before its instruction i only the last i codes hold
//     body               all codes hold
//     epilog             at its instruction k the first k are done
//
// A run with end_c continues with the codes of the fragment that it was cut
// from: in the body they hold too, and they have no instructions here. What
// comes after an epilog is body again. Where prolog and epilogs overlap, the
// one that comes first wins, as in Windows' own unwinder.
//
// Limits: a function counts as far as its section has bytes, and only if it
// begins where the one before it ended or later, so that there are no more rows
// than instructions. Records that make no sense are left out and counted
// (`malformedUnwind`); functions that overlap another too (`overlappingCfi`).
import type { ModuleBuilder } from "../cache/module-builder.ts";
import { instructionPlaces, runCodes } from "./arm64-codes.ts";
import { unpackUnwind } from "./arm64-packed.ts";
import { Arm64Rules } from "./arm64-rules.ts";
import { type Arm64Xdata, lastEpilog, readArm64Xdata, wordAt } from "./arm64-xdata.ts";
import { directory, type PeImage } from "./image.ts";
import { RvaWindow } from "./rva-window.ts";

/** Bytes of an entry of `.pdata`. */
const entryBytes = 8;
/** Bytes of unwind codes of one record, at most: 255 words. */
const codesMax = 1020;
/** Codes that are gone through, for each byte of the file and for the smallest; real ones need less than one. */
const [workPerByte, workMin] = [16, 4_000_000];

/** Adds the rows of all functions that an arm64 image's exception directory lists. Throws what `fs` throws. */
export function addArm64Unwind(image: PeImage, builder: ModuleBuilder): void {
  const { rva, size } = image.directory(directory.exceptions);
  const rows = new FunctionRows(builder);
  const entries = new RvaWindow(image);
  const records = new RvaWindow(image);
  let covered = 0;
  for (let at = 0; at + entryBytes <= size; at += entryBytes) {
    const place = entries.place(rva + at, entryBytes);
    if (place < 0) {
      builder.warn("malformedUnwind");
      return;
    }
    const start = wordAt(entries.data, place);
    const word = wordAt(entries.data, place + 4);
    // Linkers leave room at the table's end.
    if (start === 0 && word === 0) continue;
    if (start < covered) {
      builder.warn("overlappingCfi");
      continue;
    }
    const room = start % 4 === 0 ? codeEnd(image, start) : 0;
    const unwind = room === 0 ? null : (word & 3) === 0 ? readArm64Xdata(records, word) : unpacked(word);
    const end = unwind === null ? 0 : Math.min(start + unwind.length * 4, room);
    if (unwind === null || end < start + 4) {
      builder.warn("malformedUnwind");
      continue;
    }
    if (rows.work > image.bytes.size * workPerByte + workMin) {
      builder.warn("malformedUnwind");
      return;
    }
    rows.add(start, (end - start) >>> 2, unwind);
    covered = end;
  }
}

/** End of the executable bytes that an instruction's address is in; 0 where the file has none. */
function codeEnd(image: PeImage, rva: number): number {
  const section = image.sectionAt(rva, 4);
  const end = section === null || !section.executable ? 0 : section.rva + Math.min(section.stored, section.size);
  return end < rva + 4 ? 0 : end;
}

function unpacked(word: number): Arm64Xdata | null {
  const packed = unpackUnwind(word);
  if (packed === null) return null;
  const { length, codes, epilog } = packed;
  return { length, codes, epilogs: epilog < 0 ? new Uint32Array(0) : lastEpilog(length, codes, epilog) };
}

/** Writes the rows of one function after the other. */
class FunctionRows {
  /** Codes and epilogs that were gone through so far. */
  work = 0;
  private readonly builder: ModuleBuilder;
  private readonly rules: Arm64Rules;
  private readonly places = new Int32Array(runCodes + 2);
  /** The rule of the run from each place on; -1 while it was not asked for. */
  private readonly ruleAt = new Int32Array(codesMax + 1);

  constructor(builder: ModuleBuilder) {
    this.builder = builder;
    this.rules = new Arm64Rules(builder.rules);
  }

  /** Adds the rows of a function of `count` instructions. */
  add(start: number, count: number, { codes, epilogs }: Arm64Xdata): void {
    const { unwind } = this.builder;
    const { places, ruleAt } = this;
    ruleAt.fill(-1, 0, codes.length + 1);
    this.work += codes.length + epilogs.length;
    unwind.begin(start, start + count * 4);
    const body = this.rule(codes, 0);
    const prolog = instructionPlaces(codes, 0, places);
    if (prolog < 0) this.builder.warn("malformedUnwind");
    /** The first instruction that has no row yet. */
    let next = Math.min(Math.max(prolog, 0), count);
    for (let i = 0; i < next; i++) unwind.add(start + i * 4, this.rule(codes, places[prolog - i]!));
    if (next < count) unwind.add(start + next * 4, body);
    for (let i = 0; i < epilogs.length; i += 2) {
      const first = epilogs[i]!;
      const at = epilogs[i + 1]!;
      if (first >= count) continue;
      const steps = at < codes.length ? instructionPlaces(codes, at, places) : -1;
      this.work += Math.max(steps, 0);
      // The instruction that returns or jumps belongs to it.
      const end = Math.min(first + steps + 1, count);
      if (steps < 0 || end <= next) continue;
      next = Math.max(next, first);
      for (; next < end; next++) unwind.add(start + next * 4, this.rule(codes, places[next - first]!));
      if (next < count) unwind.add(start + next * 4, body);
    }
  }

  private rule(codes: Uint8Array, at: number): number {
    const known = this.ruleAt[at]!;
    return known >= 0 ? known : (this.ruleAt[at] = this.rules.ruleOf(codes, at));
  }
}
