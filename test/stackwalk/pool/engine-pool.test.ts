import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { walkHere } from "../../../stackwalk/pool/walk-here.ts";
import { enginePool, type EnginePool, type EnginePoolOptions } from "../../../stackwalk/pool/engine-pool.ts";
import { symbolTree } from "../../../stackwalk/symbol-tree.ts";
import { reportJson } from "../../../stackwalk/report-json.ts";
import type { SymbolSource, Walk, WalkOptions } from "../../../stackwalk/stackwalker.ts";
import { root } from "../../setup/source-files.ts";
import { syntheticCrash } from "../../support/minidump-builder.ts";

const folder = mkdtempSync(path.join(tmpdir(), "deadair-pool-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const out = path.join(root, "fixtures/out");
const dumps = ["1.4.1", "1.4.2"].flatMap((version) => readdirSync(path.join(out, "dumps", version)).map((name) => path.join(out, "dumps", version, name)));
const dump = path.join(out, "dumps/1.4.2/crashpad-null-write.dmp");

const pools: EnginePool[] = [];
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())));

let caches = 0;
const newCacheDir = (): string => path.join(folder, `cache-${caches++}`);
const unusable: string[] = [];
const digest = (file: string): string => Buffer.from(file).toString("hex").slice(-64).padStart(64, "0");

function open(more: Partial<EnginePoolOptions> = {}): EnginePool {
  const pool = enginePool({
    threads: 2,
    cacheDir: newCacheDir(),
    cacheBytes: 1e9,
    openBytes: 1e8,
    memoryBytes: 256e6,
    compileMs: 60_000,
    digest,
    onUnusable: (file, reason) => unusable.push(`${path.basename(file)}: ${reason}`),
    onCrash: () => {},
    ...more,
  });
  pools.push(pool);
  return pool;
}

const bounds: WalkOptions = { timeoutMs: 20_000, outputBytes: 1e7, maxFrames: 1024, maxThreads: 4096, workDir: folder };
const fixtureSymbols = symbolTree([path.join(out, "sym"), path.join(out, "sym-system")]);
const noSymbols: SymbolSource = { locate: async (keys) => keys.map(() => null) };

const top = (walk: Walk): string | null => {
  if (!walk.ok) throw new Error(`${walk.failure.code}: ${walk.failure.message}`);
  const { report } = walk;
  return report.threads[report.crash_info.crashing_thread ?? 0]?.frames[0]?.function ?? null;
};

/** The symbols of one module of ours, which a test may spoil. */
const gain = { module: "libGain.so", debugId: "0123456789ABCDEF0123456789ABCDEF0" };
const gainDump = path.join(folder, "gain.dmp");
writeFileSync(gainDump, syntheticCrash({ ...gain, offset: 0x1405 }));
function gainSymbols(text: string): { file: string; source: SymbolSource } {
  const file = path.join(mkdtempSync(path.join(folder, "sym-")), "libGain.so.sym");
  writeFileSync(file, text);
  return { file, source: { locate: async (keys) => keys.map((key) => (key.debugFile === gain.module ? [file] : null)) } };
}
const gainText = (name: string) => `MODULE Linux x86_64 ${gain.debugId} ${gain.module}\nFILE 0 /src/gain.cpp\nFUNC 1400 10 0 ${name}\n1400 10 80 0\n`;
const cacheFiles = (dir: string): string[] => readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));

