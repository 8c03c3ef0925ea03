// Symbols that come after a crash: who is walked again for which file, once each,
// whatever is killed or happens at the same moment.
import { randomBytes } from "node:crypto";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { finishWalk } from "../../storage/crashes.ts";
import type { OpenDatabase } from "../../storage/database.ts";
import { type DebugFileRow, finishCompile, forgiveCompile, type NewDebugFile, reclaimFiles, startCompile, storeDebugFiles, type StoredRow } from "../../storage/debug-files.ts";
import { healNext } from "../../storage/healing.ts";
import type { Jobs } from "../../storage/jobs.ts";
import { projectDebugFiles } from "../../storage/project-symbols.ts";
import type { Storage } from "../../storage/storage.ts";
import { addProject } from "../support/alert-rows.ts";
import * as rows from "../support/crash-rows.ts";
import { testDatabase } from "../support/database.ts";

const id = "0123456789ABCDEF0123456789ABCDEF1";
const codeId = "65A1B2C34D000";
const nothing = { functions: false, publics: false, lines: false, inlines: false, unwind: false };

let database: OpenDatabase;
let project: number;
beforeAll(async () => {
  database = await testDatabase();
});
beforeEach(async () => {
  project = (await addProject(database.db)).id;
  await database.db.deleteFrom("outbox").execute();
});
afterAll(() => database.close());

const { missing, walked } = rows;

/** A crash that was walked and lacked something; its id. */
async function waiting(lacks: Parameters<typeof missing>[0] = {}, of = project): Promise<string> {
  const crash = await rows.store(database.db, of, { install: "one" });
  await finishWalk(database.db, await rows.due(database.db, crash), walked("hall.dll + 0x1", { missing: [missing(lacks)] }));
  return crash;
}

function file(more: Partial<NewDebugFile> = {}): NewDebugFile {
  return { projectId: project, kind: "pdb", os: "windows", arch: "x86_64", debugId: id, debugFile: "hall.pdb", codeId: null, codeFile: null, holds: { ...nothing, functions: true, lines: true }, lacks: [], blob: randomBytes(32).toString("hex"), bytes: 1, counts: { functions: 0, lines: 0, unwindRows: 0 }, ...more };
}
const storeDebugFile = async (...[db, one]: [OpenDatabase["db"], NewDebugFile]): Promise<StoredRow> => (await storeDebugFiles(db, [one]))[0]!;
const program = (more: Partial<NewDebugFile> = {}) => file({ kind: "pe", debugFile: "hall.pdb", codeFile: "Hall.dll", codeId, holds: { ...nothing, publics: true, unwind: true }, ...more });

/** Uploads a file and compiles it. */
async function arrive(one: NewDebugFile): Promise<DebugFileRow> {
  const { row } = await storeDebugFile(database.db, one);
  await finishCompile(database.db, (await startCompile(database.db, row.id))!, { counts: null });
  return row;
}

/** Runs what healing asked for until nothing is asked. */
async function heal(batch?: number): Promise<number> {
  let healed = 0;
  for (;;) {
    const jobs = await database.db.deleteFrom("outbox").where("queue", "=", "heal").returning("payload").execute();
    if (jobs.length === 0) return healed;
    for (const job of jobs) healed += (await healNext(database.db, job.payload as Jobs["heal"], batch)) ?? 0;
  }
}

const due = async () => (await database.db.selectFrom("crashes").select("id").where("project_id", "=", project).where("state", "=", "stored").orderBy("id").execute()).map((row) => row.id);
const settled = async (row: { id: string }) => (await database.db.selectFrom("debug_files").select("settled_at").where("id", "=", row.id).executeTakeFirstOrThrow()).settled_at !== null;
const lower = { code_id: codeId.toLowerCase() };

