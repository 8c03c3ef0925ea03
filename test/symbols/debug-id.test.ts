import { expect, test } from "vitest";
import { sniffCompression } from "../../symbols/compression.ts";
import { normaliseDebugId, normaliseDebugIdOrGuid } from "../../symbols/debug-id.ts";

const id = "443ED919ABCD12344C4C44205044422E1";

test.each([
  // As Breakpad writes it.
  [id, id],
  // As Sentry's tools write it.
  ["443ed919-abcd-1234-4c4c-44205044422e-1", id],
  // An age of eight digits is the longest there is.
  [`${id.slice(0, 32)}ffffffff`, `${id.slice(0, 32)}FFFFFFFF`],
  // An age is needed: two builds may differ in it alone.
  [id.slice(0, 32), null],
  // Nine digits of age are not an age.
  [`${id.slice(0, 32)}123456789`, null],
  // Not hex, although of the right length (from a real upload).
  ["CB77944DB22F6H3S00000000000000000", null],
  // A text made of dashes to cost time.
  ["-".repeat(100_000), null],
  ["", null],
])("normaliseDebugId(%s)", (text, expected) => {
  expect(normaliseDebugId(text)).toBe(expected);
});

test("a bare UUID, as macOS prints it, has the age 0", () => {
  expect(normaliseDebugIdOrGuid("67E9247C-814E-392B-A027-DBDE6748FCBF")).toBe("67E9247C814E392BA027DBDE6748FCBF0");
  expect(normaliseDebugIdOrGuid(id.toLowerCase())).toBe(id);
});

test.each([
  [[0x1f, 0x8b, 8, 0], "gzip"],
  [[0x28, 0xb5, 0x2f, 0xfd], "zstd"],
  // gzip knows one method only; another is no gzip.
  [[0x1f, 0x8b, 7, 0], null],
  [[0x1f], null],
  [[], null],
])("sniffCompression(%j) is %s", (bytes, expected) => {
  expect(sniffCompression(Uint8Array.from(bytes))).toBe(expected);
});
