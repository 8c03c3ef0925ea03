// One measurement in a process of its own, started by ../walk.ts on one core:
//
//   node in-process.ts warm DUMP SYM        milliseconds of one walk, again and again
//   node in-process.ts compile SYM          milliseconds of the first compile, and of later ones
//   node in-process.ts lookups SYM          microseconds of one look-up
//   node in-process.ts bare                 memory of a Node that did nothing
//   node in-process.ts open DUMP SYM        memory with a cache open and a dump walked with it
//   node in-process.ts threads N DUMP SYM   memory of N threads that walked with one cache
//
// Prints one line of JSON. What is measured is imported by the measurement
// that needs it, so that the others do not pay for it.
import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import path from "node:path";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import type { CacheStore } from "../../symbols/cache/cache-store.ts";
import type { CacheHandle } from "../../symbols/cache/paged-file.ts";
import type { SourcePlace } from "../../symbols/cache/module-symbols.ts";

/** Seconds of a measurement. */
const SECONDS = 2;
/** Look-ups of one measurement. */
const LOOKUPS = 300_000;

const folder = path.join(import.meta.dirname, "../../.cache/bench/walk/compiled");

/** Processor time of this process so far, its helper threads included; see timeCommand in rounds.ts. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function openStore(): Promise<CacheStore> {
  const { symbolStore } = await import("../../stackwalk/pool/symbol-store.ts");
  return symbolStore(folder, Number.POSITIVE_INFINITY);
}

const digestOf = (sym: string): string => `bench-${path.basename(sym)}`;

/** The cache of a `.sym`, compiled if it is not there. */
async function openHandle(sym: string): Promise<CacheHandle> {
  const opened = await (await openStore()).open({ paths: [sym], digest: digestOf(sym) });
  if (!opened.ok) throw new Error(opened.problem.message);
  return opened.value;
}

/** A walk as a thread of the pool does it: read, parse, walk, and the whole text. */
async function walker(dump: string, debugFile: string, handle: CacheHandle): Promise<() => { json: string; frames: number; inlines: number }> {
  const { attachCache } = await import("../../symbols/cache/symbol-cache.ts");
  const { openDump } = await import("../../stackwalk/pool/dump-walk.ts");
  const { reportJson } = await import("../../stackwalk/report-json.ts");
  const cache = attachCache(handle);
  return () => {
    const opened = openDump(dump);
    if (!opened.ok) throw new Error(opened.failure.message);
    // Planned dumps have one module with symbols; of others only the frames in it are named.
    const keys = opened.dump.keys;
    const { report } = opened.dump.walk({ maxFrames: 1024, maxThreads: 4096, why: false }, (key) => (keys[key]!.debugFile === debugFile ? cache : "missing"));
    opened.dump.close();
    const json = reportJson(report);
    let frames = 0;
    let inlines = 0;
    for (const thread of report.threads) {
      frames += thread.frames.length;
      for (const frame of thread.frames) inlines += frame.inlines?.length ?? 0;
    }
    return { json, frames, inlines };
  };
}

/** Name of the debug file that a `.sym` is of, from its first bytes: to read it whole would be memory. */
function debugFileOf(sym: string): string {
  const fd = openSync(sym, "r");
  const head = Buffer.alloc(4096);
  const got = readSync(fd, head, 0, head.length, 0);
  closeSync(fd);
  return /^MODULE \S+ \S+ \S+ ([^\r\n]*)/.exec(head.toString("latin1", 0, got))?.[1] ?? "";
}

async function warm(dump: string, sym: string): Promise<object> {
  const walk = await walker(dump, debugFileOf(sym), await openHandle(sym));
  let last = walk();
  // As warm as a server that has been up for a while.
  for (let end = performance.now() + 1500; performance.now() < end; ) walk();
  let walks = 0;
  const began = processorMs();
  for (let end = performance.now() + SECONDS * 1000; performance.now() < end; walks++) last = walk();
  // The mean, since a server pays for its garbage too.
  return { perWalkMs: (processorMs() - began) / walks, jsonBytes: last.json.length, frames: last.frames, inlines: last.inlines };
}

