// Random arm64 functions: prologs as compilers may write them, coded in one of
// the ways that there are, run by a machine (arm64-machine.ts) that a walk must
// follow back from every instruction.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arm64Image, codeRva, compileArm64, xdataRecord, xdataRva } from "./arm64-image.ts";
import { wrongPlaces, type Step } from "./arm64-machine.ts";

type Save = Extract<Step, { kind: "save" }>;

/** Chooses by a number that fast-check gives, so that a failure can be had again. */
class Choice {
  private state: number;
  constructor(seed: number) {
    this.state = seed >>> 0;
  }
  /** 0 to below `count`. */
  below(count: number): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * count);
  }
  isOneIn(count: number): boolean {
    return this.below(count) === 0;
  }
}

/** Groups of registers, each saved by one instruction; no register twice. */
function groups(choice: Choice): number[][] {
  const chosen: number[][] = [];
  let lrIsSaved = choice.isOneIn(4);
  const chain = !lrIsSaved && !choice.isOneIn(3);
  lrIsSaved ||= chain;
  for (let register = 19; register <= 28 && !choice.isOneIn(5); ) {
    if (register < 28 && !choice.isOneIn(4)) {
      chosen.push([register, register + 1]);
      register += 2;
    } else if (!lrIsSaved && register % 2 === 1 && choice.isOneIn(2)) {
      chosen.push([register, 30]);
      lrIsSaved = true;
      register += 1;
    } else chosen.push([register++]);
  }
  for (let register = 108; register < 115 && choice.isOneIn(2); register += 2) chosen.push(choice.isOneIn(3) ? [register] : [register, register + 1]);
  if (choice.isOneIn(6)) chosen.push([0, 1]);
  if (chain) chosen.splice(choice.below(chosen.length + 1), 0, [29, 30]);
  else if (lrIsSaved && !chosen.some((group) => group.includes(30))) chosen.push([30]);
  return chosen;
}

/** A prolog: room, saves in it, perhaps fp, perhaps more room with saves. */
function randomProlog(choice: Choice): Step[] {
  const steps: Step[] = [];
  const all = groups(choice);
  if (choice.isOneIn(5)) steps.push({ kind: "nop" });
  while (all.length > 0) {
    const here = all.splice(0, 1 + choice.below(all.length));
    const saved = here.reduce((sum, group) => sum + group.length * 8, 0);
    const room = Math.ceil((saved + choice.below(120)) / 16) * 16;
    let at = Math.floor(choice.below(room - saved + 1) / 16) * 16;
    const isStored = choice.isOneIn(2) && room <= 248;
    if (isStored) at = 0;
    else steps.push({ kind: "room", bytes: room });
    for (const [i, registers] of here.entries()) {
      steps.push({ kind: "save", registers, at, room: isStored && i === 0 ? room : 0 });
      at += registers.length * 8;
      if (registers.includes(29) && choice.isOneIn(2)) steps.push({ kind: "fp", above: choice.isOneIn(2) ? 0 : 8 * choice.below(20) });
    }
  }
  if (choice.isOneIn(2)) steps.push({ kind: "room", bytes: 16 * [1, 31, 32, 0x7ff][choice.below(4)]! });
  return steps;
}

const high = (word: number): number[] => [word >>> 8, word & 0xff];

/** The code of a save, as the document has it, or in the general form. */
function saveCode({ registers, at, room }: Save, choice: Choice): number[] {
  const [first = 0, second] = registers;
  const z = room > 0 ? room / 8 - 1 : at / 8;
  const isPair = second !== undefined;
  if (first < 19) return room > 0 ? allocation(room) : [0xe3];
  if (first >= 100) {
    const d = first - 108;
    if (isPair) return high((room > 0 ? 0xda00 : 0xd800) | (d << 6) | z);
    return high(room > 0 ? 0xde00 | (d << 5) | z : 0xdc00 | (d << 6) | z);
  }
  if (first === 29) return room > 0 ? [0x80 | z] : [0x40 | z];
  if (second === 30 && first !== 29) return [...high(0xd600 | (((first - 19) / 2) << 6) | at / 8), ...(room > 0 ? allocation(room) : [])];
  const isGeneral = choice.isOneIn(4) && (isPair || room > 0 ? (room > 0 ? room : at) % 16 === 0 : true);
  if (isGeneral) return [0xe7, first | (isPair ? 0x40 : 0) | (room > 0 ? 0x20 : 0), room > 0 ? room / 16 - 1 : isPair ? at / 16 : at / 8];
  if (isPair) return first === 19 && room > 0 && room <= 248 && choice.isOneIn(2) ? [0x20 | (room / 8)] : high((room > 0 ? 0xcc00 : 0xc800) | ((first - 19) << 6) | z);
  return high(room > 0 ? 0xd400 | ((first - 19) << 5) | z : 0xd000 | ((first - 19) << 6) | z);
}

function allocation(bytes: number): number[] {
  return bytes < 512 ? [bytes / 16] : bytes < 32768 ? high(0xc000 | (bytes / 16)) : [0xe0, bytes >>> 20, (bytes >>> 12) & 0xff, (bytes >>> 4) & 0xff];
}

