// Debug files of one module that come one by one, in every order, before and
// after a crash: in the end the crash is what it would be had all been there, and
// nothing was told or counted twice.
import { readFileSync } from "node:fs";
import path from "node:path";
import { pino } from "pino";
import { afterEach, describe, expect, test } from "vitest";
import { readSettings } from "../../config/settings.ts";
import type { Report } from "../../stackwalk/report.ts";
import type { Database } from "../../storage/database.ts";
import type { SymbolItem, SymbolPage } from "../../services/triage/schema.ts";
import { writeDwoBundle } from "../../symbols/dwarf/dwo-bundle.ts";
import { startWorkers } from "../../workers/workers.ts";
import { expectExactCounts } from "../support/crash-rows.ts";
import { eventually } from "../support/eventually.ts";
import { syntheticCrash } from "../support/minidump-builder.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";
import { settled } from "./settled.ts";

const slow = { timeout: 240_000 };
const built = (file: string) => readFileSync(path.join(import.meta.dirname, "../../fixtures/out", file));

/** A file as an upload names it, by a short name. */
type File = readonly [name: string, bytes: Buffer];

type Module = {
  readonly files: { readonly [what: string]: File };
  readonly dump: Uint8Array;
  /** What stands first in the crash's stack when all files are there: `function file:line`, innermost first. */
  readonly truth: readonly string[];
};

const crashAt = (module: string, debugId: string, offset: number) => syntheticCrash({ module, debugId, offset });

function bundle(debugId: string, file: string): Buffer {
  const dwp = built(file);
  return Buffer.concat(writeDwoBundle(debugId, "halcyon.so", [{ name: "halcyon.so.dwp", size: dwp.length }]).pieces.map((piece) => (typeof piece === "number" ? dwp : piece)));
}

const modules: { readonly [name: string]: Module } = {
  "a program, its debug file and its .sym file": {
    files: {
      program: ["halcyon.so", built("1.4.2/halcyon.lv2/halcyon.so")],
      debug: ["halcyon.so.debug", built("1.4.2/halcyon.lv2/halcyon.so.debug")],
      sym: ["halcyon.so.sym", built("sym/halcyon.so/05815560876A036BAF11B45370798C070/halcyon.so.sym")],
    },
    dump: built("dumps/1.4.2/crashpad-null-write.dmp"),
    truth: ["halcyon::TapeLoop<float, 2048ul>::record dsp.h:25", "halcyon::TapeHead<float, 2048ul>::pass dsp.h:54", "halcyon::Engine::process engine.cpp:47"],
  },
  "a program and its split DWARF": {
    files: { program: ["halcyon.so", built("elf/clang-5-dwo/halcyon.so")], dwp: ["halcyon.so.dwp", bundle("641CADC614C1CF33F91C0E52512954E70", "elf/clang-5-dwo/halcyon.so.dwp")] },
    dump: crashAt("halcyon.so", "641CADC614C1CF33F91C0E52512954E70", 0x124c),
    truth: ["halcyon::(anonymous namespace)::rows_of editor.cpp:31", "halcyon::Editor::draw editor.cpp:40"],
  },
  "a program and what dwz took out of it": {
    files: { program: ["halcyon.so", built("elf/dwz-shared-4/halcyon.so")], supplement: ["halcyon.dwz", built("elf/dwz-shared-4/halcyon.dwz")] },
    dump: crashAt("halcyon.so", "31D1EB40F593CB16F1B763480C1FC7F90", 0x133a),
    truth: ["halcyon::(anonymous namespace)::rows_of editor.cpp:31", "halcyon::Editor::draw editor.cpp:40"],
  },
  "a program of macOS and its dSYM": {
    files: { program: ["Halcyon", built("mac/universal/Halcyon.vst3/Contents/MacOS/Halcyon")], dsym: ["Halcyon", built("mac/universal/Halcyon.vst3.dSYM/Contents/Resources/DWARF/Halcyon")] },
    dump: crashAt("Halcyon", "4C4C447355553144A1C2B4984EBAB5050", 0x1000),
    truth: ["halcyon::TapeLoop<float, 512>::operator[] dsp.h:34", "halcyon::Engine::process engine.cpp:83"],
  },
};

const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop();
});

async function start(): Promise<TestServer> {
  const server = await startTestServer();
  open.push({ stop: () => server.close() });
  open.push(startWorkers(server.storage, readSettings({ WALK_CONCURRENCY: "1" }, { dataDir: server.dataDir }), () => undefined, pino({ level: "silent" })));
  return server;
}

async function send(server: TestServer, dump: Uint8Array, install: string): Promise<string> {
  const form = new FormData();
  form.set("guid", install);
  form.set("upload_file_minidump", new Blob([new Uint8Array(dump)]), "crash.dmp");
  const response = await fetch(`${server.url}/api/default/minidump/?sentry_key=${server.ingestKey}`, { method: "POST", body: form });
  expect(response.status).toBe(200);
  return response.text();
}