describe("a file heals", () => {
  test.each<[string, Parameters<typeof missing>[0], NewDebugFile["kind"], boolean]>([
    ["a crash that lacked all of the module, by its PDB", {}, "pdb", true],
    ["one that lacked all of it, by its program", {}, "pe", true],
    ["one that lacked lines, by the PDB", { lacks: "names" }, "pdb", true],
    // It may lack unwind data too.
    ["one that lacked lines, by the program", { lacks: "names" }, "pe", true],
    ["one that lacked unwind data, by the program", { lacks: "unwind" }, "pe", true],
    ["not one that lacked unwind data, by the PDB", { lacks: "unwind" }, "pdb", false],
    ["one that calls the module otherwise", { debugFile: "other.pdb" }, "pdb", true],
    ["not one of another build", { debugId: "F".repeat(32) + "1" }, "pdb", false],
    // A dump of Wine: no CodeView record in the module list.
    ["one that knows the code id alone, by the program, whatever the case", { debugId: null, debugFile: null, codeFile: "hall.DLL", codeId: lower.code_id }, "pe", true],
    ["not one whose program only has the same code id", { debugId: null, debugFile: null, codeFile: "hull.dll", codeId }, "pe", false],
    ["not one that knows the code id alone, by a PDB alone", { debugId: null, debugFile: null, codeFile: "Hall.dll", codeId }, "pdb", false],
  ])("%s", async (_what, lacks, kind, healed) => {
    const crash = await waiting(lacks);
    const row = await arrive(kind === "pdb" ? file() : program());
    expect(await heal()).toBe(healed ? 1 : 0);
    expect(await due()).toEqual(healed ? [crash] : []);
    expect(await settled(row)).toBe(true);
  });

  test("a crash that knows the code id alone, by a PDB whose program is there", async () => {
    await arrive(program());
    await heal();
    const crash = await waiting({ debugId: null, debugFile: null, codeFile: "hall.dll", codeId, lacks: "names" });
    await arrive(file());
    expect(await heal()).toBe(1);
    expect(await due()).toEqual([crash]);
  });

  test.each<[string, readonly Partial<NewDebugFile>[]]>([
    ["split DWARF, which has no lines by itself", [{ kind: "dwp", holds: { ...nothing, functions: true, inlines: true } }]],
    ["what dwz took out of its debug file", [{ kind: "elf-debug", supplement: { debugId: "D".repeat(33), file: "hall.dwz" } }, { kind: "elf-debug", debugId: "D".repeat(33), debugFile: "hall.dwz", holds: nothing }]],
    ["the same, which was there first", [{ kind: "elf-debug", debugId: "D".repeat(33), debugFile: "hall.dwz", holds: nothing }, { kind: "elf-debug", supplement: { debugId: "D".repeat(33), file: "hall.dwz" } }]],
  ])("a crash that lacked names, by %s; not one of another module", async (_what, files) => {
    const crash = await waiting({ lacks: "names" });
    await waiting({ lacks: "names", debugId: "E".repeat(33) });
    for (const one of files) {
      await database.db.updateTable("crashes").set({ state: "grouped" }).where("id", "=", crash).execute();
      const row = await arrive(file(one));
      await heal();
      expect([await due(), await settled(row)]).toEqual([one.debugId === undefined || files[0] !== one ? [crash] : [], true]);
    }
  });

  test("a crash with a debug id by a program that has none, by the code id", async () => {
    const crash = await waiting({ codeFile: "hall.dll", codeId });
    await arrive(program({ debugId: null, debugFile: null }));
    expect(await heal()).toBe(1);
    expect(await due()).toEqual([crash]);
  });

  test("no crash of another project", async () => {
    const other = (await addProject(database.db)).id;
    const theirs = await waiting({}, other);
    const ours = await waiting();
    await arrive(file());
    expect(await heal()).toBe(1);
    expect(await due()).toEqual([ours]);
    expect(await rows.rowOf(database.db, theirs)).toMatchObject({ state: "grouped", revision: 1 });
  });

  test("below new crashes, and as a walk like any other: counts stay exact, the new group is no news", async () => {
    const crash = await waiting();
    const alerts = () => database.db.selectFrom("outbox").select("id").where("queue", "=", "alert").execute();
    await database.db.deleteFrom("outbox").execute();
    await arrive(file());
    await heal();
    expect(await database.db.selectFrom("outbox").select(["job_key", "priority"]).where("queue", "=", "symbolicate").execute()).toEqual([{ job_key: `crash-${crash}-2`, priority: 10 }]);
    await rows.expectExactCounts(database.db, project);
    await finishWalk(database.db, await rows.due(database.db, crash, 2), walked("hall::Tail::process"));
    await rows.expectExactCounts(database.db, project);
    expect(await rows.rowOf(database.db, crash)).toMatchObject({ state: "grouped", signature: "hall::Tail::process", waiting_for_symbols: false });
    expect(await alerts()).toEqual([]);
  });

  test("a failed crash stays failed, and one that is due is left alone", async () => {
    const crash = await waiting();
    await arrive(file());
    await database.db.updateTable("crashes").set({ state: "failed" }).where("id", "=", crash).execute();
    expect(await heal()).toBe(0);
    expect((await rows.rowOf(database.db, crash)).revision).toBe(1);
  });
});

