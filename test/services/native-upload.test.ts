// PDBs and programs in, as they are: what is read of them, what they are called,
// what is refused, and what a build machine is told that it need not send.
import { readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createHash } from "node:crypto";
import type { WindowsIndex } from "../../fixtures/windows/index-schema.ts";
import type { SymbolItem, SymbolPage } from "../../services/triage/schema.ts";
import { finishWalk } from "../../storage/crashes.ts";
import * as rows from "../support/crash-rows.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";

const built = (file: string) => readFileSync(path.join(import.meta.dirname, "../../fixtures/out/windows", file));
const pdb = built("x64/Halcyon.pdb");
const program = built("x64/Halcyon.vst3");
const { debugId, codeId } = (JSON.parse(built("index.json").toString()) as WindowsIndex).modules.find(({ file }) => file === "x64/Halcyon.vst3")!;
const id = debugId!;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SYMBOL_BODY_BYTES: 1_000_000, SYMBOL_INFLATED_BYTES: 2_000_000 });
});
beforeEach(async () => {
  await server.storage.db.deleteFrom("debug_files").execute();
  await server.storage.db.deleteFrom("missing_symbols").execute();
});
afterAll(() => server.close());

const post = (body: Buffer, query = "", headers: { [name: string]: string } = {}) =>
  fetch(`${server.url}/api/v1/default/symbols${query}`, { method: "POST", headers: { authorization: `Bearer ${server.symbolToken}`, "content-type": "application/octet-stream", ...headers }, body: new Uint8Array(body) });
const taken = async (body: Buffer, query = "") => (await (await post(body, query)).json()) as SymbolItem;
const list = async () => (await (await fetch(`${server.url}/api/v1/default/symbols`, { headers: { authorization: `Bearer ${server.readToken}` } })).json()) as SymbolPage;
const check = async (symbols: object[]) => {
  const response = await fetch(`${server.url}/api/v1/default/symbols/check`, { method: "POST", headers: { authorization: `Bearer ${server.symbolToken}`, "content-type": "application/json" }, body: JSON.stringify({ symbols }) });
  return { status: response.status, states: response.ok ? ((await response.json()) as { symbols: { state: string }[] }).symbols.map(({ state }) => state) : [] };
};

/** A program with its CodeView record blanked: the signature RSDS is gone. */
function withoutCodeView(): Buffer {
  const bytes = Buffer.from(program);
  bytes.fill(0, bytes.indexOf("RSDS"), bytes.indexOf("RSDS") + 4);
  return bytes;
}

describe("a PDB and its program", () => {
  it("are stored with what they say of themselves", async () => {
    const first = await post(pdb, "?name=Halcyon.pdb");
    expect([first.status, await first.json()]).toEqual([
      201,
      expect.objectContaining({ kind: "pdb", debugFile: "Halcyon.pdb", debug_file: "Halcyon.pdb", debugId: id, debug_id: id, codeId: null, os: "windows", arch: "x86_64", bytes: pdb.length, compiled: false, holds: { functions: true, publics: true, lines: true, inlines: true, unwind: false }, lacks: [expect.objectContaining({ code: "unwind_in_program" })] }),
    ]);
    const second = await post(program, "?name=Halcyon.vst3");
    // Together they lack nothing.
    expect([second.status, await second.json()]).toEqual([201, expect.objectContaining({ kind: "pe", debugFile: "Halcyon.pdb", debugId: id, codeFile: "Halcyon.vst3", codeId, holds: expect.objectContaining({ unwind: true, functions: false }), lacks: [] })]);
    expect((await list()).items.map(({ kind, lacks }) => [kind, lacks])).toEqual([["pe", []], ["pdb", []]]);
    expect((await post(pdb, "?name=Halcyon.pdb")).status).toBe(200);
  });

  it.each([
    ["Content-Encoding: gzip", gzipSync(pdb), { "content-encoding": "gzip" }],
    ["a file that was compressed", zstdCompressSync(pdb), {}],
  ])("may come as %s", async (_how, body, headers) => {
    const response = await post(body, "", headers);
    expect([response.status, await response.json()]).toEqual([201, expect.objectContaining({ kind: "pdb", bytes: pdb.length })]);
  });

  it("by sym_upload's form are called what the form's file is called", async () => {
    const body = new FormData();
    body.append("symbol_file", new Blob([new Uint8Array(program)]), "C:\\build\\Halcyon Pro.vst3");
    const response = await fetch(`${server.url}/api/v1/default/sym-upload?token=${server.symbolToken}`, { method: "POST", body });
    expect([response.status, await response.text()]).toEqual([200, `Halcyon.pdb ${id}\n`]);
    expect((await list()).items.map(({ codeFile }) => codeFile)).toEqual(["Halcyon Pro.vst3"]);
  });
});

