// The language by a name's first letters.
import { expect, test } from "vitest";
import { demangle } from "../../../symbols/demangle/demangle.ts";
import { languageOf } from "../../../symbols/demangle/language.ts";

test.each([
  ["_ZN1A1fEv", "c++"],
  ["__ZN1A1fEv", "c++"],
  ["___Z1fv_block_invoke", null],
  ["_ZN1a1b17h0123456789abcdefE", "rust"],
  ["_RNvC1a1f", "rust"],
  ["__RNvC1a1f", "rust"],
  ["?f@@YAXXZ", "msvc"],
  ["??0A@@QEAA@XZ", "msvc"],
  ["@?f@@YAXXZ", "msvc"],
  ["-[NSObject init]", "objc"],
  ["+[A b:c:]", "objc"],
  ["$s4main3fooyyF", "swift"],
  ["_$s4main3fooyyF", "swift"],
  ["_$S4main3fooyyF", "swift"],
  ["_T04main3fooyyF", "swift"],
  ["_TtC4main1A", "swift"],
  // Not mangled, however near.
  ["-[broken", null],
  ["??", null],
  ["???", null],
  ["_Z", null],
  ["_R", null],
  ["_Read", null],
  ["$s", null],
  ["_TIFFOpen", null],
  ["main", null],
  ["", null],
] as const)("%s is %s", (name, language) => {
  expect(languageOf(name)).toBe(language);
});

test.each(["-[NSObject init]", "_T04main3fooyyF", "_TtC4main1A", "main"])("%s is left as it is", (name) => {
  expect(demangle(name)).toBeNull();
});