async function compile(sym: string): Promise<object> {
  const store = await openStore();
  const once = (): number => {
    const began = processorMs();
    const done = store.compile({ paths: [sym], digest: "bench-compile" }, { again: true });
    if (!done.ok) throw new Error(done.problem.message);
    return processorMs() - began;
  };
  const coldMs = once();
  const times = Array.from({ length: 5 }, once).toSorted((a, b) => a - b);
  const handle = store.openExisting("bench-compile");
  if (handle === null) throw new Error("the compiled cache is not there");
  return { coldMs, warmMs: times[2], bytes: statSync(handle.path).size };
}

async function lookups(sym: string): Promise<object> {
  const { attachCache } = await import("../../symbols/cache/symbol-cache.ts");
  const cache = attachCache(await openHandle(sym));
  const { first, end } = codeRange(sym);
  // A fixed sequence of addresses, spread over the whole code.
  const addresses = new Uint32Array(LOOKUPS);
  let state = 12_345;
  for (let i = 0; i < LOOKUPS; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    addresses[i] = first + Math.floor((state / 2 ** 32) * (end - first));
  }
  const place: SourcePlace = { name: "", linkageName: null, start: 0, isPublic: false, file: null, line: 0, lineStart: 0, inlines: [] };
  let named = 0;
  let inlines = 0;
  let letters = 0;
  const round = (): number => {
    named = 0;
    inlines = 0;
    const began = processorMs();
    for (let i = 0; i < LOOKUPS; i++) {
      if (!cache.lookUp(addresses[i]!, place)) continue;
      named++;
      inlines += place.inlines.length;
      letters += place.name.length + (place.file?.length ?? 0);
    }
    return processorMs() - began;
  };
  round();
  const times = Array.from({ length: 3 }, round).toSorted((a, b) => a - b);
  if (letters === 0) throw new Error("nothing was named");
  return { micros: (times[1]! / LOOKUPS) * 1000, named: named / LOOKUPS, inlines: inlines / LOOKUPS };
}

/** First address of the first function and the end of the last one. */
function codeRange(sym: string): { first: number; end: number } {
  let first = Number.POSITIVE_INFINITY;
  let end = 0;
  for (const [, start = "", size = ""] of readFileSync(sym, "latin1").matchAll(/^FUNC (?:m )?([0-9a-f]+) ([0-9a-f]+) /gm)) {
    first = Math.min(first, Number.parseInt(start, 16));
    end = Math.max(end, Number.parseInt(start, 16) + Number.parseInt(size, 16));
  }
  return { first, end };
}

function settledMemory(): object {
  globalThis.gc?.();
  globalThis.gc?.();
  return { rss: process.memoryUsage().rss };
}

async function open(dump: string, sym: string): Promise<object> {
  const walk = await walker(dump, debugFileOf(sym), await openHandle(sym));
  const { frames } = walk();
  if (frames === 0) throw new Error("nothing was walked");
  return settledMemory();
}

async function threads(count: string, dump: string, sym: string): Promise<object> {
  const handle = await openHandle(sym);
  const workers = Array.from({ length: Number(count) }, () => new Worker(import.meta.filename, { workerData: { dump, handle, debugFile: debugFileOf(sym) } }));
  await Promise.all(workers.map((worker) => new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject))));
  const memory = settledMemory();
  await Promise.all(workers.map((worker) => worker.terminate()));
  return memory;
}

async function inThread(): Promise<void> {
  const task = workerData as { readonly dump: string; readonly handle: CacheHandle; readonly debugFile: string };
  const walk = await walker(task.dump, task.debugFile, task.handle);
  for (let i = 0; i < 50; i++) walk();
  parentPort!.postMessage("walked");
  // Stays until it is ended, so that its memory can be measured.
  setInterval(() => {}, 1000);
}

if (isMainThread) {
  const [name = "", ...args] = process.argv.slice(2);
  const measurements: { readonly [name: string]: (...args: string[]) => Promise<object> | object } = { warm, compile, lookups, bare: settledMemory, open, threads };
  console.log(JSON.stringify(await measurements[name]!(...args)));
} else await inThread();