describe("names", () => {
  it.each([
    // Whatever the request says, only a file name comes of it.
    ["a path of Windows", "?name=" + encodeURIComponent("C:\\build\\x64\\Halcyon.dll"), "Halcyon.dll"],
    ["a path that leads out", "?name=../../../etc/Halcyon.dll", "Halcyon.dll"],
    ["two names", "?name=a.dll&name=b.dll", "a.dll"],
    ["none", "", null],
    ["an empty one", "?name=", null],
  ])("of a program: %s", async (_what, query, name) => {
    expect(await taken(program, query)).toMatchObject({ codeFile: name, debugFile: "Halcyon.pdb" });
  });

  it.each([["..", 400], ["a\u0000b", 400], ["CON.dll", 400], ["x".repeat(300), 400]])("%j is refused, and leaves nothing", async (name, status) => {
    const before = server.files().length;
    const response = await post(program, `?name=${encodeURIComponent(name)}`);
    expect([response.status, ((await response.json()) as { error: string }).error]).toEqual([status, "bad_module_name"]);
    expect(server.files().length).toBe(before);
  });

  it("of a PDB without a name: its own word, or its program's", async () => {
    expect((await taken(pdb)).debugFile).toBe("Halcyon.pdb");
    // Without the linker's note of it.
    const nameless = Buffer.from(pdb);
    for (let at = nameless.indexOf("Halcyon.pdb"); at >= 0; at = nameless.indexOf("Halcyon.pdb", at + 1)) nameless.write("\0", at);
    await server.storage.db.deleteFrom("debug_files").execute();
    expect((await taken(nameless)).debugFile).toBe(`${id}.pdb`);
    await taken(program);
    expect((await list()).items.map(({ debugFile }) => debugFile)).toEqual(["Halcyon.pdb", "Halcyon.pdb"]);
    await server.storage.db.deleteFrom("debug_files").where("kind", "=", "pdb").execute();
    expect((await taken(nameless)).debugFile).toBe("Halcyon.pdb");
  });

  it("a program that nothing would find is refused; with a name it is found by its code id", async () => {
    const bytes = withoutCodeView();
    const nameless = await post(bytes);
    expect([nameless.status, ((await nameless.json()) as { error: string }).error]).toEqual([400, "no_file_name"]);
    expect(await taken(bytes, "?name=Halcyon.vst3")).toMatchObject({ debugId: null, debugFile: null, codeFile: "Halcyon.vst3", codeId, lacks: expect.arrayContaining([expect.objectContaining({ code: "no_debug_id" })]) });
  });
});

describe("what is no good is refused, and nothing of it is kept", () => {
  it.each<[string, string, Buffer]>([
    ["a PDB cut off", "malformed_pdb", pdb.subarray(0, 5000)],
    ["a program cut off in its headers", "malformed_pe", program.subarray(0, 100)],
    ["noise behind a PDB's first bytes", "malformed_pdb", Buffer.concat([pdb.subarray(0, 40), Buffer.alloc(50_000, 0xff)])],
    ["noise behind a program's first bytes", "malformed_pe", Buffer.concat([Buffer.from("MZ"), Buffer.alloc(50_000, 0xff)])],
  ])("%s", async (_what, code, body) => {
    const before = server.files().length;
    const response = await post(body, "?name=x.dll");
    expect([response.status, ((await response.json()) as { error: string }).error]).toEqual([400, code]);
    expect([server.files().length, (await list()).items]).toEqual([before, []]);
  });

  it("one over the limit", async () => {
    expect((await post(gzipSync(Buffer.concat([pdb, Buffer.alloc(2_000_000)])))).status).toBe(413);
    expect((await list()).items).toEqual([]);
  });

  it("or taken, whatever is wrong in its head", { timeout: 60_000 }, async () => {
    const before = server.files().length;
    for (const [body, at] of [[pdb, 32], [program, 64]] as const) {
      for (let step = 0; step < 24; step++) {
        const damaged = Buffer.from(body);
        damaged.writeUInt32LE(0xfffffff0 - step, at + step * 4);
        const response = await post(damaged, "?name=x.dll");
        expect([200, 201, 400]).toContain(response.status);
        await response.arrayBuffer();
      }
    }
    expect(server.files().filter((file) => file.startsWith("spool/"))).toEqual([]);
    expect(server.files().length).toBeGreaterThanOrEqual(before);
  });
});

