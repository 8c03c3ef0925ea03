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
  ["everything of a module of Linux", linux, ["vault.so", "B2", "all symbols", "its .sym file"]],
  ["unwind data of one", { ...linux, lacks: "unwind" }, ["vault.so", "B2", "unwind data", "a .sym file with STACK records"]],
])("%s", (_what, missing, [name, id, lacks, wanted]) => {
  expect(missingText(missing)).toEqual({ name, id, lacks, wanted });
});
