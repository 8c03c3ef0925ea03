// The container of a PDB: what is put into streams comes out, however the
// pages lie; what cannot be a container is refused with where and why.
import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { isPdb, openMsf } from "../../../symbols/pdb/msf.ts";
import { buildMsf, buildPdb, manyWords, words } from "../../support/pdb-builder.ts";

const patterned = (length: number, seed: number): Buffer => Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) * 13 + seed) & 0xff));

describe("streams", () => {
  it("are read back whole and in parts, for any page size and order of pages", () => {
    const property = fc.property(
      fc.constantFrom(512, 1024, 2048, 4096, 8192, 16_384, 32_768),
      fc.boolean(),
      fc.array(fc.nat(70_000), { maxLength: 6 }),
      fc.array(fc.tuple(fc.nat(80_000), fc.nat(80_000)), { maxLength: 12 }),
      (pageBytes, isScattered, sizes, parts) => {
        const streams = sizes.map((size, i) => (size % 5 === 4 ? null : patterned(size, i)));
        const msf = openMsf(bytesOf(buildMsf(streams, { pageBytes, isScattered })));
        if (!msf.ok) throw new Error(msf.problem.message);
        expect(msf.value.streamCount).toBe(streams.length);
        for (const [i, stream] of streams.entries()) {
          expect(msf.value.size(i)).toBe(stream?.length ?? -1);
          expect(msf.value.read(i, 0, stream?.length ?? 0)).toEqual(stream);
          for (const [offset, length] of parts) {
            const isThere = stream !== null && offset + length <= stream.length;
            expect(msf.value.read(i, offset, length)).toEqual(isThere ? stream.subarray(offset, offset + length) : null);
          }
        }
        expect(msf.value.read(streams.length, 0, 0)).toBeNull();
        expect(msf.value.read(-1, 0, 0)).toBeNull();
      },
    );
    fc.assert(property, { numRuns: 60 });
  });

  it("have a directory whose list of pages takes several pages", () => {
    // 20,000 streams: a directory of 160 kB, 313 pages of 512 bytes, whose numbers take 3 pages.
    const streams = Array.from({ length: 20_000 }, (_, i) => Buffer.of(i & 0xff, i >> 8));
    const msf = openMsf(bytesOf(buildMsf(streams, { pageBytes: 512, isScattered: true })));
    expect(msf.ok && msf.value.read(19_999, 0, 2)).toEqual(Buffer.of(19_999 & 0xff, 19_999 >> 8));
  });

  it("that lie in one run are one read", () => {
    let reads = 0;
    const file = bytesOf(buildMsf([patterned(100_000, 1)]));
    const msf = openMsf({ size: file.size, read: (offset, target) => (reads++, file.read(offset, target)) });
    const opening = reads;
    expect(msf.ok && msf.value.read(0, 10, 99_000)).toEqual(patterned(100_000, 1).subarray(10, 99_010));
    expect(reads - opening).toBe(1);
  });
});

const good = buildMsf([Buffer.alloc(5000), Buffer.alloc(100)]);
const changed = (offset: number, value: number, bytes = good): Buffer => {
  const copy = Buffer.from(bytes);
  copy.writeUInt32LE(value, offset);
  return copy;
};
/** The directory of `good` begins on this page: three pages, then 2 for the first stream and 1 for the second. */
const directoryOffset = 6 * 4096;

const refusals: readonly { readonly why: string; readonly bytes: Buffer; readonly code: string; readonly says: string }[] = [
  { why: "an empty file", bytes: Buffer.alloc(0), code: "malformed_pdb", says: "it does not begin with" },
  { why: "text", bytes: Buffer.from("MODULE windows"), code: "malformed_pdb", says: "it does not begin with" },
  { why: "Visual C++ 6", bytes: Buffer.from("Microsoft C/C++ program database 2.00\r\n\x1aJG\0\0"), code: "pdb_2", says: "Visual C++ 6" },
  { why: ".NET", bytes: Buffer.from("BSJB\x01\0\x01\0"), code: "portable_pdb", says: "native code only" },
  { why: "Microsoft's compressed container", bytes: Buffer.from("Microsoft MSFZ Container\r\n\x1aALD\0\0"), code: "compressed_pdb", says: "MSFZ" },
  { why: "a superblock that is cut", bytes: good.subarray(0, 50), code: "malformed_pdb", says: "it ends at byte 50, in its superblock of 52 bytes" },
  { why: "an upload that was cut", bytes: good.subarray(0, 5000), code: "malformed_pdb", says: "8 pages of 4096 bytes, but it ends at byte 5000" },
  { why: "a page size that is no power of two", bytes: changed(32, 3000), code: "malformed_pdb", says: "the page size at offset 32 is 3000" },
  { why: "a page size of 0", bytes: changed(32, 0), code: "malformed_pdb", says: "the page size at offset 32 is 0" },
  { why: "a page size beyond what linkers know", bytes: changed(32, 65_536), code: "malformed_pdb", says: "from 512 to 32768" },
  { why: "a directory larger than the file", bytes: changed(44, 0x7fffffff), code: "malformed_pdb", says: "the directory's size at offset 44 is 2147483647 bytes" },
  { why: "a directory of nothing", bytes: changed(44, 0), code: "malformed_pdb", says: "the directory's size at offset 44 is 0 bytes" },
  { why: "a list of the directory's pages beyond the end", bytes: changed(52, 99), code: "malformed_pdb", says: "which offset 52 points to, is beyond the file's end" },
  { why: "a page of the directory beyond the end", bytes: changed(7 * 4096, 0xfffffff0), code: "malformed_pdb", says: "a page of the stream directory is beyond" },
  { why: "more streams than the directory has room for", bytes: changed(directoryOffset, 1000), code: "malformed_pdb", says: "says that it has 1000 streams" },
  { why: "a stream larger than the directory has pages for", bytes: changed(directoryOffset + 4, 4096 * 9), code: "malformed_pdb", says: "stream 0 of 2 is said to have 36864 bytes" },
];

