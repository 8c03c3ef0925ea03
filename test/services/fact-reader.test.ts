// A file that makes its reader work too long or take too much fails alone.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { defaultLimits } from "../../config/limits.ts";
import { type FactReader, factReader } from "../../services/symbols/fact-reader.ts";

const built = path.join(import.meta.dirname, "../../fixtures/out/windows/x64/Halcyon.pdb");

let folder = "";
const open: FactReader[] = [];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "deadair-facts-"));
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((reader) => reader.close()));
  rmSync(folder, { recursive: true });
});

function start(limits: Partial<typeof defaultLimits> = {}): FactReader {
  const reader = factReader({ ...defaultLimits, ...limits });
  open.push(reader);
  return reader;
}

/** A PDB whose list of modules has `count` of them, each with a name of 400 letters. */
function crowded(count: number): string {
  const page = 4096;
  const modules = Buffer.concat(Array.from({ length: count }, () => Buffer.concat([Buffer.alloc(64), Buffer.from(`${"m".repeat(400)}\0m\0`.padEnd(404, "\0"))])));
  const dbi = Buffer.concat([Buffer.alloc(64), modules]);
  dbi.writeInt32LE(-1, 0);
  dbi.writeUInt32LE(modules.length, 24);
  const info = Buffer.alloc(28);
  info.writeUInt32LE(20000404, 0);
  const pages: Buffer[] = [Buffer.alloc(page), Buffer.alloc(page), Buffer.alloc(page)];
  const place = (bytes: Buffer): number[] => {
    const numbers: number[] = [];
    for (let at = 0; at < bytes.length; at += page) numbers.push(pages.push(Buffer.concat([bytes.subarray(at, at + page)], page)) - 1);
    return numbers;
  };
  const streams = [Buffer.alloc(0), info, Buffer.alloc(0), dbi];
  const placed = streams.map(place);
  const directory = Uint32Array.of(streams.length, ...streams.map(({ length }) => length));
  const directoryPages = place(Buffer.from(Uint32Array.from([...directory, ...placed.flat()]).buffer));
  const list = place(Buffer.from(Uint32Array.from(directoryPages).buffer));
  const head = pages[0]!;
  head.write("Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0", "latin1");
  [page, 1, pages.length, 4 * (directory.length + placed.flat().length), 0, list[0]!].forEach((value, i) => head.writeUInt32LE(value, 32 + 4 * i));
  const at = path.join(folder, "crowded.pdb");
  writeFileSync(at, Buffer.concat(pages));
  return at;
}

test("facts come out of the thread as they are", async () => {
  const facts = await start().read(built);
  expect(facts).toMatchObject({ ok: true, value: [{ offset: 0, facts: { kind: "pdb", os: "windows", archName: "x86_64", holds: { functions: true } } }] });
});

test("what is no debug file is refused in its own words; what is not there is our fault", async () => {
  const reader = start();
  const text = path.join(folder, "text");
  writeFileSync(text, "hello");
  expect(await reader.read(text)).toMatchObject({ ok: false, problem: { code: "not_a_symbol_file" } });
  await expect(reader.read(path.join(folder, "nowhere"))).rejects.toThrow("cannot be read");
});

test("one that needs too much memory is refused with the limit, and the next one is read", { timeout: 60_000 }, async () => {
  const reader = start({ WALK_MEMORY_BYTES: 40e6 });
  expect((await reader.read(crowded(20))).ok).toBe(true);
  expect(await reader.read(crowded(120_000))).toMatchObject({ ok: false, problem: { code: "debug_file_too_costly", message: expect.stringContaining("WALK_MEMORY_BYTES") } });
  expect((await reader.read(built)).ok).toBe(true);
});

test("one that takes too long is refused with the limit", async () => {
  expect(await start({ WALK_SECONDS: 0.000_001 }).read(built)).toMatchObject({ ok: false, problem: { code: "debug_file_too_costly", message: expect.stringContaining("WALK_SECONDS") } });
});
