import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesSource, dumpFileSource, fileSource } from "../../../stackwalk/minidump/byte-source.ts";
import { readMinidump } from "../../../stackwalk/minidump/minidump.ts";
import type { DumpMemory } from "../../../stackwalk/minidump/model.ts";
import { buildMinidump } from "../../support/minidump-builder.ts";
import { drained, everything, opened } from "./everything.ts";

type Region = { readonly base: number; readonly bytes: Uint8Array };
const filled = (base: number, size: number, value: number): Region => ({ base, bytes: new Uint8Array(size).fill(value) });

/** The memory of a dump that lists these regions, in this order. */
const memoryOf = (memory: readonly Region[], memory64?: readonly Region[]): DumpMemory => opened(buildMinidump({ threads: [], memory, ...(memory64 ? { memory64 } : {}) })).memory;

/** Each region as `base+size=byte`, read through the reader. */
function shown(memory: DumpMemory): string[] {
  return memory.regions.map(({ base, size }) => {
    const view = memory.at(base)!;
    const values = new Set(Array.from({ length: size }, (_, i) => view.view.getUint8(base + i - view.base)));
    return `${base}+${size}=${[...values].join("/")}`;
  });
}

describe("regions that overlap", () => {
  it.each<[string, Region[], string[]]>([
    ["not at all", [filled(10, 5, 1), filled(15, 5, 2)], ["10+5=1", "15+5=2"]],
    ["not, but out of order", [filled(15, 5, 2), filled(10, 5, 1)], ["10+5=1", "15+5=2"]],
    // A stack that its thread and the memory list name.
    ["wholly", [filled(10, 5, 1), filled(10, 5, 2)], ["10+5=1"]],
    ["at the end of the first", [filled(10, 5, 1), filled(13, 5, 2)], ["10+5=1", "15+3=2"]],
    ["at the start of the first", [filled(13, 5, 1), filled(10, 5, 2)], ["10+3=2", "13+5=1"]],
    // The bytes around the instruction pointer inside a module's memory.
    ["inside the first", [filled(10, 10, 1), filled(13, 2, 2)], ["10+10=1"]],
    ["around the first", [filled(13, 2, 1), filled(10, 10, 2)], ["10+3=2", "13+2=1", "15+5=2"]],
    ["in a chain", [filled(10, 5, 1), filled(18, 5, 2), filled(12, 9, 3)], ["10+5=1", "15+3=3", "18+5=2"]],
  ])("%s", (_, regions, expected) => expect(shown(memoryOf(regions))).toEqual(expected));

  it("belong to the first, whatever the regions: byte by byte as a plain map says", () => {
    const region = fc.record({ base: fc.nat(60), size: fc.integer({ min: 1, max: 30 }) });
    fc.assert(
      fc.property(fc.array(region, { maxLength: 20 }), (list) => {
        const owner = new Map<number, number>();
        for (const [i, { base, size }] of list.entries()) for (let at = base; at < base + size; at++) if (!owner.has(at)) owner.set(at, i + 1);
        const memory = memoryOf(list.map(({ base, size }, i) => filled(base, size, i + 1)));
        for (let at = 0; at < 100; at++) {
          const view = memory.at(at);
          expect(view ? view.view.getUint8(at - view.base) : undefined).toBe(owner.get(at));
        }
        for (let i = 1; i < memory.regions.length; i++) expect(memory.regions[i]!.base).toBeGreaterThanOrEqual(memory.regions[i - 1]!.base + memory.regions[i - 1]!.size);
      }),
      { numRuns: 300 },
    );
  });
});

