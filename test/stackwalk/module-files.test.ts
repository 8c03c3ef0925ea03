// Which of the files at hand a module gets.
import { describe, expect, it } from "vitest";
import { type DebugFileRecord, symbolSource } from "../../stackwalk/module-files.ts";
import type { SymbolKey } from "../../stackwalk/stackwalker.ts";
import { symbolKey } from "../../stackwalk/symbol-key.ts";

const id = "11112222333344445555666677778888A";
const other = "99992222333344445555666677778888A";

/** Files by name, oldest first: what each says of itself. */
const shelf: { readonly [name: string]: Partial<DebugFileRecord> } = {
  "old.sym": { kind: "breakpad", debugId: id, debugFile: "Halcyon.pdb" },
  "new.sym": { kind: "breakpad", debugId: id, debugFile: "Halcyon.pdb", codeId: "5F0000001A000", codeFile: "Halcyon.vst3" },
  "stub.sym": { kind: "breakpad", debugId: id, debugFile: "Stub.pdb" },
  "Halcyon.pdb": { kind: "pdb", debugId: id, debugFile: "Halcyon.pdb" },
  "signed.vst3": { kind: "pe", debugId: id, debugFile: "Halcyon.pdb", codeId: "5F0000001A000", codeFile: "Halcyon.vst3" },
  "packed.vst3": { kind: "pe", debugId: id, debugFile: "Halcyon.pdb", codeId: "5F0000003B000", codeFile: "Halcyon.vst3" },
  "gain.so": { kind: "elf", debugId: id, debugFile: "gain.so", codeId: "AB", codeFile: "gain.so" },
  "stripped gain.so": { kind: "elf", debugId: id, debugFile: "gain.so", codeId: "AB", codeFile: "gain.so", hasFunctions: false },
  "gain.so.debug": { kind: "elf-debug", debugId: id, debugFile: "gain.so", codeId: "AB", supplementId: "51D0" },
  "other.debug": { kind: "elf-debug", debugId: id, debugFile: "other", codeId: "AB" },
  "gain.dwp": { kind: "dwp", debugId: id, debugFile: "gain.so" },
  "gain.src": { kind: "sources", debugId: id, debugFile: "gain.so" },
  "gain.dwz": { kind: "elf-debug", debugId: "51D0", debugFile: "gain.dwz" },
  "gain.dwz 2": { kind: "elf-debug", debugId: "51D0", debugFile: "gain.dwz" },
  "odd.dwp": { kind: "dwp", debugId: "51D0" },
  "self.so": { kind: "elf", debugId: id, debugFile: "gain.so", codeId: "AB", supplementId: id },
  // Without build ids: their debug id is a sum of their first code, which both begin with.
  "stub-a.so": { kind: "elf", debugId: id, debugFile: "a.so" },
  "stub-b.so": { kind: "elf", debugId: id, debugFile: "b.so" },
  "stub-a.so.debug": { kind: "elf-debug", debugId: id, debugFile: "a.so" },
  "stub-b.so.debug": { kind: "elf-debug", debugId: id, debugFile: "b.so" },
  "mingw.dll": { kind: "pe", debugId: null, debugFile: null, codeId: "600000007000", codeFile: "mingw.dll" },
};

function locate(names: readonly string[], ...keys: Partial<SymbolKey>[]): Promise<readonly (readonly string[] | null)[]> {
  const records = names.map((name): DebugFileRecord => ({ kind: "pdb", debugId: null, debugFile: null, codeId: null, codeFile: null, supplementId: null, hasFunctions: true, ...shelf[name], path: async () => name }));
  const source = symbolSource(async (debugIds, codeIds) => records.filter((record) => debugIds.includes(record.debugId!) || codeIds.includes(record.codeId!)));
  return source.locate(keys.map((key) => ({ debugFile: null, debugId: null, codeFile: "", codeId: null, ...key })));
}

const withId = { debugId: id, debugFile: "Halcyon.pdb", codeFile: "Halcyon.vst3", codeId: "5F0000001a000" };
const withoutId = { codeFile: "halcyon.VST3", codeId: "5F0000001a000" };

describe("a module that knows its debug id", () => {
  it.each([
    ["nothing but strangers", ["mingw.dll"], null],
    ["the newest of a kind", ["old.sym", "new.sym"], ["new.sym"]],
    ["the one of its own name, of several", ["new.sym", "stub.sym"], ["new.sym"]],
    ["one of another name rather than none: an id is unique", ["stub.sym"], ["stub.sym"]],
    ["files that complete each other, native ones first", ["old.sym", "signed.vst3", "Halcyon.pdb"], ["Halcyon.pdb", "signed.vst3", "old.sym"]],
    ["the program with its code id, though another is newer", ["signed.vst3", "packed.vst3"], ["signed.vst3"]],
    ["another program of the same PDB rather than none", ["packed.vst3"], ["packed.vst3"]],
  ])("%s", async (_, names, expected) => {
    expect(await locate(names, withId)).toEqual([expected]);
  });
});

