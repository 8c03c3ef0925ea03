// What is remembered of caches that cannot be opened, with a store that does as it is told.
import { describe, expect, it } from "vitest";
import { OpenCaches, type CacheSource } from "../../../stackwalk/pool/open-caches.ts";
import type { CompileResult } from "../../../stackwalk/pool/jobs.ts";
import type { CacheHandle } from "../../../symbols/cache/paged-file.ts";

const file = { paths: ["gain.sym"], digest: "d1" };
const handle: CacheHandle = { path: "d1.symcache", descriptor: -1, bytes: new SharedArrayBuffer(8), present: new SharedArrayBuffer(4), bodyOffset: 8 };

/** Open caches over a store whose files open as `opens` says, one answer a try. */
function caches(opens: (CacheHandle | null)[], compiled: CompileResult) {
  const refusals: string[] = [];
  let compiles = 0;
  const source: CacheSource = {
    open: () => opens.shift() ?? null,
    compile: async () => (compiles++, compiled),
    close: () => {},
    residentBytes: () => 1,
  };
  return { open: new OpenCaches(source, 100, (_, reason) => refusals.push(reason)), refusals, compiles: () => compiles };
}

describe("a cache that cannot be opened right after it was compiled", () => {
  it("is the store's fault the first time: another process may have removed it", async () => {
    const { open, refusals } = caches([null, null, handle], { kind: "compiled" });
    await expect(open.take(file)).rejects.toThrow(/cannot be opened/);
    expect(await open.take(file)).toMatchObject({ handle });
    expect(refusals).toEqual([]);
  });

  it("is the file's the second time, and not tried again", async () => {
    const { open, refusals, compiles } = caches([], { kind: "compiled" });
    await expect(open.take(file)).rejects.toThrow(/cannot be opened/);
    expect([await open.take(file), await open.take(file)]).toEqual([null, null]);
    expect([refusals.length, compiles()]).toEqual([1, 2]);
  });
});

it("remembers what was refused, and not what the file system did", async () => {
  const refused = caches([], { kind: "refused", message: "no symbols" });
  expect([await refused.open.take(file), await refused.open.take(file)]).toEqual([null, null]);
  expect([refused.refusals, refused.compiles()]).toEqual([["no symbols"], 1]);
  const away = caches([], { kind: "unreadable", message: "EIO" });
  for (let i = 0; i < 2; i++) await expect(away.open.take(file)).rejects.toThrow(/EIO/);
  expect(away.compiles()).toBe(2);
});
