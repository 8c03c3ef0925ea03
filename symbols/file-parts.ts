// What debug files a file holds: itself, or, where it is a universal binary of
// Apple's systems, one for each architecture.
import { ok, type Result } from "../config/problem.ts";
import { type FileBytes, readBytes } from "./file-bytes.ts";
import { fatParts, isFat } from "./macho/fat.ts";

/** Where a debug file lies in a file. */
export type FilePart = { readonly offset: number; readonly size: number };

/** The debug files in a file: at least one, and for all but universal binaries the whole. Refuses with `malformed_macho`. Throws what `fs` throws. */
export function filePartsOf(bytes: FileBytes): Result<readonly FilePart[]> {
  const head = readBytes(bytes, 0, Math.min(8, bytes.size));
  return head !== null && isFat(head) ? fatParts(bytes) : ok([{ offset: 0, size: bytes.size }]);
}