describe("a module of Linux", () => {
  const gain = { debugId: id, debugFile: "gain.so", codeFile: "gain.so", codeId: "AB" };
  it.each<[string, string[], Partial<SymbolKey>, string[] | null]>([
    ["takes one file of each kind, and no sources", ["gain.so", "gain.src", "gain.dwp", "other.debug"], gain, ["other.debug", "gain.so", "gain.dwp"]],
    ["takes what dwz took out along, the newest", ["gain.dwz", "gain.so.debug", "gain.dwz 2", "gain.so"], gain, ["gain.so.debug", "gain.so", "gain.dwz 2"]],
    ["goes without it when it is not there, or is something else", ["gain.so.debug", "odd.dwp"], gain, ["gain.so.debug"]],
    ["takes a file that refers to itself once", ["self.so"], gain, ["self.so"]],
    ["takes no stripped program where there is one that was not, though it came later", ["gain.so", "stripped gain.so"], gain, ["gain.so"]],
    ["takes a stripped one rather than none", ["stripped gain.so", "gain.so.debug"], gain, ["gain.so.debug", "stripped gain.so"]],
    ["has nothing in split DWARF alone", ["gain.dwp"], gain, null],
    ["that shares its id is told by its name", ["stub-a.so.debug", "stub-a.so", "stub-b.so", "stub-b.so.debug"], { debugId: id, debugFile: "a.so", codeFile: "a.so" }, ["stub-a.so.debug", "stub-a.so"]],
    ["that shares its id takes no other's debug file beside its own program", ["stub-a.so", "stub-b.so.debug"], { debugId: id, debugFile: "a.so", codeFile: "a.so" }, ["stub-a.so"]],
    ["that shares its id takes another's rather than nothing", ["stub-b.so"], { debugId: id, debugFile: "a.so", codeFile: "a.so" }, ["stub-b.so"]],
  ])("%s", async (_what, names, key, expected) => {
    expect(await locate(names, key)).toEqual([expected]);
  });
});

describe("a module that has only a code id, as Wine writes them", () => {
  it.each([
    ["finds the program, whatever the case of its name", ["signed.vst3"], ["signed.vst3"]],
    ["and by it the PDB and what else has the id", ["new.sym", "Halcyon.pdb", "signed.vst3"], ["Halcyon.pdb", "signed.vst3", "new.sym"]],
    ["and not by a program of another size", ["Halcyon.pdb", "packed.vst3"], null],
    ["finds a symbol file that says the code id", ["new.sym"], ["new.sym"]],
    ["but a PDB alone does not know it", ["Halcyon.pdb"], null],
  ])("%s", async (_, names, expected) => {
    expect(await locate(names, withoutId)).toEqual([expected]);
  });

  it("takes no file of another name: time stamps of other vendors' builds may be the same", async () => {
    expect(await locate(["signed.vst3"], { ...withoutId, codeFile: "Other.vst3" })).toEqual([null]);
  });

  it("and one that has no id at all is found by nothing else", async () => {
    expect(await locate(["mingw.dll"], { codeFile: "mingw.dll", codeId: "600000007000" }, { debugId: other, debugFile: "mingw.dll" })).toEqual([["mingw.dll"], null]);
  });
});

it("asks once for many modules, and answers in their order", async () => {
  expect(await locate(["Halcyon.pdb", "mingw.dll"], { codeFile: "mingw.dll", codeId: "600000007000" }, withId, withId)).toEqual([["mingw.dll"], ["Halcyon.pdb"], ["Halcyon.pdb"]]);
});

describe("keys", () => {
  const module = { codeFile: "C:\\VST3\\Halcyon.vst3", codeId: "5F0000001a000", debugFile: "D:\\build\\Halcyon.pdb", debugId: id };
  it.each([
    ["names without folders", module, { ...module, codeFile: "Halcyon.vst3", debugFile: "Halcyon.pdb" }],
    ["without CodeView: the code id", { ...module, debugFile: null, debugId: null }, { codeFile: "Halcyon.vst3", codeId: "5F0000001a000", debugFile: null, debugId: null }],
    // What Breakpad's Linux writer puts for a file that is not ELF.
    ["an id of zeros is none", { ...module, debugId: "0".repeat(33) }, { codeFile: "Halcyon.vst3", codeId: "5F0000001a000", debugFile: null, debugId: null }],
    ["a time stamp of zero is none", { ...module, debugId: null, codeId: "000000001a000" }, null],
    ["a build id is a debug id too, and not looked up twice", { ...module, debugId: null, codeId: "0239060d93be0d29d07aba3bf78e0be5" }, null],
    ["nothing at all", { ...module, debugId: null, codeId: null }, null],
    ["a name that is no file's", { codeFile: "C:\\a\\..", codeId: "5F0000001a000", debugFile: null, debugId: null }, null],
  ])("%s", (_, parts, expected) => {
    expect(symbolKey(parts)).toEqual(expected);
  });
});
