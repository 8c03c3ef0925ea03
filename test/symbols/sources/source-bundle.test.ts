// Source bundles: as other tools make them, as we do, and what is odd or hostile.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import type { Result } from "../../../config/problem.ts";
import { compileBytes, openDebugFile } from "../../../symbols/compile.ts";
import { bytesOf, type FileBytes } from "../../../symbols/file-bytes.ts";
import { writeSourceBundle } from "../../../symbols/sources/bundle-writer.ts";
import { findSource, openSources } from "../../../symbols/sources/source-bundle.ts";
import { damageAt, mutationCount } from "../../support/damage.ts";
import { randomFrom } from "../../support/minidump/mutation.ts";
import { buildBundle, buildZip, bundleHead, dashedId, debugId } from "./bundle-builder.ts";

const folder = mkdtempSync(path.join(os.tmpdir(), "deadair-sources-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const files = { "/build/halcyon/plugin/engine.cpp": "int a;\nint b;\n", "/build/halcyon/plugin/engine.h": "#pragma once\n" };
const [engine] = Object.keys(files) as [string];
const module = { debugId, debugFile: "Halcyon.pdb", codeId: "65A1B2C31F000", arch: "x86_64" };

const find = (bundle: Buffer, at: string): Result<string | null> => findSource(bytesOf(bundle), at);
const codeOf = (result: Result<unknown>): string => (result.ok ? "ok" : result.problem.code);

let written = 0;
/** The bytes that our writer makes of some files. */
function write(sources: { readonly [at: string]: string | Uint8Array | null }, of = module): Buffer {
  const at = path.join(folder, `${written++}.zip`);
  writeSourceBundle(at, of, Object.entries(sources).map(([name, content]) => ({ path: name, read: () => (content === null ? null : Buffer.from(content)) })));
  return readFileSync(at);
}

describe("a bundle as sentry-cli makes one", () => {
  it("says whose sources it has, and adds nothing to a cache", () => {
    const bundle = buildBundle(files, { code_id: "65a1b2c31f000" });
    const opened = openDebugFile(bytesOf(bundle));
    expect(opened).toMatchObject({ ok: true, value: { facts: { kind: "sources", debugId, debugFile: "Halcyon.pdb", codeId: "65A1B2C31F000", archName: "x86_64", arch: null, os: "", holds: { functions: false, lines: false, unwind: false } } } });
    expect(compileBytes([bytesOf(bundle)]).ok).toBe(true);
  });

  it("gives its files by the paths of the debug information", () => {
    const bundle = buildBundle(files);
    expect(Object.keys(files).map((at) => find(bundle, at))).toEqual(Object.values(files).map((value) => ({ ok: true, value })));
    expect(find(bundle, "/build/halcyon/plugin/other.cpp")).toEqual({ ok: true, value: null });
    // Names in the archive are no paths.
    expect(find(bundle, "files/build/halcyon/plugin/engine.cpp")).toEqual({ ok: true, value: null });
  });

  it.each<[string, Buffer]>([
    ["stored", buildBundle(files, {}, { method: 0 })],
    ["with sizes behind contents", buildBundle(files, {}, { descriptor: true })],
    ["with numbers of 64 bits", buildBundle(files, {}, { wide: true, wideEnd: true })],
    ["with offsets that do not count its head", buildBundle(files, {}, { relative: true })],
    ["with 64 bits and such offsets", buildBundle(files, {}, { wide: true, wideEnd: true, relative: true })],
    ["with comments", buildBundle(files, {}, { comment: "PK\x05\x06 made by hand" })],
    ["with fields of its own before contents", buildBundle(files, {}, { extra: Buffer.from("abcd") })],
    ["of version 1", buildBundle(files, {}, { head: Buffer.from("SYSB\x01\0\0\0", "latin1") })],
    ["with a bare UUID", buildBundle(files, { debug_id: "3fa85f64-5717-4562-b3fc-2c963f66afa6" })],
  ])("may be %s", (_how, bundle) => {
    expect(openSources(bytesOf(bundle)).ok).toBe(true);
    expect(find(bundle, engine)).toEqual({ ok: true, value: files["/build/halcyon/plugin/engine.cpp"] });
  });

  it("gives text whatever its bytes are", () => {
    const bundle = buildZip([{ name: "f", content: Buffer.from([0x61, 0xff, 0x0a]) }, { name: "manifest.json", content: JSON.stringify({ files: { f: { path: "/a.c" } }, debug_id: dashedId }) }]);
    expect(find(bundle, "/a.c")).toEqual({ ok: true, value: "a\ufffd\n" });
  });
});

describe("what is no good is refused", () => {
  const manifest = (value: unknown): Buffer => buildZip([{ name: "f", content: "x" }, { name: "manifest.json", content: typeof value === "string" ? value : JSON.stringify(value) }]);
  const good = { files: { f: { path: "/a.c", type: "source" } }, debug_id: dashedId };
  const bad: [string, string, Buffer][] = [
    ["nothing behind its head", "malformed_source_bundle", bundleHead],
    ["half a head", "malformed_source_bundle", bundleHead.subarray(0, 6)],
    ["version 3", "unsupported_source_bundle", buildBundle(files, {}, { head: Buffer.from("SYSB\x03\0\0\0", "latin1") })],
    ["no manifest", "malformed_source_bundle", buildZip([{ name: "f", content: "x" }])],
    ["a manifest that is no JSON", "malformed_source_bundle", manifest("{")],
    ["a manifest that is a list", "malformed_source_bundle", manifest([])],
    ["no debug id, as JavaScript's", "foreign_source_bundle", manifest({ files: good.files, org: "x", release: "y" })],
    ["a debug id from the prototype", "foreign_source_bundle", manifest('{"files":{},"__proto__":{"debug_id":"3fa85f64-5717-4562-b3fc-2c963f66afa6"}}')],
    ["a debug id that is none", "foreign_source_bundle", manifest({ ...good, debug_id: "../../x" })],
    ["files that are not there", "foreign_source_bundle", manifest({ ...good, files: { g: { path: "/a.c" } } })],
    ["files without paths", "foreign_source_bundle", manifest({ ...good, files: { f: { url: "~/a.js" } } })],
    ["source maps", "foreign_source_bundle", manifest({ ...good, files: { f: { path: "/a.c", type: "source_map" } } })],
    ["files that are no objects", "foreign_source_bundle", manifest({ ...good, files: { f: 1, g: null, h: [] } })],
    ["a manifest that would take much memory", "malformed_source_bundle", manifest(`${JSON.stringify(good).slice(0, -1)},"more":[${"[],".repeat(5000)}0]}`)],
    ["two files of one name", "malformed_source_bundle", buildZip([{ name: "f", content: "x" }, { name: "f", content: "y" }, { name: "manifest.json", content: JSON.stringify(good) }])],
    ["fewer files than it says", "malformed_source_bundle", buildBundle(files, {}, { count: 9 })],
    ["more files than are read", "unsupported_source_bundle", buildBundle(files, {}, { wideEnd: true, count: 2 ** 40 })],
    ["bytes behind its end", "malformed_source_bundle", Buffer.concat([buildBundle(files), Buffer.from("x")])],
    ["its end cut off", "malformed_source_bundle", buildBundle(files).subarray(0, -1)],
  ];
  it.each(bad)("%s: %s", (_what, code, bundle) => {
    expect(codeOf(openSources(bytesOf(bundle)))).toBe(code);
    expect([code, "ok"]).toContain(codeOf(find(bundle, "/a.c")));
  });

  const entries: [string, string, object][] = [
    ["encrypted", "unsupported_source_bundle", { flags: 1 }],
    ["encrypted strongly", "unsupported_source_bundle", { flags: 0x40 }],
    ["compressed by another method", "unsupported_source_bundle", { method: 93 }],
    ["of another checksum", "malformed_source_bundle", { crc: 1 }],
    ["longer than it says", "malformed_source_bundle", { size: 1 }],
    ["shorter than it says", "malformed_source_bundle", { size: 9 }],
    ["longer than a file may be", "unsupported_source_bundle", { size: 0x7fff_ffff }],
    ["stored with two sizes", "malformed_source_bundle", { method: 0, size: 5 }],
  ];
  it.each(entries)("a file that is %s: %s", (_what, code, odd) => {
    const bundle = buildZip([{ name: "f", content: "xxxx", ...odd }, { name: "manifest.json", content: JSON.stringify(good) }]);
    expect([codeOf(openSources(bytesOf(bundle))), codeOf(find(bundle, "/a.c"))]).toEqual(["ok", code]);
  });

  it("a file that inflates for ever, before it has", () => {
    const zeros = Buffer.alloc(64 * 1024 * 1024);
    const bundles = [100, 8 * 1024 * 1024].map((size) => buildZip([{ name: "f", content: zeros, size, crc: crc32(zeros.subarray(0, size)) }, { name: "manifest.json", content: JSON.stringify(good) }]));
    const before = process.memoryUsage().arrayBuffers;
    for (const bundle of bundles) expect(codeOf(find(bundle, "/a.c"))).toBe("malformed_source_bundle");
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(30 * 1024 * 1024);
  });
});

describe("which file a path names", () => {
  const rows: [string, string[], string, string | null][] = [
    // Separators and detours do not matter.
    ["other separators", ["D:\\a\\b.cpp"], "D:/a/b.cpp", "D:\\a\\b.cpp"],
    ["doubled separators", ["/a//b.cpp"], "/a/b.cpp", "/a//b.cpp"],
    ["a detour in the bundle", ["/a/src/../b.cpp"], "/a/b.cpp", "/a/src/../b.cpp"],
    ["a detour in the debug information", ["/a/b.cpp"], "/a/./x/../b.cpp", "/a/b.cpp"],
    ["a relative path", ["./src/b.cpp"], "src/b.cpp", "./src/b.cpp"],
    // Case does where it may.
    ["another case on Windows", ["D:\\A\\B.cpp"], "d:\\a\\b.CPP", "D:\\A\\B.cpp"],
    ["another case elsewhere", ["/A/b.cpp"], "/a/b.cpp", null],
    // A wrong file is worse than none.
    ["the same end", ["/a/src/b.cpp"], "src/b.cpp", null],
    ["a longer end", ["src/b.cpp"], "/a/src/b.cpp", null],
    ["a folder more than the root has", ["/../b.cpp"], "/b.cpp", null],
    ["folders above a relative path", ["../../b.cpp"], "b.cpp", null],
    ["two that may be meant", ["D:\\a\\b.cpp", "D:/A/b.cpp"], "d:\\a\\B.cpp", null],
    ["two, one of which it is", ["D:/A/b.cpp", "D:\\a\\b.cpp"], "D:\\a\\b.cpp", "D:\\a\\b.cpp"],
    ["nothing", ["/a/b.cpp"], "", null],
  ];
  it.each(rows)("%s", (_what, paths, asked, found) => {
    const list = Object.fromEntries(paths.map((at, i) => [`f${i}`, { path: at }]));
    const bundle = buildZip([...paths.map((at, i) => ({ name: `f${i}`, content: at })), { name: "manifest.json", content: JSON.stringify({ files: list, debug_id: dashedId }) }]);
    expect(find(bundle, asked)).toEqual({ ok: true, value: found });
  });
});

describe("our own bundles", () => {
  it("are these bytes", () => {
    const bundle = write({ "D:\\halcyon\\b.h": "b\n", "/a/é.c": "x".repeat(100) });
    expect(bundle.toString("base64").match(/.{1,76}/g)).toEqual([
      "U1lTQgIAAABQSwMEFAAACAgAAAAhAI9dDl4GAAAAZAAAAAwAAABmaWxlcy9hL8OpLmOrqKA9AABQ",
      "SwMEFAAACAAAAAAhAMTyx/YCAAAAAgAAABMAAABmaWxlcy9EL2hhbGN5b24vYi5oYgpQSwMEFAAA",
      "CAgAAAAhAEt6AuyrAAAA+QAAAA0AAABtYW5pZmVzdC5qc29ufY5NDoJAFIPv0vUM/zxx1iw8BAl5",
      "85gRjAJBTDSGA3kOL2YIunXXpl/TPuG7s7vCPDcRcvh+BbL6+TE6GFyH2yQOCiPPLQx+xKK+jTJs",
      "+SyPoQ9t0P4plqaqvmRVreiyKPAka3YvqKYMCjI0ru4aGFDOsU0kjX0URVBonL0dtyj1XOSeMp3v",
      "4p3Ockq0Tb3oRPaUeiL2TDqGwmBPTua658t66LCNB2NjsXwAUEsBAhQAFAAACAgAAAAhAI9dDl4G",
      "AAAAZAAAAAwAAAAAAAAAAAAAAAAACAAAAGZpbGVzL2Evw6kuY1BLAQIUABQAAAgAAAAAIQDE8sf2",
      "AgAAAAIAAAATAAAAAAAAAAAAAAAAADgAAABmaWxlcy9EL2hhbGN5b24vYi5oUEsBAhQAFAAACAgA",
      "AAAhAEt6AuyrAAAA+QAAAA0AAAAAAAAAAAAAAAAAawAAAG1hbmlmZXN0Lmpzb25QSwUGAAAAAAMA",
      "AwC2AAAAQQEAAAAA",
    ]);
  });

  it("are the same for the same files, in whatever order they come", () => {
    expect(write({ "/b.c": "b", "/a.c": "a" }).equals(write({ "/a.c": "a", "/b.c": "b" }))).toBe(true);
  });

  it("give back what was put in, by its path", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1, unit: "grapheme" }), fc.string(), { maxKeys: 8 }), (some) => {
        // Paths that no build has: a surrogate alone is not UTF-8, and an object keeps numbers in an order of their own.
        const sources = Object.fromEntries(Object.entries(some).map(([name, content]) => [`/${name.toWellFormed()}`, content.toWellFormed()]));
        const bundle = write(sources);
        for (const [at, content] of Object.entries(sources)) expect(find(bundle, at)).toEqual({ ok: true, value: content.replace(/^\ufeff/, "") });
      }),
      { numRuns: 60 },
    );
  });

  it("give paths that would be called alike names of their own, and leave out what is gone", () => {
    const bundle = write({ "/a/b.c": "1", "\\a\\b.c": "2", "C:/a.c": "3", "C/a.c": "4", "/gone.c": null });
    expect(["/a/b.c", "\\a\\b.c", "C:/a.c", "C/a.c", "/gone.c"].map((at) => find(bundle, at))).toEqual([..."1234", null].map((value) => ({ ok: true, value })));
    expect(bundle.includes("gone")).toBe(false);
  });

  it("keep the debug id, whatever its age", () => {
    for (const age of ["0", "1", "A1B2"]) {
      const id = `${debugId.slice(0, 32)}${age}`;
      expect(openSources(bytesOf(write({ "/a.c": "a" }, { ...module, debugId: id })))).toMatchObject({ value: { facts: { debugId: id, codeId: module.codeId } } });
    }
  });

  const unzip = spawnSync("python3", ["--version"]).status === 0;
  it.skipIf(!unzip)("are read by Python's zipfile, checksums and all", () => {
    write({ "/a/é.c": "x".repeat(1000), "/empty.c": "", "/b.c": "b" });
    const script = "import json, sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nprint(json.dumps([z.namelist(), json.loads(z.read('manifest.json'))]))";
    const run = spawnSync("python3", ["-c", script, path.join(folder, `${written - 1}.zip`)], { encoding: "utf8" });
    expect(run.stderr).toBe("");
    expect(JSON.parse(run.stdout)).toEqual([
      ["files/a/é.c", "files/b.c", "files/empty.c", "manifest.json"],
      {
        files: { "files/a/é.c": { type: "source", path: "/a/é.c" }, "files/b.c": { type: "source", path: "/b.c" }, "files/empty.c": { type: "source", path: "/empty.c" } },
        arch: "x86_64",
        code_id: "65a1b2c31f000",
        debug_id: dashedId,
        object_name: "Halcyon.pdb",
      },
    ]);
  });
});

