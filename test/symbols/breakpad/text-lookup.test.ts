import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lookUpAddresses } from "./text-lookup.ts";
import { anyRecord, symbolText, temporaryFile } from "./symbol-text.ts";

/** What the records say of the addresses, as `function+offset file:line`, inlined functions first. */
async function ask(addresses: number[], ...records: string[]): Promise<string[]> {
  const result = await lookUpAddresses(await temporaryFile(symbolText(...records)), addresses);
  if (!result.ok) return [result.problem.code];
  return result.value.map((name) => {
    if (name === null) return "-";
    const place = (at: { file: string | null; line: number | null }) => `${at.file ?? "?"}:${at.line ?? "?"}`;
    const inlines = name.inlines.map((inline) => `${inline.function} ${place(inline)} < `).join("");
    return `${inlines}${name.multiple ? "m " : ""}${name.function}+${name.functionOffset}${name.record === "PUBLIC" ? "" : ` ${place(name)}`}`;
  });
}

describe("functions and lines", () => {
  test.each([
    // The first and last byte of a line, and the bytes around the function.
    [[0xfff, 0x1000, 0x100f, 0x1010, 0x101f, 0x1020], ["FILE 0 a.cpp", "FUNC 1000 20 0 f", "1000 10 7 0", "1010 10 8 0"], ["-", "f+0 a.cpp:7", "f+15 a.cpp:7", "f+16 a.cpp:8", "f+31 a.cpp:8", "-"]],
    // FILE may come later, or never.
    [[0x1000, 0x1001], ["FUNC 1000 20 0 f", "1000 1 7 3", "1001 1 8 9", "FILE 3 late.cpp"], ["f+0 late.cpp:7", "f+1 ?:8"]],
    // No line record covers it.
    [[0x1008], ["FUNC 1000 20 0 f", "1010 10 8 0"], ["f+8 ?:?"]],
    // Line 0 is what compilers write for code without a place.
    [[0x1000], ["FILE 0 a.cpp", "FUNC 1000 20 0 f", "1000 10 0 0"], ["f+0 a.cpp:0"]],
    // Folded functions are marked, and names may hold anything.
    [[0x1000], ["FUNC m 1000 20 0 std::map<int, m> operator new"], ["m std::map<int, m> operator new+0 ?:?"]],
    // The first of two that overlap.
    [[0x1010], ["FUNC 1000 20 0 first", "FUNC 1010 20 0 second"], ["first+16 ?:?"]],
    // A line belongs to the FUNC before it, also where that one came too late.
    [[0x1000], ["FILE 0 a.cpp", "FUNC 1000 20 0 first", "FUNC 1000 20 0 second", "1000 20 9 0"], ["first+0 ?:?"]],
    // Size 0 covers nothing.
    [[0x1000], ["FUNC 1000 0 0 f", "1000 10 7 0"], ["-"]],
    // CRLF, doubled spaces, 0x and upper case, as some tools write.
    [[0x10ab], ["FILE  0 a.cpp\r", "FUNC  0x10AB  20 0 f\r", "10ab 20  7 0\r"], ["f+0 a.cpp:7"]],
    // Malformed records are skipped, and the FUNC of a line among them.
    [[0x1000, 0x2000], ["FUNC 1000 20 0", "1000 10 7 0", "FUNC zz 20 0 f", "FUNC 2000 20 0 g", "garbage", "2000 xyz 1 0", "2000 10 -5 0"], ["-", "g+0 ?:?"]],
    // Asked twice, and in any order.
    [[0x1001, 0x1000, 0x1001], ["FUNC 1000 20 0 f"], ["f+1 ?:?", "f+0 ?:?", "f+1 ?:?"]],
  ])("case %#", async (addresses, records, expected) => {
    expect(await ask(addresses, ...records)).toEqual(expected);
  });
});

