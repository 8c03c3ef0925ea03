// PDBs that were made to take long or to fill the memory: each names one thing
// many times, where a linker's has many things. Small as they are, a reader
// without limits would need minutes or gigabytes for any of them.
import { describe, expect, it } from "vitest";
import { ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import { openDebugFile } from "../../../symbols/compile.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { openMsf } from "../../../symbols/pdb/msf.ts";
import { buildMsf, buildPdb, halves, manyWords, nulText, subsectionRecord, symbolRecord, words } from "../../support/pdb-builder.ts";
import { proc, site } from "./module-records.ts";

/** Milliseconds that any of them may take, on a busy machine. */
const patience = 3000;
const sections = [{ rva: 0x1000, bytes: 0x100_0000, isCode: true }];

/** The streams of a PDB, to put another one together. */
function streamsOf(pdb: Buffer): (Buffer | null)[] {
  const msf = openMsf(bytesOf(pdb));
  if (!msf.ok) throw new Error(msf.problem.message);
  const { streamCount, size, read } = msf.value;
  return Array.from({ length: streamCount }, (_, i) => read(i, 0, Math.max(0, size(i))));
}

/** A PDB whose modules, of the names given, all have the stream of the first. */
function withSharedStream(pdb: Buffer, names: readonly string[]): Buffer {
  const streams = streamsOf(pdb);
  const dbi = streams[3]!;
  const listBytes = dbi.readUInt32LE(24);
  const first = dbi.subarray(64, 128);
  const list = Buffer.concat(
    names.map((name) => {
      const module = Buffer.concat([first, nulText(name), nulText("")]);
      return Buffer.concat([module, Buffer.alloc(-module.length & 3)]);
    }),
  );
  const head = Buffer.from(dbi.subarray(0, 64));
  head.writeUInt32LE(list.length, 24);
  streams[3] = Buffer.concat([head, list, dbi.subarray(64 + listBytes)]);
  return buildMsf(streams);
}

/** A stream 1 whose named streams are one text, of which each name is an end. */
function overlappingStreamNames(): Buffer {
  const streams = streamsOf(buildPdb({ sections }));
  const texts = 1_000_000;
  const entries = 200_000;
  const table = manyWords(Array.from({ length: entries * 2 }, (_, i) => (i % 2 === 0 ? i / 2 : 5)));
  streams[1] = Buffer.concat([streams[1]!.subarray(0, 28), words(texts), Buffer.alloc(texts - 1, 0x61), Buffer.of(0), words(entries, entries, 0, 0), table]);
  return buildMsf(streams);
}

/** Names of functions in the linker's spelling of which each is nearly that of the public symbol at the address. */
function longNames(): Buffer {
  const own = `${"a".repeat(30_000)}b`;
  const publics = Array.from({ length: 60 }, (_, i) => ({ name: `?${"a".repeat(60_000)}${i}`, section: 1, offset: i }));
  return buildPdb({ sections, publics, modules: [{ name: "a.obj", symbols: publics.flatMap(({ offset }) => proc(own, offset, 1)) }] });
}

/** Inlined functions that all lie in one namespace of a long name. */
function longScope(): Buffer {
  const count = 90_000;
  const ids = [Buffer.concat([halves(0x1605), words(0), nulText("n".repeat(4000))]), ...Array.from({ length: count }, (_, i) => Buffer.concat([halves(0x1601), words(0x1000, 0), nulText(`f${i}`)]))];
  const sites = Array.from({ length: count }, (_, i) => site(0x1001 + i, [11, 0x10, 4, 1])).flat();
  return buildPdb({ sections, ids, modules: [{ name: "a.obj", symbols: proc("f", 0, count, sites) }] });
}

/** A module that imports from many others, all of which have one long stream of exports. */
function sharedExports(): Buffer {
  const names = Array.from({ length: 2000 }, (_, i) => `m${i}`);
  let at = 1;
  const imports = names.map((name) => {
    const entry = words(at, 1, 0x1000);
    at += name.length + 1;
    return entry;
  });
  const types = [Buffer.concat([halves(0x1201), words(0)])];
  const functions = names.flatMap((_, i) => proc(`f${i}`, i, 1, [], { type: (0x80000000 | (i << 20)) >>> 0 }));
  const c13 = Buffer.concat([subsectionRecord(0xf7, ...imports), subsectionRecord(0xff, Buffer.alloc(8_000_000))]);
  return withSharedStream(buildPdb({ sections, types, names, modules: [{ name: "m", symbols: functions, c13 }] }), names);
}

/** Frame data of object files, of which all modules have the same. */
function sharedFrames(): Buffer {
  const frame = Buffer.concat([words(0x10, 0x10, 0, 0, 0, 1), halves(0, 0), words(0)]);
  const c13 = subsectionRecord(0xf5, words(0x1000), ...Array.from({ length: 60_000 }, () => frame));
  const pdb = buildPdb({ sections, machine: 0x14c, names: ["$T0 .raSearch = $eip $T0 ^ = $esp $T0 4 + ="], modules: [{ name: "m", symbols: [symbolRecord(6)], c13 }] });
  return withSharedStream(pdb, Array.from({ length: 20_000 }, () => "m"));
}

/** One module of many checksums, and then many of one. */
function sweptFiles(): Buffer {
  const entries = 1_000_000;
  const checksums = subsectionRecord(0xf4, Buffer.alloc(entries * 8));
  const lines = (count: number): Buffer => subsectionRecord(0xf2, words(0), halves(1, 0), words(0x80), manyWords(Array.from({ length: count }, (_, i) => [i * 8, 0, 12]).flat()));
  const small = Buffer.concat([subsectionRecord(0xf4, Buffer.alloc(8)), lines(1)]);
  const modules = Array.from({ length: 50_000 }, (_, i) => ({ name: "m", symbols: [symbolRecord(6)], c13: i === 0 ? Buffer.concat([checksums, lines(entries)]) : small }));
  return buildPdb({ sections, modules, pageBytes: 512 });
}

const rows: readonly { readonly what: string; readonly pdb: () => Buffer }[] = [
  { what: "200,000 names of streams that are ends of one text", pdb: overlappingStreamNames },
  { what: "long names that are nearly those of long public symbols", pdb: longNames },
  { what: "inlined functions in a namespace of a long name", pdb: longScope },
  { what: "imports from modules that share a stream", pdb: sharedExports },
  { what: "a module of a million files, and thousands of one", pdb: sweptFiles },
  { what: "frame data of modules that share a stream", pdb: sharedFrames },
];

describe("a PDB that was made to be slow or large is read soon, and small:", () => {
  it.each(rows)("$what", { timeout: 60_000 }, ({ pdb }) => {
    const bytes = pdb();
    const started = performance.now();
    const file = openDebugFile(bytesOf(bytes));
    if (!file.ok) throw new Error(file.problem.message);
    const builder = new ModuleBuilder();
    expect(file.value.addNames(builder).ok && file.value.addUnwind(builder).ok).toBe(true);
    expect(performance.now() - started).toBeLessThan(patience);
    let nameBytes = 0;
    for (let i = 0; i < builder.strings.count; i++) nameBytes += builder.strings.bytesOf(i).length;
    expect(nameBytes).toBeLessThan(300 * 1024 * 1024 + bytes.length);
  });
});
