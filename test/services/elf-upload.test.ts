// Files of Linux and macOS in, as they are: what they are called, how universal
// binaries are taken apart, what is refused, and what a build machine is told.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { SymbolItem, SymbolPage } from "../../services/triage/schema.ts";
import { writeDwoBundle } from "../../symbols/dwarf/dwo-bundle.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";

const built = (file: string) => readFileSync(path.join(import.meta.dirname, "../../fixtures/out", file));
const program = built("1.4.2/halcyon.lv2/halcyon.so");
const debug = built("1.4.2/halcyon.lv2/halcyon.so.debug");
const id = "05815560876A036BAF11B45370798C070";
const universal = built("mac/universal/Halcyon.vst3/Contents/MacOS/Halcyon");
const dsym = built("mac/universal/Halcyon.vst3.dSYM/Contents/Resources/DWARF/Halcyon");
const shared = { program: built("elf/dwz-shared-4/halcyon.so"), other: built("elf/dwz-shared-4/halcyon-small.so"), supplement: built("elf/dwz-shared-4/halcyon.dwz") };
const dwp = built("elf/clang-5-dwo/halcyon.so.dwp");
const bundle = Buffer.concat(writeDwoBundle("641CADC614C1CF33F91C0E52512954E70", "halcyon.so", [{ name: "halcyon.so.dwp", size: dwp.length }]).pieces.map((piece) => (typeof piece === "number" ? dwp : piece)));

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
beforeEach(async () => {
  await server.storage.db.deleteFrom("debug_files").execute();
});
afterAll(() => server.close());

const post = (body: Buffer, query = "") => fetch(`${server.url}/api/v1/default/symbols${query}`, { method: "POST", headers: { authorization: `Bearer ${server.symbolToken}`, "content-type": "application/octet-stream" }, body: new Uint8Array(body) });
type Answer = SymbolItem & { readonly error?: string; readonly hint?: string; readonly parts?: readonly SymbolItem[] };
const taken = async (body: Buffer, query = "") => (await (await post(body, query)).json()) as Answer;
const list = async () => ((await (await fetch(`${server.url}/api/v1/default/symbols`, { headers: { authorization: `Bearer ${server.readToken}` } })).json()) as SymbolPage).items;
const lacks = ({ lacks: all }: SymbolItem) => all.map(({ code }) => code);

describe("a program and its debug file", () => {
  it("are one module, which together lacks nothing", async () => {
    expect(await taken(debug, "?name=halcyon.so.debug")).toMatchObject({ kind: "elf-debug", debugFile: "halcyon.so", codeFile: null, debugId: id, os: "Linux", arch: "x86_64", holds: { functions: true, lines: true, unwind: false }, compiled: false });
    expect((await list()).map(lacks)).toEqual([["unwind_in_program"]]);
    expect(await taken(program, "?name=halcyon.so")).toMatchObject({ kind: "elf", debugFile: "halcyon.so", codeFile: "halcyon.so", debugId: id, codeId: "605581056A876B03AF11B45370798C070B29FFE0", holds: { functions: false, unwind: true }, lacks: [] });
    expect((await list()).map(lacks)).toEqual([[], []]);
    expect((await post(program, "?name=halcyon.so")).status).toBe(200);
  });

  it.each<[string, Buffer, string, string]>([
    ["a debug file by its own name", debug, "?name=halcyon.so.debug", "halcyon.so"],
    ["by its module's", debug, "?name=halcyon.so", "halcyon.so"],
    ["by another ending", debug, "?name=halcyon.so.dbg", "halcyon.so"],
    ["a program that ends like a debug file", program, "?name=odd.debug", "odd.debug"],
    ["a path", program, "?name=" + encodeURIComponent("/build/out/halcyon.so"), "halcyon.so"],
    // As in /usr/lib/debug/.build-id.
    ["by its build id", debug, "?name=5581056a876b03af11b45370798c070b29ffe0.debug", id],
    ["nothing", debug, "", id],
    ["a dSYM by its bundle", dsym, "?name=Halcyon.vst3.dSYM", "Halcyon.vst3"],
    ["a bundle of split DWARF, which says it itself", bundle, "", "halcyon.so"],
  ])("is called by %s", async (_by, body, query, name) => {
    expect((await taken(body, query)).debugFile).toBe(name);
  });

  it("that nobody named take the name of the next one of the module that has one", async () => {
    await taken(debug);
    await taken(program, "?name=Halcyon.so");
    expect((await list()).map(({ debugFile }) => debugFile)).toEqual(["Halcyon.so", "Halcyon.so"]);
    await server.storage.db.deleteFrom("debug_files").where("kind", "=", "elf-debug").execute();
    expect((await taken(debug)).debugFile).toBe("Halcyon.so");
  });
});

