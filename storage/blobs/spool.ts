// The spool: where an upload waits until it is known to be wanted.
//
// Bytes stream into a temporary file and are hashed and counted on the way.
// The file becomes a blob by `BlobStore.keep`, or is discarded; a process that
// dies in between leaves it for `clean`, at the next start. Walks have their
// work folders here too (`walk-…`), and a killed one leaves its own.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { type FileHandle, open, unlink } from "node:fs/promises";
import path from "node:path";
import { uuidv7 } from "../uuid.ts";

/** A complete temporary file. */
export type SpooledFile = {
  readonly path: string;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly bytes: number;
  /** Removes it; does nothing when it is gone already. */
  discard(): Promise<void>;
};

/** A temporary file that is being written. */
export type SpoolWriter = {
  readonly path: string;
  /** Bytes written so far. */
  readonly bytes: number;
  write(chunk: Uint8Array): Promise<void>;
  /** Ends the file: its bytes are on the disk when this resolves. */
  finish(): Promise<SpooledFile>;
  /** Gives up and removes it. */
  abort(): Promise<void>;
};

/** A folder of temporary files. */
export type Spool = {
  readonly dir: string;
  open(): Promise<SpoolWriter>;
  write(bytes: Uint8Array): Promise<SpooledFile>;
  /** Removes files and work folders that a dead process left: those older than `ageMs`. Returns how many. */
  clean(ageMs: number): number;
};

/** Opens the spool in a folder, which is made if missing. */
export function openSpool(dir: string): Spool {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const start = async (): Promise<SpoolWriter> => {
    const file = path.join(dir, `${uuidv7()}.part`);
    return writer(file, await open(file, "wx", 0o600));
  };
  return {
    dir,
    open: start,
    async write(bytes) {
      const sink = await start();
      try {
        await sink.write(bytes);
        return await sink.finish();
      } catch (error) {
        await sink.abort();
        throw error;
      }
    },
    clean(ageMs) {
      let removed = 0;
      for (const name of readdirSync(dir)) {
        if (!name.endsWith(".part") && !name.startsWith("walk-")) continue;
        const file = path.join(dir, name);
        try {
          if (Date.now() - statSync(file).mtimeMs < ageMs) continue;
          rmSync(file, { recursive: true });
          removed++;
        } catch {
          // Another process was quicker.
        }
      }
      return removed;
    },
  };
}

// Chunks are gathered into writes of this size: a write is a trip to another
// thread, and a socket's chunks are small.
const gatherBytes = 256 * 1024;

function writer(file: string, handle: FileHandle): SpoolWriter {
  const hash = createHash("sha256");
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  let bytes = 0;
  let closed = false;
  const discard = () => unlink(file).catch(() => {});
  const flush = async () => {
    const chunks = gathered;
    let left = gatheredBytes;
    gathered = [];
    gatheredBytes = 0;
    if (left === 0) return;
    left -= (await handle.writev(chunks)).bytesWritten;
    // A write may take less than it was given, as on a disk that is nearly full.
    if (left > 0) await handle.writeFile(Buffer.concat(chunks).subarray(-left));
  };
  return {
    path: file,
    get bytes() {
      return bytes;
    },
    async write(chunk) {
      hash.update(chunk);
      bytes += chunk.length;
      gathered.push(chunk);
      gatheredBytes += chunk.length;
      if (gatheredBytes >= gatherBytes) await flush();
    },
    async finish() {
      await flush();
      await handle.datasync();
      closed = true;
      await handle.close();
      return { path: file, sha256: hash.digest("hex"), bytes, discard };
    },
    async abort() {
      if (!closed) await handle.close().catch(() => {});
      closed = true;
      await discard();
    },
  };
}