async function upload(server: TestServer, [name, bytes]: File): Promise<SymbolItem> {
  const response = await fetch(`${server.url}/api/v1/default/symbols?name=${name}`, { method: "POST", headers: { authorization: `Bearer ${server.symbolToken}`, "content-type": "application/octet-stream" }, body: new Uint8Array(bytes) });
  const answer = await response.json();
  expect([response.status, answer]).toEqual([201, expect.objectContaining({ problem: null })]);
  return answer as SymbolItem;
}

async function read<T>(server: TestServer, address: string): Promise<T> {
  return (await (await fetch(`${server.url}/api/v1/default/${address}`, { headers: { authorization: `Bearer ${server.readToken}` } })).json()) as T;
}

type Crash = { readonly revision: number; readonly group: string; readonly report: Report };
const crashOf = (server: TestServer, id: string) => read<Crash>(server, `crashes/${id}`);

/** The crashed thread: `function file:line`, and how each frame of the stack was found. Parameters are left out. */
function stackOf({ report }: Crash): { readonly names: readonly string[]; readonly trusts: readonly string[] } {
  const { frames } = report.threads[report.crash_info.crashing_thread!]!;
  const names = frames.flatMap((frame) => [...(frame.inlines ?? []), frame].map((at) => `${(at.function ?? "").replace(/\(([^()]|\([^()]*\))*\)( const)?$/, "")} ${path.posix.basename(at.file ?? "")}:${at.line}`));
  return { names, trusts: frames.map(({ module, trust }) => `${module} ${trust}`) };
}

async function healed(db: Database): Promise<void> {
  await eventually("all files are settled", async () => (await db.selectFrom("debug_files").select("id").where("settled_at", "is", null).execute()).length, (n) => n === 0, { seconds: 60, everyMs: 20 });
  await settled(db, 60);
}

function orders<T>(items: readonly T[]): T[][] {
  return items.length === 0 ? [[]] : items.flatMap((item, i) => orders(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}

describe.each(Object.entries(modules))("%s", (_name, { files, dump, truth }) => {
  let expected: ReturnType<typeof stackOf> | null = null;
  let counts: unknown[] | null = null;

  test.each(orders(Object.keys(files)).map((order) => [order.join(", "), order] as const))("in the order %s", slow, async (_order, order) => {
    const server = await start();
    const { db } = server.storage;
    // One crash before any file, and one after each.
    const ids = [await send(server, dump, "install-0")];
    await healed(db);
    const told = await db.selectFrom("alerts").select("group_id").execute();
    expect(stackOf(await crashOf(server, ids[0]!)).names.slice(0, truth.length)).not.toEqual(truth);
    for (const [i, what] of order.entries()) {
      await upload(server, files[what]!);
      ids.push(await send(server, dump, `install-${i + 1}`));
      await healed(db);
    }
    const crashes = await Promise.all(ids.map((id) => crashOf(server, id)));
    for (const crash of crashes) {
      const stack = stackOf(crash);
      expect(stack.names.slice(0, truth.length)).toEqual(truth);
      // Whatever came first, the stack is the same to its end.
      expected ??= stack;
      expect(stack).toEqual(expected);
    }
    // A file that brought nothing to a crash did not have it walked again.
    for (const { revision } of crashes) expect(revision).toBeLessThanOrEqual(order.length + 1);
    expect(new Set(crashes.map(({ group }) => group)).size).toBe(1);
    expect((await db.selectFrom("alerts").select("group_id").execute()).length).toBeLessThanOrEqual(told.length + order.length);
    const { id: project } = await db.selectFrom("projects").select("id").where("slug", "=", "default").executeTakeFirstOrThrow();
    await expectExactCounts(db, project);
    const { items } = await read<{ items: { count: number; installs: number }[] }>(server, "groups");
    expect(items.filter(({ count }) => count > 0).map(({ count, installs }) => [count, installs])).toEqual([[ids.length, ids.length]]);
    const page = await read<SymbolPage>(server, "symbols");
    const named = page.items.filter(({ debugId }) => debugId !== null);
    // Together the files of the module lack nothing that one of them could have brought.
    expect(named.flatMap(({ lacks, problem }) => [...lacks.map(({ code }) => code), problem]).filter((code) => code !== null)).toEqual([]);
    // What each brought is counted, whenever it came.
    const counted = page.items.map(({ kind, functions, lines, unwindRows }) => [kind, functions > 0, lines > 0, unwindRows > 0]).sort();
    counts ??= counted;
    expect(counted).toEqual(counts);
    expect(counted.filter(([kind]) => kind === "dwp" || kind === "dsym").map((row) => row.slice(1, 3))).toEqual(counted.filter(([kind]) => kind === "dwp" || kind === "dsym").map(() => [true, true]));
  });
});