describe("a build machine asks", () => {
  const sha256 = createHash("sha256").update(pdb).digest("hex");

  it("by kind, ids and content, so that it need not send", async () => {
    await taken(pdb, "?name=Halcyon.pdb");
    await taken(program, "?name=Halcyon.vst3");
    const { states } = await check([
      { kind: "pdb", debug_id: id.toLowerCase(), debug_file: "Halcyon.pdb", sha256: sha256.toUpperCase() },
      { kind: "pdb", debug_id: id, debug_file: "Halcyon.pdb", sha256: "0".repeat(64) },
      // A file that would be called otherwise is worth sending: its row takes the name.
      { kind: "pdb", debug_id: id, debug_file: "Other.pdb", sha256 },
      { kind: "pe", debug_id: id, code_file: "Halcyon.vst3" },
      { kind: "pe", code_id: codeId.toLowerCase(), code_file: "Halcyon.vst3" },
      { kind: "breakpad", debug_id: id },
      { debug_id: id },
    ]);
    expect(states).toEqual(["have", "different", "missing", "have", "have", "missing", "have"]);
  });

  it.each([[{ debug_file: "x.pdb" }], [{ kind: "coff", debug_id: id }], [{}]])("%j is no question", async (question) => {
    expect((await check([question])).status).toBe(400);
  });

  it("sym_upload asks only for symbol files: a PDB does not keep it from bringing one", async () => {
    await taken(pdb, "?name=Halcyon.pdb");
    const answer = await fetch(`${server.url}/api/v1/default/sym-upload/v1/symbols/Halcyon.pdb/${id}:checkStatus?key=${server.symbolToken}`);
    expect(await answer.json()).toEqual({ status: "MISSING" });
  });
});

describe("the list of what is missing", () => {
  const waiting = async (...missing: ReturnType<typeof rows.missing>[]) => {
    const { db } = server.storage;
    const { id: project } = await db.selectFrom("projects").select("id").where("slug", "=", "default").executeTakeFirstOrThrow();
    const crash = await rows.store(db, project);
    await finishWalk(db, await rows.due(db, crash), rows.walked("x", { missing }));
  };
  const module = { debugFile: "Halcyon.pdb", debugId: id, codeFile: "Halcyon.vst3", codeId } as const;

  it("has each module once, with the most that any crash lacks, most crashes first", async () => {
    await waiting({ ...module, lacks: "unwind" }, rows.missing());
    await waiting({ ...module, lacks: "names" });
    await waiting({ ...module, debugFile: null, debugId: null, codeFile: "HALCYON.vst3", lacks: "names" });
    await waiting({ ...module, debugFile: null, debugId: null, lacks: "unwind" });
    expect((await list()).missing).toEqual([
      { ...module, lacks: "names", crashes: 2 },
      { ...module, debugFile: null, debugId: null, codeFile: expect.stringMatching(/halcyon.vst3/i), lacks: "names", crashes: 2 },
      { debugFile: "hall.pdb", debugId: "0123456789ABCDEF0123456789ABCDEF1", codeFile: "hall.dll", codeId: null, lacks: "all", crashes: 1 },
    ]);
  });

  it("leaves out what is being healed just now", async () => {
    await waiting({ ...module, lacks: "all" });
    await taken(pdb);
    expect((await list()).missing).toEqual([]);
  });
});
