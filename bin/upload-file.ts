// Reads found debug files through, once each: for their SHA-256, by which the
// server knows them, and for what symbol files hold, which their first line does
// not say. A file cut off in the middle must fail the build, not the next crash.
import { createHash } from "node:crypto";
import path from "node:path";
import { SymbolCheck } from "../symbols/breakpad/check.ts";
import { storeName } from "../symbols/breakpad/store-path.ts";
import type { DebugFileHoldings, DebugFileLack } from "../symbols/debug-file.ts";
import { type SymbolFile, readPlain } from "./symbol-scan.ts";

/** A file that was read through. */
export type UploadFile = {
  readonly file: SymbolFile;
  /** What it is called: a symbol file as its first line says, others by their file's name. */
  readonly name: string;
  readonly sha256: string;
  readonly holds: DebugFileHoldings;
  readonly lacks: readonly DebugFileLack[];
};

/** Files in the order in which they were found, and of those that are no good the reason. */
export type UploadFiles = { readonly good: readonly UploadFile[]; readonly bad: ReadonlyMap<SymbolFile, string> };

/** Reads files through. */
export async function readUploadFiles(files: readonly SymbolFile[]): Promise<UploadFiles> {
  const good: UploadFile[] = [];
  const bad = new Map<SymbolFile, string>();
  for (const file of files) {
    const found = await readThrough(file);
    if (typeof found === "string") bad.set(file, found);
    else good.push(found);
  }
  return { good, bad };
}

/** What a file is called that does not know it: as on the disk, and what was put together as its module. */
function nameOf({ path: at, pieces, facts }: SymbolFile): string {
  return pieces === null ? path.basename(at) : `${facts.debugFile ?? path.basename(at)}.dwp`;
}

/** Reads a file; a text says why it cannot be uploaded. */
async function readThrough(file: SymbolFile): Promise<UploadFile | string> {
  const { facts } = file;
  const isText = facts.kind === "breakpad";
  const name = storeName(isText ? (facts.debugFile ?? "") : nameOf(file));
  if (!name.ok) return `${name.problem.message} ${name.problem.hint}`;
  const hash = createHash("sha256");
  const check = isText ? new SymbolCheck() : null;
  try {
    for await (const chunk of readPlain(file)) {
      hash.update(chunk as Buffer);
      const problem = check?.push(chunk as Buffer) ?? null;
      if (problem !== null) return `${problem.message} ${problem.hint}`;
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    return `It cannot be read to its end: ${error.message}.`;
  }
  const known = { file, name: name.value, sha256: hash.digest("hex") };
  if (check === null) return { ...known, holds: facts.holds, lacks: facts.lacks };
  const found = check.finish();
  if (!found.ok) return `${found.problem.message} ${found.problem.hint}`;
  const { counts, hasLines, hasUnwind } = found.value;
  return { ...known, holds: { functions: counts.functions > 0, publics: counts.publics > 0, lines: hasLines, inlines: counts.inlines > 0, unwind: hasUnwind }, lacks: [] };
}
