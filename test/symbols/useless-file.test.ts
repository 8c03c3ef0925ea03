// Files that are read well, and that nobody should wait for.
import { expect, test } from "vitest";
import type { DebugFileFacts } from "../../symbols/debug-file.ts";
import { whyUseless } from "../../symbols/useless-file.ts";

const nothing = { functions: false, publics: false, lines: false, inlines: false, unwind: false };
const lack = (code: string) => ({ code, message: code, hint: code });

test.each<[string, Partial<DebugFileFacts>, string | null]>([
  ["a program without an id, whatever it holds", { kind: "elf", holds: { ...nothing, functions: true }, lacks: [lack("no_id")] }, "no_id"],
  ["split DWARF that does not say whose it is", { kind: "dwp", holds: { ...nothing, functions: true }, lacks: [lack("no_id")] }, "no_id"],
  ["a stripped program with nothing left", { kind: "elf", lacks: [lack("stripped"), lack("no_unwind")] }, "stripped"],
  ["a stripped program that can be unwound", { kind: "elf", holds: { ...nothing, unwind: true }, lacks: [lack("stripped")] }, null],
  ["a dSYM of what was compiled without -g", { kind: "dsym", lacks: [lack("no_functions"), lack("unwind_in_program")] }, "no_functions"],
  ["a program of Apple's store", { kind: "macho", lacks: [lack("encrypted"), lack("names_in_dsym")] }, "encrypted"],
  ["what dwz took out of others", { kind: "elf-debug" }, null],
  ["a program whose units are elsewhere", { kind: "elf", lacks: [lack("names_in_dwo"), lack("no_unwind")] }, null],
  ["source files", { kind: "sources" }, null],
])("%s", (_what, more, code) => {
  const facts: DebugFileFacts = { kind: "elf", os: "Linux", archName: "x86_64", arch: "amd64", debugId: null, debugFile: null, codeId: null, codeFile: null, generator: null, holds: nothing, lacks: [], ...more };
  expect(whyUseless(facts)?.code ?? null).toBe(code);
});
