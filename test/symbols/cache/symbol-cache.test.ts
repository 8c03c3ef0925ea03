// A cache file that is not what was written is found out; one that is can be
// shared by threads, and costs memory only where it was read.
import { closeSync, openSync, readFileSync, truncateSync, utimesSync, writeSync } from "node:fs";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { symbolText } from "../breakpad/symbol-text.ts";
import { compilerVersion, headerField, pageBytes } from "../../../symbols/cache/layout.ts";
import { DamagedCache } from "../../../symbols/cache/paged-file.ts";
import { type SymbolCache, attachCache, openCache } from "../../../symbols/cache/symbol-cache.ts";
import { ask, cacheOf, compiled, emptyPlace, openBytes, scratchFile } from "./cached-symbols.ts";

/** Symbols that fill several pages: functions of 16 bytes with a line, an inlined call and an unwind row. */
function manySymbols(count: number): string {
  const records = ["FILE 0 a.cpp", "INLINE_ORIGIN 0 inlined"];
  for (let i = 0; i < count; i++) {
    const at = (i * 16).toString(16);
    records.push(`FUNC ${at} 10 0 function number ${i}`, `INLINE 0 ${i} 0 0 ${at} 8`, `${at} 10 ${i * 3} 0`);
  }
  for (let i = 0; i < count; i++) records.push(`STACK CFI INIT ${(i * 16).toString(16)} 8 .cfa: $rsp ${8 + (i % 50) * 8} + .ra: .cfa -8 + ^`);
  return symbolText(...records);
}

const count = 20_000;
const bytes = compiled(manySymbols(count));

/** Answers from all over a cache, and its META. */
function everything(cache: SymbolCache): string {
  const parts = [JSON.stringify(cache.meta())];
  for (let i = 0; i < count; i += 97) {
    const row = cache.unwindRow(i * 16);
    parts.push(ask(cache, i * 16), ask(cache, i * 16 + 15), `${cache.rowStart(row)} ${cache.rowRule(row)} ${cache.rules[cache.rowRule(row) * 21 + 1]}`);
  }
  return parts.join("\n");
}

test("a cache is used in pages: what is not asked for is not read", () => {
  const cache = openBytes(bytes);
  const present = new Int32Array(cache.handle.present);
  const pages = (): number => present.reduce((sum, page) => sum + page, 0);
  expect(present.length).toBeGreaterThan(25);
  expect(pages()).toBe(0);
  expect(ask(cache, 0)).toBe("inlined a.cpp:0 < function number 0+0 a.cpp:0");
  expect(pages()).toBeLessThanOrEqual(18);
  expect(ask(cache, (count - 1) * 16 + 9)).toBe(`function number ${count - 1}+9 a.cpp:${(count - 1) * 3}`);
  const before = pages();
  expect(before).toBeLessThan(present.length);
  cache.verify();
  expect(pages()).toBe(present.length);
  cache.close();
});

test("no address but those of 32 bits is known", () => {
  const cache = cacheOf(symbolText("PUBLIC 10 0 p"));
  for (const rva of [-1, 0xf, 2 ** 32, 2 ** 40, Number.NaN, Number.POSITIVE_INFINITY]) expect([ask(cache, rva), cache.unwindRow(rva), cache.winFrame(rva)]).toEqual(["", -1, null]);
  expect(ask(cache, 0xffffffff)).toBe("PUBLIC p+ffffffef");
});

