// Which file dwz moved to what several files have in common, by two records:
//
//     .gnu_debugaltlink   path, NUL, the build id of that file
//     .debug_sup          u16 version, u8 whether this is that file, path, NUL,
//                         LEB128 bytes of a checksum, the checksum (DWARF 5, 7.3.6)
//
// The checksum does what the build id did: dwz puts the same bytes into both
// files. So either becomes a debug id as a build id does.
import { SectionCursor } from "../dwarf/section-cursor.ts";
import { debugIdOf } from "./ids.ts";
import type { ElfImage } from "./image.ts";

/** Bytes of a record that are read. */
const recordMax = 4096;

/** A file with what several have in common. */
export type Supplement = { readonly debugId: string; readonly file: string };

/** The file that parts of an image's DWARF were moved to; null when it is whole. */
export function readSupplement(image: ElfImage): Supplement | null {
  const link = record(image, ".gnu_debugaltlink");
  if (link === null) {
    const named = readDebugSup(image);
    return named === null || named.isThis ? null : supplement(named.file, named.checksum);
  }
  const end = link.indexOf(0);
  return end <= 0 ? null : supplement(link.toString("utf8", 0, end), link.subarray(end + 1));
}

/** The debug id of a file that others refer to by `.debug_sup`; null for one that has none. */
export function supplementIdOf(image: ElfImage): string | null {
  const own = readDebugSup(image);
  return own === null || !own.isThis ? null : debugIdOf(own.checksum);
}

function supplement(path: string, id: Uint8Array): Supplement | null {
  const debugId = debugIdOf(id);
  const file = path.split("/").at(-1)!;
  return debugId === null || file === "" ? null : { debugId, file };
}

function readDebugSup(image: ElfImage): { readonly isThis: boolean; readonly file: string; readonly checksum: Uint8Array } | null {
  const bytes = record(image, ".debug_sup");
  if (bytes === null) return null;
  const cursor = new SectionCursor(bytes, image.headers.little, 2);
  const isThis = cursor.fixed(1) === 1;
  const from = cursor.string();
  const file = bytes.toString("utf8", from, Math.max(from, cursor.at - 1));
  const length = cursor.uleb();
  const checksum = bytes.subarray(cursor.at, cursor.at + length);
  return cursor.isOverrun || length === 0 || checksum.length < length ? null : { isThis, file, checksum };
}

function record(image: ElfImage, name: string): Buffer | null {
  const section = image.section(name);
  return section === null || section.name !== name ? null : image.readSection(section, recordMax);
}
