// ARM's unwind tables: made ones, those of the plugin against its call frame
// information for debuggers, and damaged ones.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { CALL_BYTES, endsWithCall } from "../../../stackwalk/unwind/call-instruction.ts";
import { addFrames } from "../../../symbols/dwarf/frames.ts";
import { addArmExidx } from "../../../symbols/elf/arm-exidx.ts";
import { damageAt, mutationCount } from "../../support/damage.ts";
import { randomFrom } from "../../support/minidump/mutation.ts";
import { rowAt } from "../dwarf/frame-sections.ts";
import { armCache, armTables, exidxCache, madeTables } from "./arm-tables.ts";

const fixture = (name: string): Buffer => readFileSync(resolve(import.meta.dirname, "../../../fixtures/out/elf", name, "halcyon.so"));

/** The rule of a function with these instructions. */
const ruleOf = (code: readonly number[]): string | null => {
  // Routine of the language, count of words, instructions.
  const words = [0x1000, ...wordsOf([Math.max(0, Math.ceil((code.length - 3) / 4)), ...code])];
  return rowAt(exidxCache(madeTables([{ start: 0x100, table: words }], 0x200)).cache, 0x100);
};

function wordsOf(bytes: readonly number[]): number[] {
  return Array.from({ length: Math.ceil(bytes.length / 4) }, (_, i) => [0, 1, 2, 3].reduce((word, k) => word * 256 + (bytes[i * 4 + k] ?? 0xb0), 0));
}

describe("instructions", () => {
  it.each([
    ["nothing", [], "cfa = sp, ra = lr"],
    ["sp + 4, sp + 256", [0x00, 0x3f], "cfa = sp + 260, ra = lr"],
    ["sp + 8, sp - 4", [0x01, 0x40], "cfa = sp + 4, ra = lr"],
    ["r4 to r7 and lr", [0xab], "cfa = sp + 20, ra = [cfa - 4], r4 = [cfa - 20], r5 = [cfa - 16], r6 = [cfa - 12], r7 = [cfa - 8]"],
    ["r4 to r6", [0xa2], "cfa = sp + 12, ra = lr, r4 = [cfa - 12], r5 = [cfa - 8], r6 = [cfa - 4]"],
    ["r4, r11, lr by mask", [0x84, 0x81], "cfa = sp + 12, ra = [cfa - 4], r4 = [cfa - 12], fp = [cfa - 8]"],
    ["pc by mask is believed before lr", [0x8c, 0x00], "cfa = sp + 8, ra = [cfa - 4]"],
    ["r0 and r3, then lr", [0xb1, 0x09, 0x84, 0x00], "cfa = sp + 12, ra = [cfa - 4], r0 = [cfa - 12], r3 = [cfa - 8]"],
    ["a frame pointer", [0x9b, 0x40, 0x84, 0x80], "cfa = fp + 4, ra = [cfa - 4], fp = [cfa - 8]"],
    ["Thumb's frame pointer, after a pop", [0x01, 0xa0, 0x97, 0x01, 0x84, 0x00], "cfa = r7 + 12, ra = [cfa - 4], r4 = [sp + 8]"],
    ["0x204 + 4 * 300", [0xb2, 0xac, 0x02], "cfa = sp + 1716, ra = lr"],
    ["d8 and d9 as FSTMX stores them", [0xb9], "cfa = sp + 20, ra = lr"],
    ["the same by number", [0xb3, 0x81], "cfa = sp + 20, ra = lr"],
    ["d8 to d10, d0 and d1, d16", [0xd2, 0xc9, 0x01, 0xc8, 0x00], "cfa = sp + 48, ra = lr"],
    ["registers of WMMX", [0xc1, 0xc6, 0x12, 0xc7, 0x0f], "cfa = sp + 56, ra = lr"],
    ["a signature of the return address", [0xb4, 0xb5, 0x84, 0x00], "cfa = sp + 8, ra = [cfa - 4]"],
    ["nothing after the end", [0xb0, 0x3f], "cfa = sp, ra = lr"],
  ] as const)("%s", (_, code, rule) => {
    expect(ruleOf(code)).toBe(`entry: ${rule}`);
  });

  it.each([
    ["refuse", [0x80, 0x00]],
    ["sp = sp", [0x9d]],
    ["sp = pc", [0x9f]],
    ["sp = a register that was popped", [0xa0, 0x94]],
    ["sp is popped", [0x82, 0x00]],
    ["no register of r0 to r3", [0xb1, 0x00]],
    ["more than r0 to r3", [0xb1, 0x10]],
    ["b6", [0xb6]],
    ["no control register of WMMX", [0xc7, 0x00]],
    ["ca", [0xca]],
    ["d8", [0xd8]],
    ["e0", [0xe0]],
    ["ff", [0xff]],
  ] as const)("that leave no rule: %s", (_, code) => {
    expect(ruleOf(code)).toBe("entry: nothing");
  });
});