describe("a universal binary", () => {
  const ids = ["4C4C447355553144A1C2B4984EBAB5050", "4C4C445A55553144A15173F33355B7B70"];

  it("is stored as a file of each architecture", async () => {
    const spool = () => server.files().filter((file) => file.startsWith("spool/"));
    const response = await post(universal, "?name=Halcyon");
    const answer = (await response.json()) as Answer;
    expect([response.status, answer.debugId, answer.parts!.map(({ debugId }) => debugId)]).toEqual([201, ids[0], ids]);
    expect(answer.parts!.map(({ kind, arch, debugFile, codeFile, platform }) => [kind, arch, debugFile, codeFile, platform])).toEqual([["macho", "x86_64", "Halcyon", "Halcyon", expect.stringMatching(/^macOS /)], ["macho", "arm64", "Halcyon", "Halcyon", expect.stringMatching(/^macOS /)]]);
    expect(answer.parts!.map(lacks)).toEqual([["names_in_dsym"], ["names_in_dsym"]]);
    // Each part's blob is the part and no more.
    const rows = await server.storage.db.selectFrom("debug_files").select(["blob", "bytes"]).orderBy("id").execute();
    for (const { blob, bytes } of rows) {
      const part = readFileSync((await server.storage.blobs.path(blob))!);
      expect([part.length, createHash("sha256").update(part).digest("hex"), universal.includes(part)]).toEqual([Number(bytes), blob, true]);
    }
    expect(spool()).toEqual([]);
    const again = await post(dsym, "?name=Halcyon");
    expect([again.status, ((await again.json()) as Answer).parts!.map(({ kind }) => kind)]).toEqual([201, ["dsym", "dsym"]]);
    expect((await list()).map(lacks)).toEqual([[], [], [], []]);
    expect((await post(universal, "?name=Halcyon")).status).toBe(200);
  });

  it("by sym_upload's form, with a line for each", async () => {
    const body = new FormData();
    body.append("symbol_file", new Blob([new Uint8Array(universal)]), "Halcyon");
    const response = await fetch(`${server.url}/api/v1/default/sym-upload?token=${server.symbolToken}`, { method: "POST", body });
    expect([response.status, await response.text()]).toEqual([200, ids.map((one) => `Halcyon ${one}\n`).join("")]);
  });

  it("of one part is that part", async () => {
    const at = universal.readUInt32BE(8 + 8);
    const size = universal.readUInt32BE(8 + 12);
    const single = Buffer.from(universal);
    single.writeUInt32BE(1, 4);
    const answer = await taken(single, "?name=Halcyon");
    expect([answer.debugId, answer.parts, answer.bytes]).toEqual([ids[0], undefined, size]);
    expect(at).toBeGreaterThan(0);
  });

  it.each<[string, (bytes: Buffer) => Buffer, string]>([
    ["that is cut", (bytes) => bytes.subarray(0, bytes.length - 100), "malformed_macho"],
    ["of a thousand parts", (bytes) => (bytes.writeUInt32BE(40, 4), bytes), "malformed_macho"],
    ["whose parts overlap", (bytes) => (bytes.writeUInt32BE(bytes.readUInt32BE(16), 36), bytes), "malformed_macho"],
    ["one part of which is none", (bytes) => (bytes.fill(0x20, bytes.readUInt32BE(36), bytes.readUInt32BE(36) + 64), bytes), "not_a_symbol_file"],
  ])("%s is refused whole, and nothing of it is kept", async (_what, damage, error) => {
    const before = server.files();
    expect((await taken(damage(Buffer.from(universal)), "?name=Halcyon")).error).toBe(error);
    expect([await list(), server.files()]).toEqual([[], before]);
  });
});