describe("public symbols", () => {
  test.each([
    // The nearest below, from its first byte on.
    [[0xfff, 0x1000, 0x1fff, 0x2000], ["PUBLIC 2000 0 second", "PUBLIC 1000 0 first"], ["-", "first+0", "first+4095", "second+0"]],
    // A FUNC wins over a PUBLIC at the same place.
    [[0x1004], ["PUBLIC 1000 0 symbol", "FUNC 1000 20 0 f"], ["f+4 ?:?"]],
    // A PUBLIC does not reach over a FUNC that lies between.
    [[0x3000], ["PUBLIC 1000 0 symbol", "FUNC 2000 20 0 f"], ["-"]],
    // One that begins inside the FUNC does (Breakpad compares with the FUNC's start).
    [[0x3000], ["FUNC 2000 20 0 f", "PUBLIC 2010 0 inside"], ["inside+4080"]],
    // Address 0 is noise of old PDBs.
    [[0x10], ["PUBLIC 0 0 _CIlog"], ["-"]],
    // Folded.
    [[0x1000], ["PUBLIC m 1000 0 symbol"], ["m symbol+0"]],
    // The first of two at one address.
    [[0x1000], ["PUBLIC 1000 0 first", "PUBLIC 1000 0 second"], ["first+0"]],
    // Lines after a PUBLIC belong to nobody.
    [[0x1000], ["FUNC 1000 20 0 f", "PUBLIC 9000 0 symbol", "1000 10 7 0"], ["f+0 ?:?"]],
  ])("case %#", async (addresses, records, expected) => {
    expect(await ask(addresses, ...records)).toEqual(expected);
  });
});

describe("inlined functions", () => {
  const files = ["FILE 0 f.cpp", "FILE 1 b.h", "FILE 2 a.h", "INLINE_ORIGIN 0 B", "INLINE_ORIGIN 1 A"];
  test.each([
    // A in B in F: each has the place where it calls the next; the line record is A's.
    [[0x1010], ["FUNC 1000 40 0 F", "INLINE 0 10 0 0 1008 20", "INLINE 1 20 1 1 1010 8", "1010 8 30 2"], ["A a.h:30 < B b.h:20 < F+16 f.cpp:10"]],
    // Outside A's range, B is the innermost.
    [[0x1008], ["FUNC 1000 40 0 F", "INLINE 0 10 0 0 1008 20", "INLINE 1 20 1 1 1010 8", "1008 8 21 1"], ["B b.h:21 < F+8 f.cpp:10"]],
    // Several ranges in one record.
    [[0x1008, 0x1030, 0x1020], ["FUNC 1000 40 0 F", "INLINE 0 10 0 0 1008 8 1030 4", "1000 40 30 1"], ["B b.h:30 < F+8 f.cpp:10", "B b.h:30 < F+48 f.cpp:10", "F+32 b.h:30"]],
    // Equal ranges nest in file order.
    [[0x1008], ["FUNC 1000 40 0 F", "INLINE 0 10 0 0 1008 8", "INLINE 1 20 1 1 1008 8", "1008 8 30 2"], ["A a.h:30 < B b.h:20 < F+8 f.cpp:10"]],
    // The format before 2022 has no file of the call; the line record's stands in.
    [[0x1010], ["INLINE_ORIGIN 7 1 old name", "FUNC 1000 40 0 F", "INLINE 0 10 7 1008 20", "1010 8 30 2"], ["old name a.h:30 < F+16 a.h:10"]],
    // An artificial function's call stands in no file.
    [[0x1010], ["FUNC 1000 40 0 F", "INLINE 0 10 -1 0 1008 20", "1010 8 30 2"], ["B a.h:30 < F+16 a.h:10"]],
    // An origin that is not there.
    [[0x1010], ["FUNC 1000 40 0 F", "INLINE 0 10 0 99 1008 20", "1010 8 30 2"], ["<name omitted> a.h:30 < F+16 f.cpp:10"]],
    // A record whose parent is missing is dropped; level 1 is taken as Breakpad does.
    [[0x1010], ["FUNC 1000 40 0 F", "INLINE 2 10 0 0 1008 20", "1010 8 30 2"], ["F+16 a.h:30"]],
    // Partly overlapping ranges cannot nest.
    [[0x1010], ["FUNC 1000 40 0 F", "INLINE 0 10 0 0 1008 10", "INLINE 1 20 1 1 1010 20", "1010 8 30 2"], ["B a.h:30 < F+16 f.cpp:10"]],
    // Without a line record the innermost has no place.
    [[0x1010], ["FUNC 1000 40 0 F", "INLINE 0 10 0 0 1008 20"], ["B ?:? < F+16 f.cpp:10"]],
    // Before any FUNC: nobody's.
    [[0x1010], ["INLINE 0 10 0 0 1008 20", "FUNC 1000 40 0 F"], ["F+16 ?:?"]],
  ])("case %#", async (addresses, records, expected) => {
    expect(await ask(addresses, ...files, ...records)).toEqual(expected);
  });
});