describe("an index", () => {
  it.each([true, false])("has a function up to the next, in either order of bytes: little %s", (little) => {
    const made = madeTables(
      [
        { start: 0x101, inline: [0xab] },
        { start: 0x140 },
        { start: 0x180, table: [0x80a8b0b0] },
        { start: 0x1c0, table: [0x8101b200, 0x84008000] },
        { start: 0x1e0, table: [0x82020101, 0x0101a8b0, 0] },
        { start: 0x200 },
      ],
      0x200,
      little,
    );
    const { cache, warnings } = exidxCache(made);
    expect(warnings).toEqual({});
    const rows = [0xff, 0x100, 0x13e, 0x140, 0x180, 0x1c0, 0x1e0, 0x1ff, 0x200].map((rva) => [rva.toString(16), rowAt(cache, rva)]);
    expect(rows).toEqual([
      ["ff", null],
      ["100", "entry: cfa = sp + 20, ra = [cfa - 4], r4 = [cfa - 20], r5 = [cfa - 16], r6 = [cfa - 12], r7 = [cfa - 8]"],
      ["13e", "entry: cfa = sp + 20, ra = [cfa - 4], r4 = [cfa - 20], r5 = [cfa - 16], r6 = [cfa - 12], r7 = [cfa - 8]"],
      ["140", "entry: nothing"],
      ["180", "entry: cfa = sp + 8, ra = [cfa - 4], r4 = [cfa - 8]"],
      ["1c0", "entry: nothing"],
      ["1e0", "entry: cfa = sp + 40, ra = [cfa - 4], r4 = [cfa - 8]"],
      ["1ff", "entry: cfa = sp + 40, ra = [cfa - 4], r4 = [cfa - 8]"],
      ["200", null],
    ]);
  });

  it("gives way to rows that are there", () => {
    const made = madeTables([{ start: 0x100, inline: [0xa8] }, { start: 0x180, inline: [0x00] }], 0x200);
    const { cache } = armCache((builder) => {
      for (const [start, end] of [[0x120, 0x130], [0x110, 0x120], [0x170, 0x190]] as const) {
        builder.unwind.begin(start, end);
        builder.unwind.add(start, 0);
      }
      addArmExidx(made, builder);
    });
    const told = "entry: cfa = sp + 8, ra = [cfa - 4], r4 = [cfa - 8]";
    expect([0x100, 0x110, 0x12f, 0x130, 0x16f, 0x170, 0x18f].map((rva) => rowAt(cache, rva))).toEqual([told, "entry: nothing", "entry: nothing", told, told, "entry: nothing", "entry: nothing"]);
    expect([0x190, 0x1ff, 0x200].map((rva) => rowAt(cache, rva))).toEqual(["entry: cfa = sp + 4, ra = lr", "entry: cfa = sp + 4, ra = lr", null]);
  });

  it("leaves out what makes no sense", () => {
    const made = madeTables([{ start: 0x180, inline: [] }, { start: 0x100, inline: [] }, { start: 0x1a0, table: [0x83b0b0b0] }, { start: 0x1b0, table: [0x81ff0000] }, { start: 0x300 }], 0x200);
    const { cache, warnings } = exidxCache(made);
    expect(warnings).toEqual({ malformedUnwind: 4 });
    expect([0x100, 0x180, 0x1a0, 0x1b0].map((rva) => rowAt(cache, rva))).toEqual([null, "entry: cfa = sp, ra = lr", null, null]);
  });
});

describe("the plugin's tables", () => {
  // Both were made by one compiler of one prolog, so where the function calls they must say the same.
  it.each([
    ["armhf-gcc", 70],
    ["armhf-arm", 70],
    ["armhf-clang", 70],
  ])("say what its call frame information says, at every call: %s", (name, atLeast) => {
    const { exidx, frames, text } = armTables(fixture(name));
    const ours = armCache((builder) => addArmExidx(exidx, builder));
    const theirs = armCache((builder) => addFrames(frames!, builder)).cache;
    expect(ours.warnings).toEqual({});
    let calls = 0;
    const different: string[] = [];
    const bare = (row: string | null): string | null => row?.replace(/^entry: /, "") ?? null;
    for (let end = CALL_BYTES; end <= text.bytes.length; end += 2) {
      const bytes = text.bytes.subarray(end - CALL_BYTES, end);
      const isThumb = name === "armhf-gcc";
      if (!endsWithCall("arm", bytes, text.rva + end + (isThumb ? 1 : 0))) continue;
      const rva = text.rva + end - 2;
      const row = rowAt(theirs, rva);
      // No function calls before it has saved lr; what looks like it is the end of one instruction and the beginning of another.
      if (row === null || row.endsWith("ra = lr")) continue;
      calls++;
      if (bare(rowAt(ours.cache, rva)) !== bare(row)) different.push(`${rva.toString(16)}: ${rowAt(ours.cache, rva)} | ${row}`);
    }
    expect(different).toEqual([]);
    expect(calls).toBeGreaterThan(atLeast);
  });
});

describe("damaged tables", () => {
  it("are read or left out", { timeout: 3_600_000 }, () => {
    const { exidx } = armTables(fixture("armhf-gcc"));
    for (let seed = 1; seed <= mutationCount(); seed++) {
      const random = randomFrom(seed);
      const damaged = { ...exidx, index: { ...exidx.index }, table: { ...exidx.table! } };
      for (let changes = 1 + random(4); changes > 0; changes--) {
        const which = random(2) === 0 ? damaged.index : damaged.table;
        const bytes = Buffer.from(which.bytes);
        Object.assign(which, { bytes: bytes.length < 8 ? bytes : damageAt(bytes, random(bytes.length - 4), random) });
      }
      const { cache } = exidxCache(damaged);
      // Rows ascend, whatever the index says.
      for (let row = 1; row < cache.meta().counts["unwindRows"]!; row++) if (cache.rowStart(row) <= cache.rowStart(row - 1)) throw new Error(`seed ${seed}: row ${row}`);
    }
  });
});
