// The dump as the walker may have it. Breakpad makes room for every entry that
// a stream's size promises before it reads the first: two kilobytes whose list
// of thread names claims four gigabytes cost seventeen of memory. Streams that
// lie past the end, as in any dump that was cut short, are therefore hidden
// from it: in a copy their directory entries become unused ones (type 0).
import { copyFile, open } from "node:fs/promises";
import { join } from "node:path";
import type { MinidumpSummary } from "../minidump/minidump.ts";

/** The path of the dump itself when nothing of it is lost, else of a copy in `workDir`. */
export async function safeDump(path: string, dump: MinidumpSummary, workDir: string): Promise<string> {
  if (dump.lostEntries.length === 0) return path;
  const copy = join(workDir, "dump.dmp");
  await copyFile(path, copy);
  const file = await open(copy, "r+");
  try {
    for (const at of dump.lostEntries) await file.write(new Uint8Array(4), 0, 4, at);
  } finally {
    await file.close();
  }
  return copy;
}
