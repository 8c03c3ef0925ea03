// DWARF in an image: whole sections by their names, decompressed. GCC and
// Clang for MinGW write it, with the same section names as everywhere.
import { inflateSync } from "node:zlib";
import { addDwarfNames } from "../dwarf/dwarf.ts";
import { addFrames } from "../dwarf/frames.ts";
import type { ModuleBuilder } from "../cache/module-builder.ts";
import type { Result } from "../../config/problem.ts";
import { readBytes } from "../file-bytes.ts";
import type { PeImage, PeSection } from "./image.ts";

/** Bytes of a section, at most: its reader holds it as a whole. */
const sectionBytesMax = 2 ** 30;
/** Bytes that all compressed sections may have together once they are not: a few megabytes can claim to be thousands. */
const inflatedBytesMax = 2 ** 30;
/** `ZLIB` and the inflated size, big-endian. */
const zlibHeadBytes = 12;

/** The section of a name, or its compressed form (`.zdebug_…`); null when there is none with data. */
export function findSection({ headers }: PeImage, name: string): PeSection | null {
  const compressed = `.z${name.slice(1)}`;
  return headers.sections.find((section) => section.stored > 0 && (section.name === name || section.name === compressed)) ?? null;
}

/** Adds functions, lines and inlined calls of the image's DWARF. */
export function addPeDwarf(image: PeImage, builder: ModuleBuilder): Result<null> {
  const limits = newLimits(image);
  return addDwarfNames(
    {
      little: true,
      addressBytes: image.headers.isWide ? 8 : 4,
      section: (name) => sectionBytes(image, name, builder, limits),
      toRva: (address) => toRva(image, address),
    },
    builder,
  );
}

/** Adds the call frame information of an x86 image. */
export function addPeFrames(image: PeImage, builder: ModuleBuilder): void {
  const limits = newLimits(image);
  for (const kind of ["eh_frame", "debug_frame"] as const) {
    const section = findSection(image, `.${kind}`);
    const bytes = section === null ? null : sectionBytes(image, `.${kind}`, builder, limits);
    if (section === null || bytes === null) continue;
    addFrames({ bytes, rva: section.rva, little: true, addressBytes: 4, arch: "x86", kind, toRva: (address) => toRva(image, address) }, builder);
  }
}

function toRva({ headers }: PeImage, address: number): number {
  const rva = address - headers.imageBase;
  return rva >= 0 && rva < headers.imageSize ? rva : -1;
}

/** Bytes that sections may still take, as they are in the file and inflated. */
type Limits = { stored: number; inflated: number };

/** Sections do not overlap but in a file that was made to fill the memory. */
function newLimits(image: PeImage): Limits {
  return { stored: image.bytes.size, inflated: inflatedBytesMax };
}

function sectionBytes(image: PeImage, name: string, builder: ModuleBuilder, limits: Limits): Uint8Array | null {
  const section = findSection(image, name);
  if (section === null) return null;
  const length = Math.min(section.size, section.stored);
  limits.stored -= length;
  const bytes = length > sectionBytesMax || limits.stored < 0 ? null : readBytes(image.bytes, section.offset, length);
  const whole = bytes === null || section.name === name ? bytes : inflate(bytes, limits);
  if (whole === null) builder.warn("unreadableSection");
  return whole;
}

function inflate(bytes: Buffer, limits: Limits): Uint8Array | null {
  if (bytes.length < zlibHeadBytes || bytes.toString("latin1", 0, 4) !== "ZLIB") return null;
  const size = bytes.readUInt32BE(4) * 2 ** 32 + bytes.readUInt32BE(8);
  if (size === 0 || size > Math.min(sectionBytesMax, limits.inflated)) return null;
  limits.inflated -= size;
  try {
    return inflateSync(bytes.subarray(zlibHeadBytes), { maxOutputLength: size });
  } catch {
    return null;
  }
}