/** Whether a save is of the pair that follows another's in the next 16 bytes. */
function follows(step: Step, before: Step | undefined): boolean {
  if (step.kind !== "save" || before?.kind !== "save" || step.room > 0 || step.registers.length !== 2 || before.registers.length !== 2) return false;
  const [first, second] = step.registers;
  return second === first! + 1 && first! >= 21 && first! <= 27 && before.registers[0] === first! - 2 && before.registers[1] === first! - 1 && step.at === before.at + 16;
}

/** The codes of a prolog, last instruction first, with `end`. */
function codesOf(prolog: readonly Step[], choice: Choice): number[] {
  const codes = prolog.map((step, i) => {
    if (step.kind === "nop") return [choice.isOneIn(2) ? 0xe3 : 0xfc];
    if (step.kind === "room") return allocation(step.bytes);
    if (step.kind === "fp") return step.above === 0 && choice.isOneIn(2) ? [0xe1] : [0xe2, step.above / 8];
    return follows(step, prolog[i - 1]) && choice.isOneIn(2) ? [0xe6] : saveCode(step, choice);
  });
  return [...codes.toReversed().flat(), 0xe4];
}

/** A store of x19 with lr that makes room has no code of its own; the room is taken before it. */
const coded = (prolog: readonly Step[]): Step[] =>
  prolog.flatMap((step): Step[] => (step.kind === "save" && step.room > 0 && step.registers[1] === 30 && step.registers[0] !== 29 ? [{ kind: "room", bytes: step.room }, { ...step, room: 0 }] : [step]));

function check(seed: number): string[] {
  const choice = new Choice(seed);
  const prolog = coded(randomProlog(choice));
  const codes = codesOf(prolog, choice);
  const bodyLength = 1 + choice.below(4);
  const hasEpilog = !choice.isOneIn(4);
  // Where fp is the last that refers to sp, the body may lower sp as it likes.
  const fpAt = prolog.findIndex(({ kind }) => kind === "fp");
  const isFree = fpAt >= 0 && prolog.slice(fpAt + 1).every(({ kind }) => kind === "room");
  const lowered = isFree && choice.isOneIn(2) ? 16 * choice.below(40) : 0;
  const length = prolog.length + bodyLength + (hasEpilog ? prolog.length + 1 : 0);
  const isListed = choice.isOneIn(2);
  const epilogs = !hasEpilog ? [] : isListed ? ([[prolog.length + bodyLength, 0]] as const) : { last: 0 };
  const isLarge = codes.length > 124 || (Array.isArray(epilogs) && choice.isOneIn(3));
  const record = xdataRecord(length, codes, epilogs, isLarge);
  const { symbols, warnings } = compileArm64(arm64Image({ pdata: [[codeRva, xdataRva]], xdata: record, codeBytes: 0x1000 }));
  if (Object.keys(warnings).length > 0) return [JSON.stringify(warnings)];
  return wrongPlaces(symbols, codeRva, prolog, bodyLength, hasEpilog ? prolog : null, lowered);
}

describe("random arm64 functions", () => {
  it("are unwound from every instruction to where they were entered", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (seed) => {
        expect(check(seed)).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  }, 60_000);

  it("occur in every form", () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 400; seed++) {
      const choice = new Choice(Math.imul(seed, 0x9e3779b1));
      const prolog = coded(randomProlog(choice));
      const codes = codesOf(prolog, choice);
      for (const name of ["e1", "e2", "e3", "e6", "e7", "fc"]) if (codes.includes(Number.parseInt(name, 16))) seen.add(name);
      for (const step of prolog) seen.add(step.kind === "save" ? `save ${step.registers.length}${step.room > 0 ? " with room" : ""}` : step.kind);
    }
    expect([...seen].toSorted()).toEqual(["e1", "e2", "e3", "e6", "e7", "fc", "fp", "nop", "room", "save 1", "save 1 with room", "save 2", "save 2 with room"]);
  });
});

describe("any bytes as unwind data", () => {
  it("are rows or nothing, and no more rows than instructions", () => {
    const entry = fc.tuple(
      fc.integer({ min: 0, max: 300 }).map((place) => codeRva + place * 2),
      fc.oneof(fc.integer({ min: 0, max: 60 }).map((place) => xdataRva + place * 4), fc.nat(0x7fff_ffff)),
    );
    // Codes with a meaning are rare among all bytes.
    const record = fc.array(fc.oneof(fc.nat(255), fc.integer({ min: 0xe0, max: 0xed }), fc.constantFrom(0, 1, 8, 0x21)), { minLength: 4, maxLength: 260 });
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 40 }), record, fc.nat(2000), (entries, bytes, codeBytes) => {
        const pdata = entries.toSorted(([a], [b]) => a - b);
        const { symbols } = compileArm64(arm64Image({ pdata, xdata: Uint8Array.from(bytes), codeBytes }));
        let rows = 0;
        while (symbols.rowStart(rows) !== 0xffff_ffff) {
          const start = symbols.rowStart(rows++);
          expect(start <= codeRva + codeBytes).toBe(true);
          const row = symbols.unwindRow(start);
          if (row >= 0) expect((symbols.rowRule(row) + 1) * 21).toBeLessThanOrEqual(Math.max(symbols.rules.length, 21));
        }
        expect(rows).toBeLessThanOrEqual(codeBytes / 4 + entries.length + 1);
      }),
      { numRuns: 500 },
    );
  });
});
