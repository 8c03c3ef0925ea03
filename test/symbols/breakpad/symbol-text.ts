// Symbol files for tests: a head, and records as they would stand in a file.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll } from "vitest";

export const debugId = "4C4C44205044422E443ED919000000001";
export const moduleLine = `MODULE windows x86_64 ${debugId} VaultSynth.pdb`;

/** A symbol file of these records. */
export function symbolText(...records: string[]): string {
  return [moduleLine, ...records, ""].join("\n");
}

let folder: string | undefined;
let count = 0;
afterAll(async () => {
  if (folder !== undefined) await rm(folder, { recursive: true });
  folder = undefined;
});

/** Writes bytes to a file that goes when the tests are done. */
export async function temporaryFile(bytes: string | Uint8Array): Promise<string> {
  folder ??= await mkdtemp(path.join(tmpdir(), "deadair-sym-"));
  const file = path.join(folder, `${count++}.sym`);
  await writeFile(file, bytes);
  return file;
}

const hexNumber = fc.oneof(fc.integer({ min: 0, max: 0x200 }), fc.constantFrom(0, 1, 0xffffffff, 2 ** 53)).map((n) => n.toString(16));
const smallId = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom(-1, 4_294_967_295)).map(String);
const name = fc.constantFrom("a", "operator new(unsigned int)", "x y  z", "ü", "");

/** Records that are mostly well-formed and overlap often; what a hostile or broken dump_syms writes. */
export const anyRecord = fc.oneof(
  fc.tuple(fc.constantFrom("FUNC", "FUNC m"), hexNumber, hexNumber, hexNumber, name).map((fields) => fields.join(" ")),
  fc.tuple(hexNumber, hexNumber, smallId, smallId).map((fields) => fields.join(" ")),
  fc.tuple(fc.constantFrom("PUBLIC", "PUBLIC m"), hexNumber, hexNumber, name).map((fields) => fields.join(" ")),
  fc.tuple(fc.constant("FILE"), smallId, name).map((fields) => fields.join(" ")),
  fc.tuple(fc.constant("INLINE_ORIGIN"), smallId, name).map((fields) => fields.join(" ")),
  fc.tuple(fc.constant("INLINE"), smallId, smallId, smallId, smallId, fc.array(hexNumber, { maxLength: 6 }).map((list) => list.join(" "))).map((fields) => fields.join(" ")),
  fc.constantFrom("STACK CFI INIT 0 10 .cfa: $rsp 8 +", "STACK WIN 4 2170 14 1 0 0 0 0 0 1 $eip 4 + ^ =", "", "\r", "INFO X", "FUNC", "INLINE ", "PUBLIC"),
  fc.string({ maxLength: 30 }),
);
