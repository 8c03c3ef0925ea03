// Packed unwind data of arm64: every canonical function is run, and a walk from
// each of its instructions must find the caller. The canonical prologs are
// written down here from Microsoft's "ARM64 exception handling", as
// instructions; the compiler knows them as codes.
import { describe, expect, it } from "vitest";
import { unpackUnwind } from "../../../symbols/pe/arm64-packed.ts";
import { arm64Image, codeRva, compileArm64, rowsText } from "./arm64-image.ts";
import { wrongPlaces, type Step } from "./arm64-machine.ts";

type Fields = { flag?: number; length: number; regF?: number; regI?: number; h?: number; cr?: number; frame: number };

const packed = ({ flag = 1, length, regF = 0, regI = 0, h = 0, cr = 0, frame }: Fields): number =>
  (flag | (length << 2) | (regF << 13) | (regI << 16) | (h << 20) | (cr << 21) | ((frame / 16) << 23)) >>> 0;

/** Bytes of the save area. */
const saveBytes = ({ regF = 0, regI = 0, h = 0, cr = 0 }: Fields): number => Math.ceil((regI * 8 + (cr === 1 ? 8 : 0) + (regF > 0 ? regF * 8 + 8 : 0) + h * 64) / 16) * 16;

/** The prolog that a packed word stands for, as the document has it step by step. */
function canonical(fields: Fields): Step[] {
  const { regF = 0, regI = 0, h = 0, cr = 0, frame } = fields;
  const saved = saveBytes(fields);
  const local = frame - saved;
  const steps: Step[] = cr === 2 ? [{ kind: "nop" }] : [];
  let isFirst = true;
  const save = (registers: number[], at: number): void => {
    steps.push({ kind: "save", registers, at, room: isFirst ? saved : 0 });
    isFirst = false;
  };
  for (let i = 0; i + 1 < regI; i += 2) save([19 + i, 20 + i], i * 8);
  if (regI % 2 === 1) save(cr === 1 ? [18 + regI, 30] : [18 + regI], (regI - 1) * 8);
  else if (cr === 1) save([30], regI * 8);
  const above = regI * 8 + (cr === 1 ? 8 : 0);
  const floats = regF > 0 ? regF + 1 : 0;
  for (let i = 0; i + 1 < floats; i += 2) save([108 + i, 109 + i], above + i * 8);
  if (floats % 2 === 1) save([107 + floats], above + (floats - 1) * 8);
  if (h === 1) for (let i = 0; i < 8; i += 2) save([i, i + 1], above + floats * 8 + i * 8);
  if (cr >= 2 && local <= 512) steps.push({ kind: "save", registers: [29, 30], at: 0, room: local });
  else {
    if (local > 4080) steps.push({ kind: "room", bytes: 4080 }, { kind: "room", bytes: local - 4080 });
    else if (local > 0) steps.push({ kind: "room", bytes: local });
    if (cr >= 2) steps.push({ kind: "save", registers: [29, 30], at: 0, room: 0 });
  }
  if (cr >= 2) steps.push({ kind: "fp", above: 0 });
  return steps;
}

const isHome = (step: Step): boolean => step.kind === "save" && step.registers[0]! < 8;

/** What its epilog undoes: all, but it does not load parameters, and need not set sp from fp. */
const undone = (prolog: readonly Step[]): Step[] =>
  prolog.flatMap((step): Step[] => (step.kind === "fp" ? [] : isHome(step) ? (step.kind === "save" && step.room > 0 ? [{ kind: "room", bytes: step.room }] : []) : [step]));

const symbolsOf = (word: number) => compileArm64(arm64Image({ pdata: [[codeRva, word]], codeBytes: 0x2000 })).symbols;

const savings = [0, 1, 2, 3].flatMap((cr) => [0, 1].flatMap((h) => Array.from({ length: 8 }, (_, regF) => ({ cr, h, regF })).flatMap((some) => Array.from({ length: 11 }, (_, regI) => ({ ...some, regI })))));

describe("packed unwind data", () => {
  it.each([
    ["of small frames", 0],
    ["with room that a store of fp and lr can just make", 512],
    ["with room that it cannot make", 528],
    ["with room that one instruction can just make", 4080],
    ["with room that takes two", 4096],
  ])("%s finds the caller from every instruction, whatever is saved", (_, local) => {
    // No canonical function saves x19 and lr alone: one store cannot.
    let next = codeRva;
    const functions = savings.filter(({ cr, regI }) => cr !== 1 || regI !== 1).map((saving) => {
      const fields = { ...saving, length: 0, frame: saveBytes({ ...saving, length: 0, frame: 0 }) + Math.max(local, saving.cr >= 2 ? 16 : 0) };
      const prolog = canonical(fields);
      const back = undone(prolog);
      const length = prolog.length + 2 + back.length + 1;
      next += length * 4;
      return { fields, prolog, back, start: next - length * 4, word: packed({ ...fields, length }) };
    });
    expect(functions).toHaveLength(688);
    const { symbols } = compileArm64(arm64Image({ pdata: functions.map(({ start, word }) => [start, word]) }));
    const wrong = functions.flatMap(({ fields, prolog, back, start }) => wrongPlaces(symbols, start, prolog, 2, back).map((line) => `${JSON.stringify(fields)} ${line}`));
    expect(wrong).toEqual([]);
  }, 60_000);

  it("of a fragment has all of the frame at each instruction", () => {
    const symbols = symbolsOf(packed({ flag: 2, length: 4, regI: 2, cr: 3, frame: 48 }));
    expect(rowsText({ symbols })).toEqual(["0* cfa = fp + 48, ra = [cfa - 40], x19 = [cfa - 16], x20 = [cfa - 8], fp = [cfa - 48]", "10 -"]);
  });

  // Example 1 of the document, word for word.
  it("is read as the document's example is", () => {
    expect(rowsText({ symbols: symbolsOf(0x416101ed) })).toEqual([
      "0* cfa = sp, ra = lr",
      "4 cfa = sp + 16, ra = lr, x19 = [cfa - 16]",
      "8 cfa = sp + 2080, ra = lr, x19 = [cfa - 16]",
      "c cfa = sp + 2080, ra = [cfa - 2072], x19 = [cfa - 16], fp = [cfa - 2080]",
      "10 cfa = fp + 2080, ra = [cfa - 2072], x19 = [cfa - 16], fp = [cfa - 2080]",
      "1dc cfa = sp + 2080, ra = [cfa - 2072], x19 = [cfa - 16], fp = [cfa - 2080]",
      "1e0 cfa = sp + 2080, ra = lr, x19 = [cfa - 16]",
      "1e4 cfa = sp + 16, ra = lr, x19 = [cfa - 16]",
      "1e8 cfa = sp, ra = lr",
      "1ec -",
    ]);
  });

  it.each([
    ["a frame that is smaller than what it saves", { length: 8, regI: 4, frame: 16 }],
    ["a chain without room for fp and lr", { length: 8, cr: 3, regI: 2, frame: 16 }],
    ["more registers than are preserved", { length: 8, regI: 11, frame: 256 }],
    ["no length", { length: 0, regI: 2, frame: 32 }],
    ["the reserved flag", { flag: 3, length: 8, regI: 2, frame: 32 }],
  ])("with %s is refused", (_, fields) => {
    expect(unpackUnwind(packed(fields))).toBeNull();
  });
});
