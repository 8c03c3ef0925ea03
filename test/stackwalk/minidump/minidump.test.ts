import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesSource, fileSource } from "../../../stackwalk/minidump/byte-source.ts";
import { breakpadSpelling, identifies } from "../../../stackwalk/minidump/code-view.ts";
import { inspectMinidump, type MinidumpSummary } from "../../../stackwalk/minidump/minidump.ts";
import { baseName } from "../../../stackwalk/minidump/module-list.ts";
import { buildMinidump, type SyntheticModule } from "../../support/minidump-builder.ts";

const GUID = "0123456789ABCDEF0123456789ABCDEF";

/** Looks at bytes that must be a minidump. */
function summary(bytes: Uint8Array): MinidumpSummary {
  const result = inspectMinidump(bytesSource(bytes));
  if (!result.ok) throw new Error(result.problem.message);
  return result.value;
}

/** The code and message of the refusal. */
function refusal(bytes: Uint8Array | string): string {
  const result = inspectMinidump(bytesSource(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes));
  return result.ok ? "accepted" : `${result.problem.code}: ${result.problem.message}`;
}

/** The only module of a dump that has just this one. */
function oneModule(module: Partial<SyntheticModule>, os: "windows" | "linux" | "mac" = "windows", bigEndian = false) {
  const { modules } = summary(buildMinidump({ os, bigEndian, modules: [{ name: "x", base: 0x1000_0000, ...module }], threads: [] }));
  if (modules.length !== 1 || !modules[0]) throw new Error(`${modules.length} modules`);
  return modules[0];
}

/** A dump with something of everything. */
const rich = buildMinidump({
  os: "windows",
  modules: [
    { name: "C:\\Live\\Live.exe", base: 0x1_4000_0000, debugId: `${GUID}1`, debugFile: "D:\\build\\Live.pdb", version: "12.1.0.7" },
    { name: "C:\\VST3\\Gain.vst3", base: 0x7ff8_0000_0000, debugId: `${GUID}2A`, debugFile: "Gain.pdb" },
  ],
  unloadedModules: [{ name: "C:\\VST3\\Old.vst3", base: 0x7ff9_0000_0000, size: 0x2000 }],
  threads: [
    { id: 7, name: "Audio ♪", stackBase: 0x7ffe_0000, stack: new Uint8Array(64), pc: 0x7ff8_0000_1234 },
    { id: 8, stackBase: 0x7fff_0000, stack: new Uint8Array(64), pc: 0x1_4000_1000 },
  ],
  exception: { threadId: 7, code: 0xc0000005, address: 0xdead },
  processId: 99,
  dumpThreadId: 8,
  annotations: { host: "Live 12", sample_rate: "48000" },
});

describe("what is no minidump", () => {
  const rows: [string, string | Uint8Array, string][] = [
    ["nothing at all", "", "not_a_minidump: The file is not a minidump: it is empty."],
    ["a body that the client compressed without saying so", "\x1f\x8b\x08\0\0", "not_a_minidump: The file is not a minidump: it looks like gzip data."],
    ["a zip, as support staff send", "PK\x03\x04abcd", "not_a_minidump: The file is not a minidump: it looks like a zip archive."],
    ["Windows Error Reporting's cabinet", "MSCF\0\0", "not_a_minidump: The file is not a minidump: it looks like a Windows cabinet (as Windows Error Reporting packs them)."],
    ["a core file of Linux", `\x7fELF\x02\x01\x01${"\0".repeat(9)}\x04\0\x3e\0`, "not_a_minidump: The file is not a minidump: it looks like an ELF core file."],
    ["the library instead of the crash", `\x7fELF\x02\x01\x01${"\0".repeat(9)}\x03\0\x3e\0`, "not_a_minidump: The file is not a minidump: it looks like an ELF program or library."],
    ["a core file of macOS", `\xcf\xfa\xed\xfe\x07\0\0\x01\x03\0\0\0\x04\0\0\0`, "not_a_minidump: The file is not a minidump: it looks like a Mach-O core file."],
    ["a dylib", `\xcf\xfa\xed\xfe\x07\0\0\x01\x03\0\0\0\x06\0\0\0`, "not_a_minidump: The file is not a minidump: it looks like a Mach-O program or library."],
    ["a sign-in page that was downloaded in place of the dump", "\r\n<!DOCTYPE html><html>", "not_a_minidump: The file is not a minidump: it looks like an HTML page."],
    // The classic client bug: the form is stored, not its part.
    ["a multipart body", '--xyz\r\nContent-Disposition: form-data; name="a"\r\n\r\n', "not_a_minidump: The file is not a minidump: it looks like a whole multipart body stored as the dump."],
    ["a stack trace as JSON", ' {"frames":[]}', "not_a_minidump: The file is not a minidump: it looks like JSON text."],
    ["a log", "Crashed again, sorry\n", "not_a_minidump: The file is not a minidump: it looks like text."],
    ["Chrome OS's report, which holds a dump", "upload_file_minidump\":40:MDMP\x93\xa7", "not_a_minidump: The file is not a minidump: it has a minidump at offset 25, behind something else."],
    ["other bytes", "\x01\x02\x03\x04\0", "not_a_minidump: The file is not a minidump: it starts with the bytes 01020304 instead of MDMP."],
    ["a kernel dump of 64-bit Windows", "PAGEDU64\x0f\0\0\0", "kernel_dump: The file is a Windows kernel dump (PAGEDU64): it tells of a crash of the whole machine, not of a program."],
    ["a kernel dump of 32-bit Windows", "PAGEDUMP\x0f\0\0\0", "kernel_dump: The file is a Windows kernel dump (PAGEDUMP): it tells of a crash of the whole machine, not of a program."],
    ["only the magic", "MDMP", "truncated_minidump: The minidump is cut short: its header needs 32 bytes and the file has 4."],
  ];
  it.each(rows)("is told for %s", (_, bytes, expected) => expect(refusal(bytes)).toBe(expected));

  it("is never without a hint", () => {
    for (const [, bytes] of rows) {
      const result = inspectMinidump(bytesSource(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes));
      expect(result.ok ? "" : result.problem.hint).toMatch(/\.$/);
    }
  });
});

