// Blobs in a folder: <root>/<first two hex digits>/<sha256>.
import { mkdirSync } from "node:fs";
import { access, open, readdir, rename, unlink } from "node:fs/promises";
import path from "node:path";
import { assertBlobName, type BlobStore } from "./blobs.ts";

/** Opens the blob store in a folder, which is made if missing. It must be on the file system of the spool, since files are moved. */
export function openFolderBlobs(root: string): BlobStore {
  // All 256 folders at once: making one later would need a sync of its parent too.
  for (let i = 0; i < 256; i++) mkdirSync(path.join(root, i.toString(16).padStart(2, "0")), { recursive: true, mode: 0o700 });
  const place = (name: string) => {
    assertBlobName(name);
    return path.join(root, name.slice(0, 2), name);
  };
  return {
    kind: "folder",
    async keep(file) {
      const target = place(file.sha256);
      // Renaming over the same content is harmless, and mends a blob that a broken disk damaged.
      await rename(file.path, target);
      await syncFolder(path.dirname(target));
    },
    async path(name) {
      const file = place(name);
      return access(file).then(
        () => file,
        () => null,
      );
    },
    async remove(name) {
      await unlink(place(name)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
      });
    },
    async list(cursor, limit) {
      const names: string[] = [];
      for (let i = Number.parseInt(cursor.slice(0, 2) || "00", 16); i < 256 && names.length < limit; i++) {
        const found = await readdir(path.join(root, i.toString(16).padStart(2, "0")));
        names.push(...found.filter((name) => name > cursor && /^[0-9a-f]{64}$/.test(name)).sort());
      }
      return names.slice(0, limit);
    },
  };
}

// A rename is durable only when the folder that holds the name is.
async function syncFolder(dir: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(dir, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