describe("healing goes on", () => {
  const many = async (n: number) => {
    const crashes: string[] = [];
    for (let i = 0; i < n; i++) crashes.push(await waiting());
    return crashes;
  };

  test("in batches, the newest first", async () => {
    const crashes = await many(5);
    const row = await arrive(file());
    const job = { file: row.id, from: null, round: 0 };
    expect(await healNext(database.db, job, 2)).toBe(2);
    expect(await due()).toEqual(crashes.slice(3));
    expect(await settled(row)).toBe(false);
    expect(await heal(2)).toBe(3);
    expect(await due()).toEqual(crashes);
    expect(await settled(row)).toBe(true);
  });

  test("where it was when the queue lost it; a job that runs twice changes nothing", async () => {
    await many(5);
    const row = await arrive(file());
    const job = { file: row.id, from: null, round: 0 };
    expect(await healNext(database.db, job, 2)).toBe(2);
    expect(await healNext(database.db, job, 2)).toBeUndefined();
    await database.db.deleteFrom("outbox").execute();
    expect(await reclaimFiles(database.db, 60)).toBe(0);
    await database.db.updateTable("debug_files").set({ queued_at: new Date(Date.now() - 120_000) }).where("id", "=", row.id).execute();
    expect(await reclaimFiles(database.db, 60)).toBe(1);
    expect(await reclaimFiles(database.db, 60)).toBe(0);
    expect(await heal(2)).toBe(3);
    expect(await heal()).toBe(0);
    const revisions = await database.db.selectFrom("crashes").select("revision").where("project_id", "=", project).execute();
    expect(revisions.map((one) => one.revision)).toEqual([2, 2, 2, 2, 2]);
  });

  test("two at once heal each crash once", async () => {
    await many(6);
    const files = [await arrive(file()), await arrive(program())];
    await Promise.all(files.flatMap(({ id: one }) => [0, 0].map((round) => healNext(database.db, { file: one, from: null, round }, 3))));
    await heal(3);
    const revisions = await database.db.selectFrom("crashes").select("revision").where("project_id", "=", project).execute();
    expect(revisions.map((one) => one.revision)).toEqual([2, 2, 2, 2, 2, 2]);
    expect(await Promise.all(files.map(settled))).toEqual([true, true]);
  });

  test("waits while many crashes wait for walks", async () => {
    await waiting();
    const row = await arrive(file());
    await sql`insert into crashes (id, project_id, received_at, kind, state, blob, blob_bytes)
      select gen_random_uuid(), ${project}, now(), 'minidump', 'stored', 'b', 1 from generate_series(1, 500)`.execute(database.db);
    await database.db.deleteFrom("outbox").execute();
    expect(await healNext(database.db, { file: row.id, from: null, round: 0 })).toBe(0);
    const [next] = await database.db.selectFrom("outbox").select(["payload", "due_at"]).where("queue", "=", "heal").execute();
    expect(next).toMatchObject({ payload: { file: row.id, from: null, round: 1 } });
    expect(next!.due_at.getTime()).toBeGreaterThan(Date.now() + 1000);
    await database.db.deleteFrom("crashes").where("blob", "=", "b").execute();
    expect(await healNext(database.db, next!.payload as Jobs["heal"])).toBe(1);
  });
});

describe("a walk that was under way while a file came", () => {
  test("is repeated when the file was compiled before its end, and only then", async () => {
    const crash = await rows.store(database.db, project);
    const first = await rows.due(database.db, crash);
    await arrive(file());
    expect(await heal()).toBe(0);
    await finishWalk(database.db, first, walked("x", { missing: [missing()] }));
    expect(await rows.rowOf(database.db, crash)).toMatchObject({ state: "stored", revision: 2 });
    // The next one began after the file was there: what it lacks, the file does not bring.
    await finishWalk(database.db, await rows.due(database.db, crash, 2), walked("x", { missing: [missing()] }));
    expect(await rows.rowOf(database.db, crash)).toMatchObject({ state: "grouped", revision: 2 });
    await rows.expectExactCounts(database.db, project);
  });

  test("is left to healing when the file is compiled after its end", async () => {
    const crash = await rows.store(database.db, project);
    const first = await rows.due(database.db, crash);
    const { row } = await storeDebugFile(database.db, file());
    await finishWalk(database.db, first, walked("x", { missing: [missing()] }));
    expect((await rows.rowOf(database.db, crash)).state).toBe("grouped");
    await finishCompile(database.db, (await startCompile(database.db, row.id))!, { counts: null });
    expect(await heal()).toBe(1);
  });

  test("is not repeated for what does not help it", async () => {
    const crash = await rows.store(database.db, project);
    const first = await rows.due(database.db, crash);
    await arrive(file());
    await finishWalk(database.db, first, walked("x", { missing: [missing({ lacks: "unwind" })] }));
    expect((await rows.rowOf(database.db, crash)).state).toBe("grouped");
  });

  // Whatever the interleaving, nobody is left behind.
  test("together with the file's healing, thirty times at once", async () => {
    const walks = await Promise.all(Array.from({ length: 30 }, async () => rows.due(database.db, await rows.store(database.db, project))));
    const { row } = await storeDebugFile(database.db, file());
    const started = (await startCompile(database.db, row.id))!;
    await Promise.all([
      ...walks.map((walk) => finishWalk(database.db, walk, walked("x", { missing: [missing()] }))),
      finishCompile(database.db, started, { counts: null }).then(() => healNext(database.db, { file: row.id, from: null, round: 0 })),
    ]);
    expect(await due()).toHaveLength(30);
  });
});