describe("what is in further files", () => {
  it("split DWARF settles what its program lacks", async () => {
    expect(lacks(await taken(built("elf/clang-5-dwo/halcyon.so"), "?name=halcyon.so"))).toEqual(["names_in_dwo"]);
    expect(await taken(bundle)).toMatchObject({ kind: "dwp", debugId: "641CADC614C1CF33F91C0E52512954E70", lacks: [] });
    expect((await list()).map(lacks)).toEqual([[], []]);
  });

  it("what dwz took out settles it for all that refer to it", async () => {
    for (const [name, bytes] of [["halcyon.so", shared.program], ["halcyon-small.so", shared.other]] as const) expect(lacks(await taken(bytes, `?name=${name}`))).toEqual(["no_supplement"]);
    const supplement = await taken(shared.supplement, "?name=halcyon.dwz");
    expect([supplement.kind, supplement.debugFile, supplement.error]).toEqual(["elf-debug", "halcyon.dwz", undefined]);
    expect((await list()).map(lacks)).toEqual([[], [], []]);
  });

  it("source files are settled at once", async () => {
    const { storeDebugFiles } = await import("../../storage/debug-files.ts");
    const { db } = server.storage;
    const { id: project } = await db.selectFrom("projects").select("id").where("slug", "=", "default").executeTakeFirstOrThrow();
    await db.deleteFrom("outbox").execute();
    const holds = { functions: false, publics: false, lines: false, inlines: false, unwind: false };
    const [stored] = await storeDebugFiles(db, [{ projectId: project, kind: "sources", os: "", arch: "", debugId: id, debugFile: "halcyon.so", codeId: null, codeFile: null, holds, lacks: [], blob: "a".repeat(64), bytes: 1, counts: { functions: 0, lines: 0, unwindRows: 0 } }]);
    expect([stored!.row.compiled_at, stored!.row.settled_at]).toEqual([expect.any(Date), expect.any(Date)]);
    expect(await db.selectFrom("outbox").select("queue").execute()).toEqual([]);
  });
});

describe("is refused with what to do", () => {
  /** An ELF header of another type. */
  const ofType = (type: number) => {
    const bytes = Buffer.from(program);
    bytes.writeUInt16LE(type, 16);
    return bytes;
  };
  it.each<[string, Buffer, RegExp]>([
    ["split DWARF alone", dwp, /deadair symbols upload/],
    ["a .dwo file alone", built("elf/gcc-5-dwo/dwo/engine.dwo"), /deadair symbols upload|linked/],
    ["an object file", ofType(1), /linked|program|library/i],
    ["a core file", ofType(4), /dump|crash|program/i],
    ["a static library", Buffer.from("!<arch>\nengine.o/       0           0     0     644     4         `\nabcd"), /linked/],
    ["a zipped dSYM", Buffer.from("PK\x03\x04 and more"), /Contents\/Resources\/DWARF/],
    ["a crash report", Buffer.from('{"app_name":"Logic Pro","bug_type":"309"}'), /dSYM/],
    ["a text stub of a library", Buffer.from("--- !tapi-tbd\ntbd-version: 4\n"), /library itself/],
    ["bitcode", Buffer.from("BC\xc0\xde and more", "latin1"), /linked/],
  ])("%s", async (_what, body, hint) => {
    const before = server.files();
    const response = await post(body, "?name=x");
    const answer = (await response.json()) as Answer;
    expect([response.status, answer.hint]).toEqual([400, expect.stringMatching(hint)]);
    expect([await list(), server.files()]).toEqual([[], before]);
  });
});

it("a build machine asks by a file's own name or its module's", async () => {
  await taken(debug, "?name=halcyon.so.debug");
  const sha256 = createHash("sha256").update(debug).digest("hex");
  const ask = (question: object) => ({ kind: "elf-debug", debug_id: id, ...question });
  const response = await fetch(`${server.url}/api/v1/default/symbols/check`, {
    method: "POST",
    headers: { authorization: `Bearer ${server.symbolToken}`, "content-type": "application/json" },
    body: JSON.stringify({ symbols: [ask({ debug_file: "halcyon.so.debug", sha256 }), ask({ debug_file: "halcyon.so", sha256 }), ask({ debug_file: "other.so.debug", sha256 }), ask({ debug_file: "605581056a876b03af11b45370798c070b29ffe0.debug" }), ask({ sha256: "0".repeat(64) }), { kind: "elf", debug_id: id }] }),
  });
  expect(((await response.json()) as { symbols: { state: string }[] }).symbols.map(({ state }) => state)).toEqual(["have", "have", "missing", "have", "different", "missing"]);
});