describe("what is no container", () => {
  it.each(refusals)("is refused: $why", ({ bytes, code, says }) => {
    const msf = openMsf(bytesOf(bytes));
    expect(msf.ok ? "" : msf.problem.code).toBe(code);
    expect(msf.ok ? "" : msf.problem.message).toContain(says);
  });

  it("may have pages of streams beyond its end, which then cannot be read", () => {
    const msf = openMsf(bytesOf(changed(directoryOffset + 12, 0x00ffffff)));
    expect(msf.ok && msf.value.size(0)).toBe(5000);
    expect(msf.ok && msf.value.read(0, 0, 10)).toBeNull();
    expect(msf.ok && msf.value.read(0, 4096, 10)).toEqual(Buffer.alloc(10));
  });

  it("does not make the reader take many times its size, with all streams on one page", () => {
    // 500 streams of 1 MB in 5 pages: real linkers never share a page, so the directory is refused.
    const pages = 5 * 256;
    const directory = words(5, ...Array.from({ length: 5 }, () => 256 * 4096), ...Array.from({ length: pages }, () => 3));
    const bytes = buildMsf([directory]);
    bytes.writeUInt32LE(directory.length, 44);
    // The map's page names the stream's pages as those of the directory.
    words(3, 4).copy(bytes, bytes.readUInt32LE(52) * 4096);
    const msf = openMsf(bytesOf(bytes));
    expect(msf.ok ? "" : msf.problem.message).toMatch(/stream \d of 5 is said to have 1048576 bytes/);
  });
});

it("a PDB of any kind is told by its first bytes", () => {
  const heads = ["Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0", "Microsoft C/C++ program database 2.00\r\n", "Microsoft MSFZ Container\r\n", "BSJB", "MZ", "MODULE", "", "Microsoft C/C++ MSF 8.00"];
  expect(heads.map((head) => isPdb(Buffer.from(head, "latin1")))).toEqual([true, true, true, true, false, false, false, false]);
});

it("a PDB of 1 GB is opened and its facts are told in 16 MB more than Node needs for the readers' sources", { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "pdb-"));
  try {
    const path = join(folder, "huge.pdb");
    makeHuge(path);
    const script = `
      import { openFile } from ${JSON.stringify(resolve(import.meta.dirname, "../../../symbols/file-bytes.ts"))};
      import { openPdb } from ${JSON.stringify(resolve(import.meta.dirname, "../../../symbols/pdb/pdb.ts"))};
      const before = process.resourceUsage().maxRSS;
      const file = openFile(process.argv[1]);
      const pdb = openPdb(file.value.bytes);
      console.log(JSON.stringify([file.value.bytes.size, pdb.value.facts.debugId, pdb.value.facts.holds.publics, process.resourceUsage().maxRSS - before, process.memoryUsage().arrayBuffers]));`;
    const [size, debugId, publics, kilobytes, arrayBytes] = JSON.parse(execFileSync(process.execPath, ["--input-type=module", "-e", script, path], { encoding: "utf8" })) as [number, string, boolean, number, number];
    expect(size).toBeGreaterThan(1e9);
    expect(debugId).toBe("33221100554477668899AABBCCDDEEFF1");
    expect(publics).toBe(true);
    expect(kilobytes).toBeLessThan(16_000);
    expect(arrayBytes).toBeLessThan(16_000_000);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Writes a sparse PDB whose module has a stream of 1 GB of zeros. */
function makeHuge(path: string): void {
  const small = openMsf(bytesOf(buildPdb({ sections: [{ rva: 0x1000, bytes: 0x100, isCode: true }], publics: [{ name: "f", section: 1, offset: 0 }], modules: [{ name: "a.obj", symbols: [Buffer.alloc(4)] }] })));
  if (!small.ok) throw new Error(small.problem.message);
  const { streamCount, size, read } = small.value;
  const streams = Array.from({ length: streamCount }, (_, i) => read(i, 0, Math.max(0, size(i))));
  const bigStream = streams.findIndex((stream) => stream !== null && stream.length === 12);
  const pages = 262_144;
  let next = 3 + pages;
  const descriptor = openSync(path, "w");
  const put = (bytes: Buffer): number[] => {
    writeSync(descriptor, bytes, 0, bytes.length, next * 4096);
    return Array.from({ length: Math.ceil(bytes.length / 4096) }, () => next++);
  };
  const lists = streams.map((stream, i) => (i === bigStream ? Array.from({ length: pages }, (_, page) => 3 + page) : stream === null ? [] : put(stream)));
  const directory = manyWords([streamCount, streams.map((stream, i) => (i === bigStream ? pages * 4096 : (stream?.length ?? 0xffffffff))), lists].flat(3));
  const map = put(manyWords(put(directory)));
  writeSync(descriptor, Buffer.from("Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0", "latin1"), 0, 32, 0);
  writeSync(descriptor, words(4096, 1, next, directory.length, 0, ...map), 0, 20 + 4 * map.length, 32);
  ftruncateSync(descriptor, next * 4096);
  closeSync(descriptor);
}
