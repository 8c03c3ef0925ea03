// How far the names of public symbols reach, where functions are among them.
import { expect, test } from "vitest";
import { noSymbol } from "../../../symbols/cache/layout.ts";
import { flattenSymbols } from "../../../symbols/cache/symbol-ranges.ts";

type Row = readonly [what: string, functions: readonly (readonly [number, number])[], publics: readonly number[], ends: readonly number[], ranges: string];

// Functions are numbered first, then public symbols; `-` is nobody.
test.each<Row>([
  ["one after a function", [[0x10, 0x20]], [0x30], [0x38], "10:0 20:- 30:1 38:-"],
  ["one that begins with the function does not reach past it", [[0x10, 0x20]], [0x10], [0x40], "10:0 20:-"],
  ["one within a function reaches past it, as for Breakpad", [[0x10, 0x20]], [0x18], [], "10:0 20:1"],
  ["up to its end", [[0x10, 0x20]], [0x18], [0x28], "10:0 20:1 28:-"],
  // A symbol table has the outer name again behind a label that has a size.
  ["but not when it ends with the function", [[0x10, 0x20]], [0x14, 0x18], [0x20], "10:0 20:-"],
  ["nor when it ends before", [[0x10, 0x20]], [0x14], [0x18], "10:0 20:-"],
  ["an end at its first address is that of the one before", [[0x10, 0x20]], [0x18, 0x30], [0x28, 0x30, 0x40], "10:0 20:1 28:- 30:2 40:-"],
])("%s", (_, functions, publics, ends, expected) => {
  const found = flattenSymbols({
    functionStart: Uint32Array.from(functions, ([start]) => start),
    functionEnd: Uint32Array.from(functions, ([, end]) => end),
    publicStart: Uint32Array.from(publics),
    publicEnds: Uint32Array.from(ends),
  });
  const kept = (symbol: number): string => (symbol === noSymbol ? "-" : symbol < found.functions.length ? `${symbol}` : `${found.functions.length + found.publics[symbol - found.functions.length]!}`);
  expect([...found.starts].map((start, i) => `${start.toString(16)}:${kept(found.symbols[i]!)}`).join(" ")).toBe(expected);
});
