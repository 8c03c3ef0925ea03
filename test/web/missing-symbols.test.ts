// What the page says is to be uploaded, for each thing that a crash may lack.
import { expect, test } from "vitest";
import type { MissingSymbol } from "../../services/triage/schema.ts";
import { missingText } from "../../web/text/missing-symbols.ts";

const windows: MissingSymbol = { debugFile: "Vault.pdb", debugId: "A1", codeFile: "Vault.vst3", codeId: "65A1", lacks: "all", crashes: 1 };
const linux: MissingSymbol = { debugFile: "vault.so", debugId: "B2", codeFile: "vault.so", codeId: "B2B2", lacks: "all", crashes: 1 };

test.each<[string, MissingSymbol, readonly string[]]>([
  ["everything of a module of Windows", windows, ["Vault.pdb", "A1", "all symbols", "Vault.pdb and Vault.vst3"]],
  ["its lines", { ...windows, lacks: "names" }, ["Vault.pdb", "A1", "source lines", "Vault.pdb"]],
  ["its unwind data", { ...windows, lacks: "unwind" }, ["Vault.pdb", "A1", "unwind data", "Vault.vst3"]],
  // As Wine's dumps: neither debug file nor id.
  ["a module known by its code id", { ...windows, debugFile: null, debugId: null }, ["Vault.vst3", "65A1", "all symbols", "its PDB and Vault.vst3"]],
  ["a module whose program nothing names", { ...windows, codeFile: null, lacks: "unwind" }, ["Vault.pdb", "A1", "unwind data", "its DLL or EXE"]],
  ["everything of a module of Linux", linux, ["vault.so", "B2", "all symbols", "its .debug file and vault.so"]],
  ["unwind data of one", { ...linux, lacks: "unwind" }, ["vault.so", "B2", "unwind data", "vault.so"]],
  ["lines of one that has a version", { ...linux, debugFile: "libvault.so.2", lacks: "names" }, ["libvault.so.2", "B2", "source lines", "its .debug file"]],
  ["a library of macOS", { ...linux, debugFile: "libvault.dylib" }, ["libvault.dylib", "B2", "all symbols", "its dSYM and libvault.dylib"]],
  // A plugin's binary has no ending on macOS, and a program has none on Linux.
  ["what may be of either", { ...linux, debugFile: "Vault" }, ["Vault", "B2", "all symbols", "its dSYM or .debug file and Vault"]],
])("%s", (_what, missing, [name, id, lacks, wanted]) => {
  expect(missingText(missing)).toEqual({ name, id, lacks, wanted });
});
