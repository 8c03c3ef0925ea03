// Universal binaries ("fat" files): a header, and a Mach-O file for each
// architecture, each with an id of its own. They are taken apart before
// anything else looks at them (../file-parts.ts).
//
// All numbers are big-endian. A class file of Java begins with the same four
// bytes; where a universal binary has the number of its parts that has its
// version, which was 45 for the first Java.
import { ok, refuse, type Result } from "../../config/problem.ts";
import { type FileBytes, readBytes } from "../file-bytes.ts";
import type { FilePart } from "../file-parts.ts";
import { magic } from "./codes.ts";

/** Parts of one file, at most; real ones have up to seven. */
const partsMax = 32;
/** The lowest version of Java's class files. */
const javaVersionMin = 45;

const malformed = (what: string): Result<never> =>
  refuse(400, "malformed_macho", `The universal binary cannot be taken apart: ${what}.`, "Upload it as lipo or the linker wrote it; a copy that was cut has not what crashes need.");

/** Whether a file that begins like this, with 8 bytes at least, is a universal binary. */
export function isFat(head: Buffer): boolean {
  if (head.length < 8) return false;
  const signature = head.readUInt32BE(0);
  return signature === magic.fat64 || (signature === magic.fat32 && head.readUInt32BE(4) < javaVersionMin);
}

/** The parts of a universal binary, in its order: one at least, each in the file, none in another, each for a processor of its own. Refuses with `malformed_macho`. */
export function fatParts(bytes: FileBytes): Result<readonly FilePart[]> {
  const head = readBytes(bytes, 0, 8)!;
  const count = head.readUInt32BE(4);
  if (count === 0) return malformed("it has no parts");
  if (count > partsMax) return malformed(`it claims to have ${count} parts, and more than ${partsMax} are not believed`);
  const isWide = head.readUInt32BE(0) === magic.fat64;
  const entryBytes = isWide ? 32 : 20;
  const table = readBytes(bytes, 8, count * entryBytes);
  if (table === null) return malformed("it ends within its header");
  const parts: FilePart[] = [];
  const processors = new Set<string>();
  for (let at = 0; at < table.length; at += entryBytes) {
    processors.add(table.toString("hex", at, at + 8));
    const word = (index: number): number => (isWide ? table.readUInt32BE(at + 8 + index * 8) * 2 ** 32 + table.readUInt32BE(at + 12 + index * 8) : table.readUInt32BE(at + 8 + index * 4));
    parts.push({ offset: word(0), size: word(1) });
  }
  if (processors.size < count) return malformed("two of its parts are for the same processor");
  let end = 8 + table.length;
  for (const { offset, size } of parts.toSorted((a, b) => a.offset - b.offset)) {
    if (size === 0 || offset < end) return malformed("its parts overlap, or are empty");
    end = offset + size;
    if (end > bytes.size) return malformed(`it is cut: a part of it ends at byte ${end}, and the file at ${bytes.size}`);
  }
  return ok(parts);
}
