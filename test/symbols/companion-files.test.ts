// Files that others refer to: where they are looked for, what is believed, and that
// nothing a file names can make a command hang, throw, or tell a stranger of it.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findSplit, findSupplement, isSplit, packagesBeside } from "../../symbols/companion-files.ts";
import { openDebugFile } from "../../symbols/compile.ts";
import { bytesOf, readBytes } from "../../symbols/file-bytes.ts";
import { joinPieces, type Piece } from "../../symbols/joined-bytes.ts";
import { damageAt, mutationCount } from "../support/damage.ts";

const built = path.join(import.meta.dirname, "../../fixtures/out/elf");

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "deadair-companions-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A file with a name of equal length for its .dwo files' folder, as if it were compiled so. */
function programNaming(dwoFolder: string) {
  const bytes = readFileSync(path.join(built, "gcc-5-dwo/halcyon.so"));
  const from = Buffer.from("/build/halcyon\0");
  for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1)) bytes.write(`${dwoFolder.padEnd(from.length - 1, "/").slice(0, from.length - 1)}\0`, at, "latin1");
  const at = path.join(folder, "halcyon.so");
  writeFileSync(at, bytes);
  return placed(at, bytes);
}

function placed(at: string, bytes: Uint8Array) {
  const opened = openDebugFile(bytesOf(bytes));
  if (!opened.ok) throw new Error(opened.problem.message);
  return { path: at, debugFile: opened.value };
}

describe("split DWARF", () => {
  it("is found from the program's folder on, and in the order of its units", () => {
    const program = programNaming("/nowhere");
    expect(isSplit(program.debugFile)).toBe(true);
    expect(findSplit(program, "halcyon.so")).toMatchObject({ files: [], pieces: [], units: 10, missing: { length: 10 } });
    cpSync(path.join(built, "gcc-5-dwo/dwo"), path.join(folder, "dwo"), { recursive: true });
    const found = findSplit(program, "halcyon.so");
    expect([found.files.length, found.units, found.missing]).toEqual([10, 10, []]);
    const names = found.files.map((file) => path.basename(file));
    const bundle = joinPieces(found.pieces);
    const text = readBytes(bundle.bytes, 0, bundle.bytes.size)!.toString("latin1");
    bundle.close();
    // Longer names stand in a table of their own.
    const places = names.filter((name) => name.length < 15).map((name) => text.indexOf(`${name}/ `));
    expect(places.every((place) => place > 0)).toBe(true);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  it("is believed by its id, of files with one name whichever it is", () => {
    const program = programNaming("/nowhere");
    const dwo = path.join(built, "gcc-5-dwo/dwo/engine.dwo");
    const other = path.join(built, "gcc-4-dwo/dwo/engine.dwo");
    const found = findSplit(program, "halcyon.so", (name) => (name === "engine.dwo" ? [other, dwo] : []));
    expect([found.files, found.missing.length]).toEqual([[dwo], 9]);
  });

  it("never waits for a pipe, reads a device, or asks a share", () => {
    for (const dwoFolder of ["//evil/share", "\\\\evil\\share", "/dev"]) expect(findSplit(programNaming(dwoFolder), "halcyon.so").files).toEqual([]);
    mkdirSync(path.join(folder, "dwo"));
    execFileSync("mkfifo", [path.join(folder, "dwo/engine.dwo")]);
    expect(findSplit(programNaming("/nowhere"), "halcyon.so").files).toEqual([]);
  });

  it("of packages takes the names that linkers' tools and debuggers use", () => {
    expect(packagesBeside("/a/halcyon.so")).toEqual(["/a/halcyon.so.dwp", "/a/halcyon.dwp"]);
    expect(packagesBeside("/a/halcyon.so.debug")).toEqual(["/a/halcyon.so.debug.dwp", "/a/halcyon.so.dwp", "/a/halcyon.dwp"]);
    expect(packagesBeside("/a.b/host")).toEqual(["/a.b/host.dwp"]);
  });

  it("of a damaged program, and in damaged files, is found or not", { timeout: 3_600_000 }, () => {
    const program = readFileSync(path.join(built, "clang-5-dwo/halcyon.so"));
    const pack = readFileSync(path.join(built, "clang-5-dwo/halcyon.so.dwp"));
    const [at, beside] = [path.join(folder, "halcyon.so"), path.join(folder, "halcyon.so.dwp")];
    let seed = 7;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % below;
    };
    for (let i = 0; i < mutationCount(600); i++) {
      const isPack = i % 2 === 0;
      const source = isPack ? pack : program;
      const damaged = damageAt(Buffer.from(source), random(source.length - 4), random);
      writeFileSync(beside, isPack ? damaged : pack);
      const opened = openDebugFile(bytesOf(isPack ? program : damaged));
      if (!opened.ok || !isSplit(opened.value)) continue;
      const { files, units, missing } = findSplit({ path: at, debugFile: opened.value }, "halcyon.so");
      expect(missing.length <= units && (files.length === 0 || missing.length < units)).toBe(true);
    }
  });
});

describe("what dwz took out", () => {
  const program = (at: string) => placed(at, readFileSync(path.join(built, "dwz-shared-4/halcyon.so")));

  it.each(["a/halcyon.dwz", ".dwz/halcyon.dwz", "a/.dwz/halcyon.dwz"])("is found as %s beside a/b/", (place) => {
    mkdirSync(path.join(folder, "a/b"), { recursive: true });
    mkdirSync(path.dirname(path.join(folder, place)), { recursive: true });
    cpSync(path.join(built, "dwz-shared-4/halcyon.dwz"), path.join(folder, place));
    const at = place === "a/halcyon.dwz" ? path.join(folder, "a/halcyon.so") : path.join(folder, "a/b/halcyon.so");
    expect(findSupplement(program(at))).toBe(path.join(folder, place));
  });

  it("is not what another build has there", () => {
    cpSync(path.join(built, "dwz-shared-5/halcyon.dwz"), path.join(folder, "halcyon.dwz"));
    expect(findSupplement(program(path.join(folder, "halcyon.so")))).toBe(null);
  });
});

describe("joined pieces", () => {
  it("read as if they were one file, at every place", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.uint8Array({ maxLength: 20 }), fc.boolean()), { maxLength: 8 }), fc.nat(80), fc.nat(80), (parts, offset, length) => {
        const pieces = parts.map(([bytes, isFile], i): Piece => {
          if (!isFile) return bytes;
          const at = path.join(folder, String(i));
          writeFileSync(at, bytes);
          return { path: at, size: bytes.length };
        });
        const whole = Buffer.concat(parts.map(([bytes]) => bytes));
        const joined = joinPieces(pieces);
        const target = Buffer.alloc(length);
        const isThere = offset + length <= whole.length;
        expect([joined.bytes.size, joined.bytes.read(offset, target)]).toEqual([whole.length, isThere]);
        if (isThere) expect(target.equals(whole.subarray(offset, offset + length))).toBe(true);
        joined.close();
      }),
      { numRuns: 200 },
    );
  });

  it("are of no use when a file was cut or is gone", () => {
    const at = path.join(folder, "a");
    writeFileSync(at, "12345678");
    const joined = joinPieces([Buffer.from("x"), { path: at, size: 8 }]);
    truncateSync(at, 4);
    expect([joined.bytes.read(0, Buffer.alloc(5)), joined.bytes.read(0, Buffer.alloc(9))]).toEqual([true, false]);
    joined.close();
    rmSync(at);
    expect([joined.bytes.read(0, Buffer.alloc(1)), joined.bytes.read(0, Buffer.alloc(2))]).toEqual([true, false]);
  });
});