describe("what cannot be used is refused with the reason", () => {
  const edited = (edit: (file: Buffer) => Buffer | void): Buffer => {
    const copy = Buffer.from(bytes);
    return edit(copy) ?? copy;
  };
  test.each([
    ["nothing", edited(() => Buffer.alloc(0)), "not_a_cache"],
    ["a symbol file", Buffer.from(symbolText()), "not_a_cache"],
    ["half a header", edited((file) => file.subarray(0, 40)), "truncated"],
    ["half a file", edited((file) => file.subarray(0, file.length >> 1)), "truncated"],
    ["all but the last byte", edited((file) => file.subarray(0, -1)), "truncated"],
    ["another format", edited((file) => void file.writeUInt16LE(99, headerField.major)), "wrong_version"],
    ["another compiler", edited((file) => void file.writeUInt32LE(compilerVersion + 1, headerField.compiler)), "wrong_version"],
    ["something after it", edited((file) => Buffer.concat([file, Buffer.from("x")])), "damaged"],
    ["a flipped bit in the directory", edited((file) => void (file[70]! ^= 1)), "damaged"],
    ["more sections than fit", edited((file) => void file.writeUInt32LE(0xffffffff, headerField.sections)), "damaged"],
    ["a body beyond the file", edited((file) => void file.writeUInt32LE(0xfffffff8, headerField.bodyOffset)), "damaged"],
  ])("%s", (_, file, reason) => {
    expect(openCache(scratchFile(file))).toMatchObject({ ok: false, fault: { reason } });
  });

  test("a file that is not there", () => {
    expect(openCache("/nowhere/a.symcache")).toMatchObject({ ok: false, fault: { reason: "unreadable" } });
  });
});

test("a flipped bit anywhere is found out, or was not needed", () => {
  const right = openBytes(bytes);
  const answer = everything(right);
  right.close();
  fc.assert(
    fc.property(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 7 }), (at, bit) => {
      const copy = Buffer.from(bytes);
      copy[at]! ^= 1 << bit;
      const opened = openCache(scratchFile(copy, "flipped.symcache"));
      if (!opened.ok) return;
      try {
        expect(everything(opened.value)).toBe(answer);
      } catch (error) {
        if (!(error instanceof DamagedCache)) throw error;
        expect(error.fault.reason).toBe("damaged");
      }
      expect(() => opened.value.verify()).toThrow(DamagedCache);
      opened.value.close();
    }),
    { numRuns: 150 },
  );
});

test("a file that shrinks or changes while it is open is found out", () => {
  const file = scratchFile(bytes);
  for (const spoil of [
    () => {
      const descriptor = openSync(file, "r+");
      writeSync(descriptor, Buffer.alloc(pageBytes), 0, pageBytes, bytes.length - pageBytes);
      closeSync(descriptor);
    },
    () => truncateSync(file, bytes.length >> 1),
  ]) {
    const opened = openCache(file);
    if (!opened.ok) throw new Error(opened.fault.message);
    spoil();
    expect(() => opened.value.verify()).toThrow(DamagedCache);
    opened.value.close();
  }
  utimesSync(file, 0, 0);
  expect(readFileSync(file).length).toBe(bytes.length >> 1);
});

test("two threads share one copy", async () => {
  const cache = openBytes(bytes);
  const module = new URL("../../../symbols/cache/symbol-cache.ts", import.meta.url).href;
  const code = `
    import { parentPort, workerData } from "node:worker_threads";
    const { attachCache } = await import(${JSON.stringify(module)});
    const cache = attachCache(workerData.handle);
    const place = { name: "", linkageName: null, start: 0, isPublic: false, file: null, line: 0, lineStart: 0, inlines: [] };
    let wrong = 0;
    for (let k = 0; k < ${count}; k++) {
      const i = (k * 7919 + workerData.seed) % ${count};
      cache.lookUp(i * 16 + 12, place);
      const row = cache.unwindRow(i * 16);
      if (place.name !== "function number " + i || place.line !== i * 3 || cache.rowStart(row) !== i * 16) wrong++;
    }
    parentPort.postMessage(wrong);
  `;
  const wrong = await Promise.all(
    [1, 2].map(
      (seed) =>
        new Promise((resolve, reject) => {
          const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), { workerData: { handle: cache.handle, seed } });
          worker.once("message", resolve);
          worker.once("error", reject);
        }),
    ),
  );
  expect(wrong).toEqual([0, 0]);
  // What the threads read is here too.
  expect(new Int32Array(cache.handle.present).filter((page) => page === 1).length).toBeGreaterThan(10);
  const again = attachCache(cache.handle);
  expect(again.lookUp(12, emptyPlace())).toBe(true);
  cache.close();
});