describe("the engine in threads", () => {
  it("walks every dump of the fixtures as the engine does in this thread", { timeout: 60_000 }, async () => {
    const pool = open();
    const source = await fixtureSymbols;
    const cacheDir = newCacheDir();
    const walks = await Promise.all(dumps.map((file) => pool.walk(file, source, bounds)));
    for (const [i, file] of dumps.entries()) {
      const here = await walkHere(file, source, { maxFrames: 1024, maxThreads: 4096, why: false, cacheDir, cacheBytes: 1e9, digest, onUnusable: () => {} });
      const walk = walks[i]!;
      if (!walk.ok || !here.ok) throw new Error(file);
      expect(walk.json).toBe(reportJson(here.walk.report));
      expect(walk.report).toEqual(JSON.parse(walk.json!));
      expect(walk.missing).toEqual(here.walk.missing);
    }
    expect(dumps.length).toBeGreaterThan(25);
  });

  it("compiles a symbol file once for all who wait for it, and finds it the next time", async () => {
    const cacheDir = newCacheDir();
    const source = await fixtureSymbols;
    const pool = open({ cacheDir, threads: 4 });
    const names = (await Promise.all(Array.from({ length: 8 }, () => pool.walk(dump, source, bounds)))).map(top);
    expect(new Set(names).size).toBe(1);
    expect(names[0]).toMatch(/^halcyon::/);
    const written = cacheFiles(cacheDir).map((file) => [file, statSync(file).mtimeMs, statSync(file).ino]);
    expect(written.length).toBeGreaterThan(0);
    await pool.close();
    expect(top(await open({ cacheDir }).walk(dump, source, bounds))).toBe(names[0]);
    expect(cacheFiles(cacheDir).map((file) => [file, statSync(file).ino])).toEqual(written.map(([file, , ino]) => [file, ino]));
  });

  it("compiles before there is a crash", async () => {
    const cacheDir = newCacheDir();
    const { file, source } = gainSymbols(gainText("Gain::process()"));
    const pool = open({ cacheDir });
    for (let i = 0; i < 2; i++) expect(await pool.compile([file])).toMatchObject({ source: "breakpad", counts: { functions: 1, lines: 1 } });
    expect(cacheFiles(cacheDir)).toHaveLength(1);
    rmSync(file);
    expect(top(await pool.walk(gainDump, source, bounds))).toBe("Gain::process()");
  });

  it("compiles again what is damaged on the disk", async () => {
    const cacheDir = newCacheDir();
    const { source } = gainSymbols(gainText("Gain::process()"));
    const first = open({ cacheDir });
    expect(top(await first.walk(gainDump, source, bounds))).toBe("Gain::process()");
    await first.close();
    const [file = ""] = cacheFiles(cacheDir);
    // Each byte may be one of the front, which is seen when it is opened, or of a page, which is seen when it is read.
    for (const at of [0, 30, 70, 0.5, 0.9, 0.99]) {
      const bytes = readFileSync(file);
      const place = at < 1 ? Math.floor(bytes.length * at) : at;
      bytes[place]! ^= 0x41;
      writeFileSync(file, bytes);
      const pool = open({ cacheDir });
      expect(top(await pool.walk(gainDump, source, bounds)), `byte ${place}`).toBe("Gain::process()");
      await pool.close();
    }
  });

  it("goes on without a cache folder that somebody has deleted", async () => {
    const cacheDir = newCacheDir();
    const { source } = gainSymbols(gainText("Gain::process()"));
    const pool = open({ cacheDir });
    await pool.walk(gainDump, source, bounds);
    rmSync(cacheDir, { recursive: true });
    expect(top(await pool.walk(gainDump, source, bounds))).toBe("Gain::process()");
    expect(top(await pool.walk(dump, await fixtureSymbols, bounds))).toMatch(/^halcyon::/);
  });

  it("says of a symbol file that is none that it is corrupt, and why, once", async () => {
    unusable.length = 0;
    const { source } = gainSymbols("not a symbol file\n");
    const pool = open();
    for (const walk of [await pool.walk(gainDump, source, bounds), await pool.walk(gainDump, source, bounds)]) {
      expect(walk.ok && walk.report.modules[0]).toMatchObject({ symbol_state: "corrupt", corrupt_symbols: true });
      expect(walk.ok && walk.missing).toEqual([]);
    }
    expect(unusable).toEqual([expect.stringMatching(/^libGain\.so\.sym: .*not a Breakpad symbol file/)]);
  });

  it("says of modules without symbols that they are missing", async () => {
    const walk = await open().walk(gainDump, noSymbols, bounds);
    expect(walk).toMatchObject({ ok: true, missing: [{ debugFile: gain.module, debugId: gain.debugId }] });
  });

  it("keeps no more caches open than it may", async () => {
    // One page is more than there is room for, so each walk closes what the one before had open.
    const pool = open({ openBytes: 1, threads: 1 });
    const sources = ["a", "b", "c"].map((name) => gainSymbols(gainText(name)).source);
    for (let round = 0; round < 3; round++) for (const [i, source] of sources.entries()) expect(top(await pool.walk(gainDump, source, bounds))).toBe("abc"[i]);
    if (!existsSync("/proc/self/fd")) return;
    expect(openCacheFiles().length).toBeLessThan(3);
  });
});

