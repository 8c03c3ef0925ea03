import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { linesAround } from "../../../symbols/sources/lines-around.ts";

describe("the lines around one", () => {
  const rows: [string, string, number, number, ReturnType<typeof linesAround>][] = [
    ["in the middle", "a\nb\nc\nd\ne\n", 3, 1, { first: 2, lines: ["b", "c", "d"], count: 5 }],
    ["at the beginning", "a\nb\nc\n", 1, 2, { first: 1, lines: ["a", "b", "c"], count: 3 }],
    ["at the end, which may lack its line feed", "a\nb\nc", 3, 1, { first: 2, lines: ["b", "c"], count: 3 }],
    ["of Windows", "a\r\n\r\nc\r\n", 2, 1, { first: 1, lines: ["a", "", "c"], count: 3 }],
    ["with a carriage return inside", "a\rb\n", 1, 1, { first: 1, lines: ["a\rb"], count: 1 }],
    ["empty ones", "\n\n\n", 2, 1, { first: 1, lines: ["", "", ""], count: 3 }],
    ["beyond the file", "a\n", 2, 7, { first: 1, lines: [], count: 1 }],
    ["of nothing", "", 1, 7, { first: 1, lines: [], count: 0 }],
    ["that are long", `${"x".repeat(401)}\n${"y".repeat(400)}\n`, 1, 1, { first: 1, lines: [`${"x".repeat(400)}…`, "y".repeat(400)], count: 2 }],
    ["cut where a pair stands", `${"x".repeat(399)}\u{1f600}`, 1, 0, { first: 1, lines: [`${"x".repeat(399)}…`], count: 1 }],
  ];
  it.each(rows)("%s", (_what, text, line, around, expected) => {
    expect(linesAround(text, line, around)).toEqual(expected);
  });

  it("are those that splitting finds", () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[ab]{0,3}$/), { maxLength: 12 }), fc.integer({ min: 1, max: 14 }), fc.integer({ min: 0, max: 4 }), (all, line, around) => {
        const { first, lines, count } = linesAround(all.map((one) => `${one}\n`).join(""), line, around);
        expect(count).toBe(all.length);
        expect(lines).toEqual(line > all.length ? [] : all.slice(Math.max(0, line - around - 1), line + around));
        expect(first).toBe(Math.max(1, line - around));
      }),
    );
  });
});
