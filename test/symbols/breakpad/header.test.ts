import fc from "fast-check";
import { expect, test } from "vitest";
import { headerPrefixBytes, readSymbolHeader } from "../../../symbols/breakpad/header.ts";
import { storeName, storePath } from "../../../symbols/breakpad/store-path.ts";

const id = "4C4C44205044422E443ED919000000001";
const head = (text: string) => readSymbolHeader(Buffer.from(text));
const codeOf = (bytes: Uint8Array | string) => {
  const result = readSymbolHeader(Buffer.from(bytes));
  return result.ok ? "ok" : result.problem.code;
};

test("it reads MODULE, CODE_ID and GENERATOR", () => {
  const text = `MODULE windows x86_64 ${id} Vault Synth.pdb\nINFO CODE_ID 65a1b2c3d4000 Vault Synth.vst3\nINFO GENERATOR mozilla/dump_syms 2.3.4\nFILE 0 a.cpp\n`;
  expect(head(text)).toEqual({ ok: true, value: { os: "windows", arch: "x86_64", debugId: id, debugFile: "Vault Synth.pdb", codeId: "65A1B2C3D4000", codeFile: "Vault Synth.vst3", generator: "mozilla/dump_syms 2.3.4" } });
});

test("it takes CRLF, lower-case ids and an INFO it does not know", () => {
  const text = `MODULE Linux arm64 ${id.toLowerCase()} libVault.so\r\nINFO URL https://x\r\nINFO CODE_ID ab12\r\nFUNC 0 1 0 f\r\nINFO GENERATOR late\r\n`;
  expect(head(text)).toMatchObject({ ok: true, value: { debugId: id, debugFile: "libVault.so", codeId: "AB12", codeFile: null, generator: null } });
});

test("it needs no line end after MODULE when that is the whole file", () => {
  expect(head(`MODULE mac x86_64 ${id} Vault`)).toMatchObject({ ok: true, value: { debugFile: "Vault" } });
});

test.each([
  // What people upload first.
  ["Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0", "a PDB"],
  ["\x7fELF\x02\x01\x01", "an ELF"],
  ["\xcf\xfa\xed\xfe\x07", "a Mach-O"],
  ["\xca\xfe\xba\xbe\0\0\0\x02", "a universal binary"],
  ["MZ\x90\0", "a Windows program"],
  ["PK\x03\x04\x14", "a zip archive"],
  ["!<arch>\n", "a static library"],
  ["MDMP\x93\xa7", "a minidump"],
  // Windows PowerShell 5 redirects as UTF-16.
  ["\xff\xfeM\0O\0D\0U\0L\0E\0", "UTF-16"],
  ["M\0O\0D\0U\0L\0E\0", "UTF-16"],
  // Walkers count the mark as corruption.
  ["\xef\xbb\xbfMODULE windows x86", "byte-order mark"],
  // A download step that was answered with a sign-in page.
  ["\r\n<!DOCTYPE html><html>", "a web page"],
  ["\x1f\x8b\x08\0\0", "gzip-compressed"],
  ["", "an empty file"],
  // Nothing known: the text itself helps.
  ["module windows", 'begins with "module windows"'],
])("it says what %j is instead", (text, expected) => {
  const result = readSymbolHeader(Buffer.from(text, "latin1"));
  expect(result).toMatchObject({ ok: false, problem: { code: "not_a_symbol_file", status: 400 } });
  expect(result.ok ? "" : result.problem.message).toContain(expected);
});

test.each([
  // No name.
  [`MODULE windows x86 ${id}\n`, "too few fields"],
  [`MODULE windows x86 ${id}   \n`, "too few fields"],
  // An id without age.
  [`MODULE windows x86 ${id.slice(0, 32)} a.pdb\n`, "33 to 40 hex digits"],
  // Tabs are not Breakpad's separator, and control characters end in logs and terminals.
  [`MODULE\twindows\tx86\t${id}\ta.pdb\n`, "control characters"],
  [`MODULE windows x86 ${id} a\0b.pdb\n`, "control characters"],
  // A name without an end.
  [`MODULE windows x86 ${id} ${"a".repeat(headerPrefixBytes)}`, "longer than 65536 bytes"],
])("it refuses a bad MODULE line: %#", (text, expected) => {
  const result = head(text);
  expect(result).toMatchObject({ ok: false, problem: { code: "bad_module_record" } });
  expect(result.ok ? "" : result.problem.message).toContain(expected);
  expect(result.ok ? 0 : result.problem.message.length).toBeLessThan(400);
});

test("any bytes give a header or one of the two problems", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => ["ok", "not_a_symbol_file", "bad_module_record"].includes(codeOf(bytes))));
});

test("any bytes after MODULE give a header or one of the two problems", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => codeOf(Buffer.concat([Buffer.from("MODULE "), bytes])) !== "not_a_symbol_file"));
});

test.each([
  ["VaultSynth.pdb", "VaultSynth.pdb"],
  // Hostile or merely careless: only the last component counts.
  ["../../../etc/passwd", "passwd"],
  ["C:\\build\\VaultSynth.pdb", "VaultSynth.pdb"],
  ["/a/b\\c.so", "c.so"],
  ["Vault Synth (ünïcode).so", "Vault Synth (ünïcode).so"],
  // Nothing that names a folder.
  ["", null],
  [".", null],
  ["..", null],
  ["a/", null],
  ["a\\..", null],
  // Nothing that ends a path early or draws on a terminal.
  ["a\0.so", null],
  ["a\nb", null],
  // Nothing that is another file on Windows.
  ["a.pdb:stream", null],
  ["NUL", null],
  ["con.sym", null],
  ["a.pdb.", null],
  // Lengths are bytes: 100 of these are 300.
  ["あ".repeat(100), null],
  ["a".repeat(201), null],
  ["a".repeat(200), "a".repeat(200)],
])("storeName(%j) is %j", (name, expected) => {
  const result = storeName(name);
  expect(result.ok ? result.value : null).toBe(expected);
});

test.each([
  ["VaultSynth.pdb", `VaultSynth.pdb/${id}/VaultSynth.sym`],
  ["VAULT.PDB", `VAULT.PDB/${id}/VAULT.sym`],
  ["libVault.so", `libVault.so/${id}/libVault.so.sym`],
  // Breakpad strips the ending only where something is left.
  [".pdb", `.pdb/${id}/.pdb.sym`],
])("storePath(%j)", (name, expected) => {
  expect(storePath(name, id)).toEqual({ ok: true, value: expected });
});

test("a store path never leaves the store, whatever the names", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom("/", "\\", ".", "a", ":", "\0") })), fc.oneof(fc.constant(id), fc.string()), (name, debugId) => {
      const result = storePath(name, debugId);
      return !result.ok || (result.value.split("/").length === 3 && result.value.split("/").every((part) => part !== "" && part !== "." && part !== "..") && !/[\\\0:]/.test(result.value));
    }),
  );
});