describe("a summary", () => {
  it("holds what the dump says", () => {
    const { modules, threads, system, exception, ...rest } = summary(rich);
    expect(system).toEqual({
      platform: 2, os: "windows", osVersion: "10.0.19045", osVersionNumber: "10.0.19045", servicePack: "", arch: "amd64", cpu: "amd64",
      cpuInfo: "family 6 model 1 stepping 2", cpuCount: 4,
    });
    expect(modules.map((module) => [module.codeFile, module.base, module.debugFile, module.debugId, module.codeId, module.version])).toEqual([
      ["C:\\Live\\Live.exe", 0x1_4000_0000, "D:\\build\\Live.pdb", `${GUID}1`, "60000000100000", "12.1.0.7"],
      ["C:\\VST3\\Gain.vst3", 0x7ff8_0000_0000, "Gain.pdb", `${GUID}2A`, "60000000100000", null],
    ]);
    expect(threads).toEqual([
      { id: 7, name: "Audio ♪", stackPresent: true },
      { id: 8, name: null, stackPresent: true },
    ]);
    expect(exception).toEqual({ threadId: 7, code: 0xc0000005, address: 0xdead });
    expect(rest).toMatchObject({
      writtenAt: 1_700_000_000,
      processId: 99,
      dumpThreadId: 8,
      annotations: { host: "Live 12", sample_rate: "48000" },
      unloadedModules: [{ codeFile: "C:\\VST3\\Old.vst3", base: 0x7ff9_0000_0000, size: 0x2000, codeId: "600000002000" }],
      notes: [],
    });
  });

  it("is the same from a file", () => {
    const folder = mkdtempSync(join(tmpdir(), "deadair-test-"));
    writeFileSync(join(folder, "x.dmp"), rich);
    const fd = openSync(join(folder, "x.dmp"), "r");
    try {
      expect(inspectMinidump(fileSource(fd))).toEqual(inspectMinidump(bytesSource(rich)));
    } finally {
      closeSync(fd);
      rmSync(folder, { recursive: true });
    }
  });

  it("is the same in the other byte order", () => {
    const parts = { modules: [{ name: "a", base: 4096, debugId: `${GUID}1` }], threads: [{ id: 1, name: "t", stackBase: 64, stack: new Uint8Array(8), pc: 4096 }], os: "mac" } as const;
    expect(summary(buildMinidump({ ...parts, bigEndian: true }))).toEqual(summary(buildMinidump(parts)));
  });

  it("notes what is missing instead of refusing it", () => {
    expect(summary(buildMinidump({ withoutSystemInfo: true })).notes).toEqual(["The dump has no system info.", "The dump lists no modules.", "The dump lists no threads."]);
  });
});