/** Symbol caches under the test's folder that this process holds open. */
function openCacheFiles(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const file = readlinkSync(`/proc/self/fd/${fd}`);
      return file.startsWith(folder) && file.includes(".symcache") ? [file] : [];
    } catch {
      return [];
    }
  });
}

describe("a walk that fails", () => {
  const text = path.join(folder, "text.dmp");
  writeFileSync(text, "hello\n");
  const cut = path.join(folder, "cut.dmp");
  writeFileSync(cut, readFileSync(dump).subarray(0, 3000));

  const rows: [string, string, Partial<WalkOptions>, { code: string; message: RegExp }][] = [
    ["another kind of file", text, {}, { code: "not_a_minidump", message: /it looks like text/ }],
    ["a dump that is cut off", cut, {}, { code: "truncated", message: /ends|lies at/ }],
    ["a report that is too long", dump, { outputBytes: 1000 }, { code: "output_limit", message: /WALK_OUTPUT_BYTES/ }],
    ["a walk that was cancelled", dump, { signal: AbortSignal.abort() }, { code: "cancelled", message: /cancelled/ }],
    ["a walk without any time", dump, { timeoutMs: 0 }, { code: "timeout", message: /WALK_SECONDS/ }],
  ];
  it.each(rows)("%s", async (_, file, more, failure) => {
    const pool = open({ threads: 1 });
    expect(await pool.walk(file, noSymbols, { ...bounds, ...more })).toMatchObject({ ok: false, failure: { code: failure.code, message: expect.stringMatching(failure.message) } });
    // And the pool goes on.
    expect((await pool.walk(dump, noSymbols, bounds)).ok).toBe(true);
  });

  it("a dump that is not there is no fault of the dump", async () => {
    await expect(open().walk(path.join(folder, "nowhere.dmp"), noSymbols, bounds)).rejects.toThrow(/ENOENT/);
  });

  it("a walk that is cancelled while it is told of its symbols gives them back", async (context) => {
    if (!existsSync("/proc/self/fd")) return context.skip();
    const pool = open({ openBytes: 1 });
    const first = gainSymbols(gainText("first()"));
    expect(top(await pool.walk(gainDump, first.source, bounds))).toBe("first()");
    const stop = new AbortController();
    const { promise: told, resolve: tell } = Promise.withResolvers<void>();
    const slow: SymbolSource = {
      async locate(keys) {
        stop.abort();
        await told;
        return first.source.locate(keys);
      },
    };
    expect(await pool.walk(gainDump, slow, { ...bounds, signal: stop.signal })).toMatchObject({ ok: false, failure: { code: "cancelled" } });
    tell();
    // There is room for one cache: this closes the first, unless somebody has it still.
    expect(top(await pool.walk(gainDump, gainSymbols(gainText("second()")).source, bounds))).toBe("second()");
    expect(openCacheFiles()).toHaveLength(1);
  });

  it("a report longer than any text is too long, and no bug", { timeout: 30_000 }, async () => {
    // Names of 3 MB in 200 frames: more than V8's longest string.
    const crowded = path.join(folder, "crowded.dmp");
    writeFileSync(crowded, syntheticCrash({ ...gain, offset: 0x1405, callerModules: Array.from({ length: 200 }, () => ({ module: gain.module, offset: 0x1405 })) }));
    const crashes: string[] = [];
    const pool = open({ threads: 1, onCrash: ({ message }) => crashes.push(message), memoryBytes: 512e6 });
    expect(await pool.walk(crowded, gainSymbols(gainText("N".repeat(3_000_000))).source, bounds)).toMatchObject({ ok: false, failure: { code: "output_limit" } });
    expect(crashes).toEqual([]);
  });

  it("a symbol source that is away is no fault of the dump", async () => {
    const away: SymbolSource = { locate: () => Promise.reject(new Error("the database is away")) };
    const pool = open();
    await expect(pool.walk(dump, away, bounds)).rejects.toThrow("the database is away");
    expect((await pool.walk(dump, noSymbols, bounds)).ok).toBe(true);
  });
});
