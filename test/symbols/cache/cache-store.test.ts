// The folder of caches: what it keeps, what it makes again, what it removes.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { symbolText } from "../breakpad/symbol-text.ts";
import { cacheStore } from "../../../symbols/cache/cache-store.ts";
import { compileSymbolFiles } from "../../../symbols/compile.ts";
import { attachCache } from "../../../symbols/cache/symbol-cache.ts";
import { ask, scratchFile, scratchFolder } from "./cached-symbols.ts";

/** A store that counts its compiles. */
function counted(options: { readonly bytes?: number } = {}) {
  const folder = mkdtempSync(path.join(scratchFolder(), "store-"));
  const compiles: string[] = [];
  const store = cacheStore(folder, {
    ...options,
    compile(originals, sourceDigest) {
      compiles.push(sourceDigest);
      return compileSymbolFiles(originals, sourceDigest);
    },
  });
  const files = (): string[] => readdirSync(folder).sort();
  return { folder, store, compiles, files };
}

const original = (name: string): string => scratchFile(symbolText(`FUNC 10 8 0 ${name}`, `PUBLIC 100 0 ${"x".repeat(3000)}`));

describe("open", () => {
  test("compiles once, however many ask, and finds it again later", async () => {
    const { folder, store, compiles, files } = counted();
    const source = { paths: [original("f")], digest: "aa11" };
    expect(store.openExisting("aa11")).toBeNull();
    const opened = await Promise.all([store.open(source), store.open(source), store.open(source)]);
    expect(compiles).toEqual(["aa11"]);
    for (const result of opened) {
      if (!result.ok) throw new Error(result.problem.message);
      expect(ask(attachCache(result.value), 0x10)).toBe("f+0");
      expect(store.residentBytes(result.value)).toBeGreaterThan(3000);
      store.close(result.value);
    }
    expect(files()).toHaveLength(1);
    const later = cacheStore(folder, { compile: compileSymbolFiles }).openExisting("aa11");
    expect(later).not.toBeNull();
    store.close(later!);
  });

  test("says why an original is no good, and does not try again", async () => {
    const { store, compiles, files } = counted();
    const source = { paths: [scratchFile("no symbols")], digest: "bad" };
    for (let i = 0; i < 2; i++) expect(await store.open(source)).toMatchObject({ ok: false, problem: { code: "not_a_symbol_file" } });
    expect(compiles).toEqual(["bad"]);
    expect(files()).toEqual([]);
  });

  test("tries again what the disk refused", async () => {
    const { store, compiles } = counted();
    const source = { paths: [path.join(scratchFolder(), "not there yet.sym")], digest: "cc" };
    expect(await store.open(source)).toMatchObject({ ok: false, problem: { code: "symbol_file_unreadable" } });
    writeFileSync(source.paths[0]!, symbolText("FUNC 10 8 0 f"));
    const opened = await store.open(source);
    if (!opened.ok) throw new Error(opened.problem.message);
    store.close(opened.value);
    expect(compiles).toEqual(["cc", "cc"]);
  });

  test("makes again what was damaged, cut short, or is of another version", async () => {
    const { folder, store, compiles, files } = counted();
    const source = { paths: [original("g")], digest: "dd" };
    expect(store.compile(source)).toEqual({ ok: true, value: null });
    const file = path.join(folder, files()[0]!);
    for (const spoil of [(bytes: Buffer) => bytes.subarray(0, 100), (bytes: Buffer) => Buffer.from(bytes.map((byte, i) => (i === 66 ? byte ^ 1 : byte))), (bytes: Buffer) => Buffer.from(bytes.map((byte, i) => (i === 8 ? byte + 1 : byte)))]) {
      const handle = store.openExisting("dd");
      const bytes = Buffer.from(Buffer.from(handle!.bytes, 0, handle!.bodyOffset));
      store.close(handle!);
      writeFileSync(file, spoil(bytes));
      expect(store.openExisting("dd")).toBeNull();
      const opened = await store.open(source);
      if (!opened.ok) throw new Error(opened.problem.message);
      expect(ask(attachCache(opened.value), 0x10)).toBe("g+0");
      store.close(opened.value);
    }
    expect(compiles).toHaveLength(4);
    // A page that turns out to be damaged: the front is in order, so the caller says it.
    expect(store.compile(source)).toEqual({ ok: true, value: null });
    expect(compiles).toHaveLength(4);
    expect(store.compile(source, { again: true })).toEqual({ ok: true, value: null });
    expect(compiles).toHaveLength(5);
  });

  test("lives on when its folder was deleted", async () => {
    const { folder, store } = counted();
    rmSync(folder, { recursive: true });
    const opened = await store.open({ paths: [original("f")], digest: "ee" });
    if (!opened.ok) throw new Error(opened.problem.message);
    store.close(opened.value);
  });

  test("says when it cannot write", () => {
    const { folder, store } = counted();
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "a file in the folder's place");
    expect(store.compile({ paths: [original("f")], digest: "ff" })).toMatchObject({ ok: false, problem: { code: "cache_unwritable" } });
  });

  test.skipIf(process.platform !== "linux")("a folder that cannot be made is refused, and does not hang", () => {
    // In /proc, Node's recursive mkdir goes round for ever; a hang here can only be seen from outside.
    const store = new URL("../../../symbols/cache/cache-store.ts", import.meta.url).href;
    const code = `(await import(${JSON.stringify(store)})).cacheStore("/proc/no/such/folder", { compile() {} })`;
    const { signal, stderr } = spawnSync(process.execPath, ["--no-warnings", "--input-type=module", "-e", code], { timeout: 20_000, encoding: "utf8" });
    expect([signal, stderr]).toEqual([null, expect.stringContaining("ENOENT")]);
  });

  test("makes all folders above its own", () => {
    const folder = path.join(scratchFolder(), "made", "by", "the store");
    expect(cacheStore(folder, { compile: compileSymbolFiles }).compile({ paths: [original("f")], digest: "aa" })).toEqual({ ok: true, value: null });
    expect(readdirSync(folder)).toHaveLength(1);
  });

  test.each(["", "a/b", "..", "../x", "a\0", "x".repeat(300)])("a digest that could name another file is a bug: %j", (digest) => {
    expect(() => counted().store.openExisting(digest)).toThrow(/is no digest/);
  });
});

