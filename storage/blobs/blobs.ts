// Blobs: whatever is too big for a row. Dumps, attachments, reports, symbol files.
//
// A blob's name is the SHA-256 of its bytes, so that the same file is kept once,
// a store can be copied with any tool, and nothing a client sends ever becomes a
// path. Bytes always arrive through the spool (spool.ts): they are hashed and
// counted while they stream to a temporary file, and only a complete, wanted file
// is kept. `keep` resolves when the blob would survive a power cut.
//
// Two stores hold the contract: a folder (folder.ts) and S3 (s3.ts). A new one
// needs the five functions below and passes test/storage/blobs.test.ts.
import type { Spool, SpooledFile } from "./spool.ts";

/** Where blobs are kept. Names are lower-case hex SHA-256. */
export type BlobStore = {
  /** Which store: `folder` or `s3`. */
  readonly kind: "folder" | "s3";
  /** Keeps a spooled file under its hash; it may be a blob already. The spooled file is gone afterwards. */
  keep(file: SpooledFile): Promise<void>;
  /** A local file with the blob's bytes, for readers that need a path; null when there is no such blob. It must not be changed. */
  path(name: string): Promise<string | null>;
  /** Forgets a blob. */
  remove(name: string): Promise<void>;
  /** Names of up to `limit` blobs after `cursor`, in order. */
  list(cursor: string, limit: number): Promise<readonly string[]>;
};

/** Thrown when a store cannot be reached or will not do what it should: nothing is wrong with the blob. */
export class BlobStoreAway extends Error {}

/** Throws unless `name` is a blob's name: a name comes from our own tables, so anything else is a bug. */
export function assertBlobName(name: string): void {
  if (!/^[0-9a-f]{64}$/.test(name)) throw new Error(`not a blob name: ${JSON.stringify(name).slice(0, 80)}`);
}

/** Spools and keeps bytes that are already in memory; returns the blob's name. */
export async function keepBytes(spool: Spool, store: BlobStore, bytes: Uint8Array): Promise<string> {
  const file = await spool.write(bytes);
  try {
    await store.keep(file);
  } catch (error) {
    // A store that is away for hours must not fill the spool.
    await file.discard();
    throw error;
  }
  return file.sha256;
}