describe("ids of a module", () => {
  it.each([
    // RSDS: the GUID is stored mixed-endian, the age is not padded.
    ["a PDB", { debugId: `${GUID}1` }, "windows", `${GUID}1`],
    // Ages beyond nine have letters; ours are upper case, Breakpad's paths lower.
    ["a PDB of a long incremental build", { debugId: `${GUID}1AF` }, "windows", `${GUID}1AF`],
    // A build id has no age: Breakpad puts 0.
    ["an ELF file", { buildId: "67452301ab89efcd0123456789abcdef99999999" }, "linux", `${GUID}0`],
    // lld's --build-id=fast makes eight bytes; the rest of the GUID is zero.
    ["an ELF file with a short build id", { buildId: "67452301ab89efcd" }, "linux", "0123456789ABCDEF00000000000000000"],
    // NB10: a time and an age.
    ["a PDB of before 2000", { codeView: Buffer.from("NB10\0\0\0\0\x78\x56\x34\x12\x0b\0\0\0old.pdb\0", "latin1") }, "windows", "12345678B"],
    // A name without an end would run into what follows; Breakpad drops the record too.
    ["an RSDS record whose name does not end", { codeView: Buffer.from(`RSDS${"\x01".repeat(20)}abc`, "latin1") }, "windows", null],
    ["embedded debug data", { codeView: Buffer.from("NB09\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "latin1") }, "windows", null],
    ["no record", {}, "windows", null],
  ] as const)("are read of %s", (_, module, os, id) => expect(oneModule(module, os).debugId).toBe(id));

  it("give the code id of the system's kind", () => {
    expect(oneModule({ timestamp: 0x0abc, size: 0xff000 }).codeId).toBe("00000ABCff000");
    expect(oneModule({ buildId: "67452301ab89efcd0123456789abcdef99999999" }, "linux").codeId).toBe("67452301ab89efcd0123456789abcdef99999999");
    expect(oneModule({ debugId: `${GUID}0` }, "mac").codeId).toBe(GUID.toLowerCase());
  });

  it("are spelled in paths as Breakpad spells them", () => {
    expect(breakpadSpelling(`${GUID}1AF`)).toBe(`${GUID}1af`);
    expect(breakpadSpelling("1234567ABF")).toBe("1234567Abf");
  });

  it("identify nothing when they are all zeros", () => {
    expect(identifies("0".repeat(33))).toBe(false);
    expect(identifies(null)).toBe(false);
    expect(identifies(`${GUID}0`)).toBe(true);
  });
});

it("takes base names of paths of any system", () => {
  expect(["/usr/lib/a.so", "C:\\x\\a.dll", "C:/x\\a.dll", "a", "a/", ""].map(baseName)).toEqual(["a.so", "a.dll", "a.dll", "a", "", ""]);
});

describe("any bytes", () => {
  it("cut anywhere give an answer: refused until the essential streams are there, accepted from then on", () => {
    const answers = Array.from(rich, (_, length) => refusal(rich.subarray(0, length)).split(":")[0]);
    const whole = answers.indexOf("accepted");
    expect(new Set(answers.slice(0, 4))).toEqual(new Set(["not_a_minidump"]));
    expect(new Set(answers.slice(4, whole))).toEqual(new Set(["truncated_minidump"]));
    expect(new Set(answers.slice(whole))).toEqual(new Set(["accepted"]));
    // Only the annotations are behind the exception.
    expect(rich.length - whole).toBeLessThan(150);
  });

  it.each([
    ["the directory of ten streams", 40, /: its stream directory lies at offset 32 with 120 bytes \(10 streams\) and the file has 40\.$/],
    ["the list of two threads", 200, /: its thread list lies at offset \d+ with 100 bytes and the file has 200\.$/],
  ])("cut in %s name offset and sizes", (_, length, told) => {
    expect(refusal(rich.subarray(0, length))).toMatch(told);
  });

  it("never throw: flipped bytes of a dump", () => {
    const flips = fc.array(fc.tuple(fc.nat(rich.length - 1), fc.nat(255)), { minLength: 1, maxLength: 24 });
    fc.assert(
      fc.property(flips, (changes) => {
        const bytes = Uint8Array.from(rich);
        for (const [at, value] of changes) bytes[at] = value;
        inspectMinidump(bytesSource(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  it("never throw: anything behind a magic", () => {
    fc.assert(
      fc.property(fc.constantFrom("MDMP", "PMDM", "PAGE", ""), fc.uint8Array({ maxLength: 600 }), (magic, bytes) => {
        inspectMinidump(bytesSource(Buffer.concat([Buffer.from(magic), bytes])));
      }),
      { numRuns: 2000 },
    );
  });

  it("never make work out of a number: counts of four billion in a small file", () => {
    const bytes = Uint8Array.from(rich);
    const view = new DataView(bytes.buffer);
    const directory = view.getUint32(12, true);
    for (let i = 0; i < view.getUint32(8, true); i++) {
      const rva = view.getUint32(directory + i * 12 + 8, true);
      // Every list starts with its count, but for these three kinds.
      if (![7, 15, 0x43500001].includes(view.getUint32(directory + i * 12, true))) view.setUint32(rva, 0xffffffff, true);
    }
    const start = performance.now();
    const { modules, threads } = summary(bytes);
    expect([modules.length, threads.length]).toEqual([2, 2]);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