describe("lists of memory", () => {
  it("go together: the 64-bit one after the other", () => {
    expect(shown(memoryOf([filled(100, 4, 1)], [filled(98, 4, 2), filled(10, 2, 3)]))).toEqual(["10+2=3", "98+2=2", "100+4=1"]);
  });

  it("leave out what does not lie in the file, and keep the rest", () => {
    const bytes = buildMinidump({ withoutSystemInfo: true, threads: [], memory: [filled(100, 4, 1), filled(200, 4, 2), filled(300, 4, 3)] });
    const view = new DataView(bytes.buffer);
    // Threads are the first stream, memory the second.
    const list = view.getUint32(32 + 12 + 8, true);
    view.setUint32(list + 4 + 16 + 8, 0xffff_ffff, true);
    expect(shown(opened(bytes).memory)).toEqual(["100+4=1", "300+4=3"]);
  });

  it("of 64 bits end where their bytes leave the file", () => {
    const bytes = buildMinidump({ withoutSystemInfo: true, memory64: [filled(100, 4, 1), filled(200, 4, 2), filled(300, 4, 3)] });
    const view = new DataView(bytes.buffer);
    const list = view.getUint32(32 + 8, true);
    view.setUint32(list + 16 + 16 + 8 + 4, 1, true);
    expect(shown(opened(bytes).memory)).toEqual(["100+4=1"]);
  });

  it("may reach to the end of the address space", () => {
    const bytes = buildMinidump({ withoutSystemInfo: true, threads: [], memory: [filled(0x1000, 4096, 7)] });
    const view = new DataView(bytes.buffer);
    view.setBigUint64(view.getUint32(32 + 12 + 8, true) + 4, 0xffff_ffff_ffff_f000n, true);
    const { memory } = opened(bytes);
    expect(memory.at(0xffff_ffff_ffff_f000)?.size).toBe(4096);
    expect(memory.at(0x1000)).toBeNull();
  });
});

describe("a dump in a file", () => {
  /** Does something with a file of these bytes, open. */
  function withFile<T>(bytes: Uint8Array, use: (fd: number) => T): T {
    const folder = mkdtempSync(join(tmpdir(), "deadair-test-"));
    const path = join(folder, "x.dmp");
    writeFileSync(path, bytes);
    const fd = openSync(path, "r");
    try {
      return use(fd);
    } finally {
      closeSync(fd);
      rmSync(folder, { recursive: true });
    }
  }
  const value = (result: ReturnType<typeof readMinidump>) => {
    if (!result.ok) throw new Error(result.problem.message);
    return result.value;
  };

  it("reads as in memory, through windows or whole", () => {
    const bytes = buildMinidump(everything);
    const expected = drained(value(readMinidump(bytesSource(bytes))));
    withFile(bytes, (fd) => {
      expect(drained(value(readMinidump(fileSource(fd))))).toEqual(expected);
      expect(drained(value(readMinidump(dumpFileSource(fd))))).toEqual(expected);
    });
  });

  it("is not read whole for a little: a stack of 40 MB is opened around the address that is asked for", () => {
    const size = 40 * 1024 * 1024;
    const stack = new Uint8Array(size);
    stack[size - 5] = 0x77;
    const bytes = buildMinidump({ threads: [{ id: 1, stackBase: 0x1_0000, stack, pc: 0x4000 }] });
    withFile(bytes, (fd) => {
      const { memory } = value(readMinidump(fileSource(fd)));
      const start = memory.at(0x1_0000)!;
      expect([start.base, start.size]).toEqual([0x1_0000, 16 * 1024 * 1024]);
      const address = 0x1_0000 + size - 5;
      const end = memory.at(address)!;
      expect(end.view.getUint8(address - end.base)).toBe(0x77);
      expect([address - end.base, end.base + end.size]).toEqual([65_536, 0x1_0000 + size]);
      // In memory a view costs nothing, so there it is whole.
      expect(opened(bytes).memory.at(address)?.size).toBe(size);
    });
  });
});

describe("a source of bytes", () => {
  it("throws for a read past the end: that is a bug of the reader, which has to ask first", () => {
    const source = bytesSource(new Uint8Array(16));
    expect([source.holds(12, 4), source.holds(13, 4), source.holds(-1, 4), source.holds(Number.NaN, 4)]).toEqual([true, false, false, false]);
    expect(() => source.u32(13)).toThrow(RangeError);
    expect(() => source.u64(12)).toThrow(RangeError);
    expect(() => source.utf16(0, 9)).toThrow(RangeError);
    expect(source.read(12, 100).length).toBe(4);
    expect(source.read(99, 1).length).toBe(0);
  });

  it("reads texts up to their end, ASCII or not", () => {
    const wide = Buffer.from("aé♪\0b", "utf16le");
    const source = bytesSource(Buffer.concat([wide, Buffer.from("plain\0é\xff", "latin1"), Buffer.from("♪")]));
    expect([source.utf16(0, 5), source.utf16(0, 1), source.utf16(0, 0)]).toEqual(["aé♪", "a", ""]);
    expect([source.utf8(10, 8), source.utf8(10, 3), source.utf8(16, 2), source.utf8(18, 3)]).toEqual(["plain", "pla", "\ufffd\ufffd", "♪"]);
    const lone = bytesSource(Uint8Array.of(0x41, 0, 0, 0xd8, 0x42, 0));
    expect(lone.utf16(0, 3)).toBe("A\ufffdB");
  });
});