test("over its limit, what was not used for longest goes; what is open stays readable", () => {
  const { folder, store, files } = counted({ bytes: 20_000 });
  const hoursAgo = (name: string, hours: number): void => utimesSync(path.join(folder, files().find((file) => file.startsWith(name))!), Date.now() / 1000, Date.now() / 1000 - hours * 3600);
  for (const [digest, hours] of [["old", 3], ["used", 4], ["new", 1]] as const) {
    store.compile({ paths: [original(digest)], digest });
    hoursAgo(digest, hours);
  }
  const used = store.openExisting("used")!;
  const old = store.openExisting("old")!;
  hoursAgo("old", 3);
  const size = statSync(path.join(folder, files()[0]!)).size;
  expect(size).toBeGreaterThan(3000);
  for (let i = 0; i < 3; i++) store.compile({ paths: [original(`more${i}`)], digest: `more${i}` });
  const left = files();
  expect(left.length * size).toBeLessThanOrEqual(20_000);
  expect(left.map((file) => file.split("-")[0])).toEqual(["more0", "more1", "more2", "used"]);
  expect(ask(attachCache(old), 0x10)).toBe("old+0");
  store.close(old);
  store.close(used);
});

test("a cache larger than the limit is kept until the next one comes", () => {
  const { store, files } = counted({ bytes: 100 });
  store.compile({ paths: [original("a")], digest: "a1" });
  expect(files().map((file) => file.slice(0, 2))).toEqual(["a1"]);
  store.compile({ paths: [original("b")], digest: "b1" });
  expect(files().map((file) => file.slice(0, 2))).toEqual(["b1"]);
});

test("what a killed writer left is removed; what a living one writes is not", () => {
  const folder = path.join(scratchFolder(), "leftovers");
  mkdirSync(folder);
  const dead = spawnSync(process.execPath, ["-e", ""]).pid;
  const names = { killed: `a-1.symcache.${dead}-00ff.tmp`, living: `b-1.symcache.${process.pid}-00ff.tmp`, ancient: `c-1.symcache.${process.pid}-01ff.tmp`, other: "notes.txt" };
  for (const name of Object.values(names)) writeFileSync(path.join(folder, name), "half");
  utimesSync(path.join(folder, names.ancient), 0, 0);
  cacheStore(folder, { compile: compileSymbolFiles });
  expect(Object.values(names).filter((name) => existsSync(path.join(folder, name)))).toEqual([names.living, names.other]);
});
