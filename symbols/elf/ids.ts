// The ids of an ELF file, as crash dumps have them.
//
// A build id is whatever the linker was asked for: SHA-1 by default, 8 bytes of
// a quick hash with lld, any text. Breakpad makes a debug id of its first 16
// bytes, filled up with zeros: it takes them for a GUID of Windows, whose first
// three numbers it prints as numbers. The code id is the whole.
//
// Without a build id Breakpad's client sends the first page of the code,
// folded into 16 bytes by exclusive or, and so that is the debug id then. Code
// that differs after its first page has the same. (common/linux/file_id.cc)
import { readBytes } from "../file-bytes.ts";
import { sectionType } from "./codes.ts";
import type { ElfImage } from "./image.ts";

const guidBytes = 16;
/** Bytes of code that are folded. */
const pageBytes = 4096;
/** Bytes of a build id that are kept as code id, as of those in dumps. */
const codeIdBytesMax = 128;
/** Which byte comes where when three little-endian numbers and eight bytes are printed. */
const mixedOrder = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

/** The debug id of a build id, in Breakpad form; null for one of zeros, which stands for none. */
export function debugIdOf(buildId: Uint8Array): string | null {
  const guid = Buffer.alloc(guidBytes);
  guid.set(buildId.subarray(0, guidBytes));
  const mixed = Buffer.from(mixedOrder.map((from) => guid[from]!));
  return mixed.every((byte) => byte === 0) ? null : `${mixed.toString("hex").toUpperCase()}0`;
}

/** The code id of a build id. */
export function codeIdOf(buildId: Buffer): string {
  return buildId.toString("hex", 0, codeIdBytesMax).toUpperCase();
}

/** The debug id of a file without build id, of its code; null when it has none. */
export function debugIdOfCode(image: ElfImage): string | null {
  const text = image.headers.sections.find(({ name, type, stored }) => (name === ".text" || name === "text") && type === sectionType.progbits && stored > 0);
  if (text === undefined) return null;
  // Whole blocks are folded, with what lies behind the code in the last one.
  const wanted = Math.ceil(Math.min(text.stored, pageBytes) / guidBytes) * guidBytes;
  const code = readBytes(image.bytes, text.offset, Math.min(wanted, image.bytes.size - text.offset));
  if (code === null) return null;
  const folded = Buffer.alloc(guidBytes);
  for (let i = 0; i < code.length; i++) folded[i % guidBytes]! ^= code[i]!;
  return debugIdOf(folded);
}
