import fc from "fast-check";
import { expect, test } from "vitest";
import { SymbolCheck, checkSymbolStream } from "../../../symbols/breakpad/check.ts";
import { anyRecord, moduleLine, symbolText } from "./symbol-text.ts";

const counts = { functions: 0, publics: 0, lines: 0, files: 0, inlines: 0, inlineOrigins: 0, stackCfi: 0, stackWin: 0, unknown: 0 };

function checkText(text: string | Uint8Array, chunkBytes = 7) {
  const bytes = Buffer.from(text);
  const check = new SymbolCheck();
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const problem = check.push(bytes.subarray(at, at + chunkBytes));
    if (problem !== null) return { ok: false as const, problem };
  }
  return check.finish();
}

const whole = symbolText(
  "INFO CODE_ID 65A1",
  "FILE 0 /src/engine.cpp",
  "INLINE_ORIGIN 0 clamp",
  "FUNC 1000 20 0 render",
  "INLINE 0 18 0 0 1010 8",
  "1000 10 14 0",
  "f010 10 15 0",
  "FUNC m 2000 20 0 folded",
  "PUBLIC 3000 0 DllMain",
  "STACK CFI INIT 1000 20 .cfa: $rsp 8 +",
  "STACK CFI 1001 .cfa: $rsp 16 +",
  "STACK WIN 4 2170 14 1 0 0 0 0 0 1 $eip 4 + ^ =",
  "nonsense",
);

test.each([1, 3, 64, 1 << 20])("it counts records in chunks of %i bytes", (chunkBytes) => {
  const result = checkText(whole, chunkBytes);
  expect(result).toMatchObject({ ok: true, value: { bytes: whole.length, hasLines: true, hasUnwind: true, header: { debugFile: "VaultSynth.pdb" } } });
  expect(result.ok && result.value.counts).toEqual({ functions: 2, publics: 1, lines: 2, files: 1, inlines: 1, inlineOrigins: 1, stackCfi: 2, stackWin: 1, unknown: 1 });
});

test("CRLF and blank lines are not unknown records", () => {
  const result = checkText(`${moduleLine}\r\n\r\nFUNC 0 1 0 f\r\n`);
  expect(result.ok && result.value.counts).toEqual({ ...counts, functions: 1 });
});

test.each([
  // Cut off inside a number, inside a word, before a name.
  "FUNC 1000 2",
  "FUNC 1000 20 0",
  "FUNC m 1000 20 0",
  "FUN",
  "FILE 12",
  "INLINE 0 18 0 0",
  "INLINE_ORIGIN 3",
  "PUBLIC 3000",
  "1000 10 14",
  "1000",
  "STACK CFI INIT 1000",
  "STACK CFI 1001",
  "STACK WIN 4 2170 14 1 0 0",
  "STACK",
])("a file that ends with %j is truncated", (last) => {
  expect(checkText(symbolText("FUNC 0 1 0 f") + last)).toMatchObject({ ok: false, problem: { code: "truncated_symbol_file" } });
});

test.each([
  // Some writers leave the last line end out.
  "FUNC 1000 20 0 f",
  "FUNC m 1000 20 0 f",
  "1000 10 14 0",
  "PUBLIC 3000 0 DllMain",
  "STACK CFI 1001 .cfa: $rsp 16 +",
  "STACK CFI INIT 1001 10 .cfa: $rsp 16 +",
  "STACK WIN 4 2170 14 1 0 0 0 0 0 1 $eip 4 + ^ =",
  "INFO X",
  "",
])("a file that ends with %j and no line end is whole", (last) => {
  expect(checkText(symbolText("FUNC 0 1 0 f") + last)).toMatchObject({ ok: true });
});

test("something else is refused from its first 64 KiB, without reading on", () => {
  const check = new SymbolCheck();
  expect(check.push(Buffer.alloc(65_535, "MZ"))).toBeNull();
  expect(check.push(Buffer.alloc(1))).toMatchObject({ code: "not_a_symbol_file" });
});

test("an empty stream is an empty file", async () => {
  async function* nothing(): AsyncGenerator<Uint8Array> {}
  expect(await checkSymbolStream(nothing())).toMatchObject({ ok: false, problem: { code: "not_a_symbol_file" } });
});

test("any bytes, cut anywhere, give the same answer as in one piece", () => {
  const file = fc.oneof(fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)), fc.array(anyRecord, { maxLength: 20 }).map((records) => Buffer.from(symbolText(...records))));
  fc.assert(
    fc.property(file, fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 400 }), (bytes, chunkBytes, cut) => {
      const text = bytes.subarray(0, cut);
      expect(checkText(text, chunkBytes)).toEqual(checkText(text, 1 << 20));
    }),
  );
});