describe("damaged bundles", () => {
  it("throw nothing, give no file that is not the right one, and cost little", { timeout: 120_000 }, () => {
    const originals = [buildBundle(files), buildBundle(files, {}, { method: 0, wide: true, wideEnd: true }), write(files)];
    const random = randomFrom(20261124);
    const counts = { opened: 0, found: 0, slowest: 0 };
    const total = mutationCount();
    for (let round = 0; round < total; round++) {
      let bundle = Buffer.from(originals[round % originals.length]!);
      for (let times = 1 + random(3); times > 0 && bundle.length > 8; times--) bundle = damageAt(bundle, random(bundle.length - 4), random);
      const since = performance.now();
      if (openSources(bytesOf(bundle)).ok) counts.opened++;
      const found = find(bundle, engine);
      counts.slowest = Math.max(counts.slowest, performance.now() - since);
      if (!found.ok || found.value === null) continue;
      // A checksum holds contents; which of the two it is, only the manifest says. Zeros over all numbers of an entry are those of an empty file.
      expect([...Object.values(files), ""]).toContain(found.value);
      counts.found++;
    }
    expect(counts.opened).toBeGreaterThan(total / 50);
    expect(counts.found).toBeGreaterThan(total / 50);
    expect(counts.slowest).toBeLessThan(1000);
  });

  it("that are cut anywhere are refused", () => {
    const bundle = buildBundle(files);
    for (let length = 0; length < bundle.length; length++) expect(find(bundle.subarray(0, length), engine).ok).toBe(false);
  });

  it("throw what the disk throws", () => {
    const failing: FileBytes = {
      size: 100,
      read() {
        throw new Error("the disk is gone");
      },
    };
    expect(() => findSource(failing, engine)).toThrow("the disk is gone");
  });
});