describe("files of any kind", () => {
  test("what is no symbol file is refused", async () => {
    expect(await lookUpAddresses(await temporaryFile("MZ"), [1])).toMatchObject({ ok: false, problem: { code: "not_a_symbol_file" } });
    expect(await lookUpAddresses("/nonexistent/a.sym", [1])).toMatchObject({ ok: false, problem: { code: "symbol_file_unreadable" } });
  });

  test("what is no address has no name", async () => {
    expect(await ask([-1, 0.5, Number.NaN, 2 ** 60], "FUNC 0 ffffffffffffffff 0 f")).toEqual(["-", "-", "-", "-"]);
  });

  test("records are found on both sides of a read, whatever their length", async () => {
    // Long names push the records that matter over the borders of the 1 MiB buffer.
    const filler = (i: number) => `FILE ${i + 10} ${"x".repeat(1000 + (i % 100))}`;
    const records = ["FILE 0 a.cpp", ...Array.from({ length: 3000 }, (_, i) => [filler(i), `FUNC ${(0x1000 + i * 16).toString(16)} 10 0 f${i}`, `${(0x1000 + i * 16).toString(16)} 10 ${i} 0`]).flat()];
    const addresses = Array.from({ length: 3000 }, (_, i) => 0x1000 + i * 16);
    expect(await ask(addresses, ...records)).toEqual(addresses.map((_, i) => `f${i}+0 a.cpp:${i}`));
  });

  test("a line longer than the buffer is passed over, a long name is read whole", async () => {
    const name = "n".repeat(100_000);
    expect(await ask([0x1000, 0x2000], `FILE 1 ${"x".repeat(3 * 1024 * 1024)}`, `FUNC 1000 10 0 ${name}`, "FUNC 2000 10 0 g")).toEqual([`${name}+0 ?:?`, "g+0 ?:?"]);
  });

  test("a file made to cost time does not", async () => {
    const addresses = Array.from({ length: 5000 }, (_, i) => i + 1);
    const inlines = Array.from({ length: 5000 }, (_, i) => `INLINE 1 1 0 0 ${(i % 200).toString(16)} ${(5000 - i).toString(16)}`);
    const lines = Array.from({ length: 20_000 }, () => "0 1 1 0");
    const functions = Array.from({ length: 20_000 }, (_, i) => `FUNC ${i.toString(16)} ffff 0 f`);
    const started = performance.now();
    const names = await ask(addresses, "FUNC 0 ffff 0 all", ...inlines, ...lines, ...functions, "FILE 4000000000 far");
    expect(names).toHaveLength(5000);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test("any records give an answer for every address", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRecord, { maxLength: 40 }), fc.array(fc.integer({ min: 0, max: 0x300 }), { maxLength: 20 }), async (records, addresses) => {
        expect(await ask(addresses, ...records)).toHaveLength(addresses.length);
      }),
    );
  });

  test("any bytes after the first line give an answer for every address", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const file = await temporaryFile(Buffer.concat([Buffer.from(symbolText("FUNC 0 100 0 f")), bytes]));
        const result = await lookUpAddresses(file, [0, 5, 0x200]);
        expect(result.ok && result.value[1]?.function).toBe("f");
      }),
    );
  });
});