describe("a file's row", () => {
  test("is one for one content, whatever it is called; a new name of a program heals again", async () => {
    const one = program({ codeFile: "upload.bin" });
    const crash = await waiting({ debugId: null, debugFile: null, codeFile: "Hall.dll", codeId });
    const first = await arrive(one);
    expect(await heal()).toBe(0);
    const again = await storeDebugFile(database.db, one);
    expect(again).toMatchObject({ created: false, row: { id: first.id } });
    expect(await startCompile(database.db, first.id)).toBeUndefined();
    expect((await storeDebugFile(database.db, { ...one, codeFile: "Hall.dll" })).created).toBe(false);
    await finishCompile(database.db, (await startCompile(database.db, first.id))!, { counts: { functions: 1, lines: 2, unwindRows: 3 } });
    expect(await heal()).toBe(1);
    expect(await due()).toEqual([crash]);
    expect(await database.db.selectFrom("debug_files").select(["functions", "lines", "unwind_rows"]).where("project_id", "=", project).execute()).toEqual([{ functions: "1", lines: "2", unwind_rows: "3" }]);
  });

  test("is the same content's own in each project", async () => {
    const one = file();
    const other = (await addProject(database.db)).id;
    expect([(await storeDebugFile(database.db, one)).created, (await storeDebugFile(database.db, { ...one, projectId: other })).created]).toEqual([true, true]);
  });

  test("says why the file is no good; then nothing is healed, and sending it again tries again", async () => {
    await waiting();
    const one = file();
    const { row } = await storeDebugFile(database.db, one);
    await finishCompile(database.db, (await startCompile(database.db, row.id))!, { problem: "It is damaged." });
    expect(await heal()).toBe(0);
    expect(await settled(row)).toBe(true);
    const again = await storeDebugFile(database.db, one);
    expect(again).toMatchObject({ created: false, row: { problem: null, settled_at: null } });
    expect(await startCompile(database.db, row.id)).toBeDefined();
  });

  test("that is no good does not stand in the way of an older one that is", async () => {
    const [good, bad] = [file(), file()];
    await arrive(good);
    const { row } = await storeDebugFile(database.db, bad);
    const blobs = { path: (blob: string) => Promise.resolve(blob) };
    const find = () => projectDebugFiles({ db: database.db, blobs } as unknown as Storage, project)([id], []);
    const last = async () => (await find()).at(-1)!.path();
    expect(await last()).toBe(bad.blob);
    await finishCompile(database.db, (await startCompile(database.db, row.id))!, { problem: "It is damaged." });
    expect(await last()).toBe(good.blob);
  });

  test("gives a file up that takes its worker along, not one whose disk is away", async () => {
    const { row } = await storeDebugFile(database.db, file());
    for (let i = 0; i < 5; i++) {
      expect(await startCompile(database.db, row.id)).toBeDefined();
      await forgiveCompile(database.db, row.id);
    }
    for (let i = 0; i < 3; i++) expect(await startCompile(database.db, row.id)).toBeDefined();
    expect(await startCompile(database.db, row.id)).toBeUndefined();
    const { problem } = await database.db.selectFrom("debug_files").select("problem").where("id", "=", row.id).executeTakeFirstOrThrow();
    expect(problem).toContain("never ended");
  });

  test("is compiled once, however many are asked", async () => {
    const { row } = await storeDebugFile(database.db, file());
    const started = await Promise.all([0, 1, 2].map(() => startCompile(database.db, row.id)));
    await Promise.all(started.map((one) => finishCompile(database.db, one!, { counts: null })));
    expect(await database.db.selectFrom("outbox").select("job_key").where("queue", "=", "heal").execute()).toEqual([{ job_key: `heal-${row.id}-all-0` }]);
  });
});
