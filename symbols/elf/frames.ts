// How to unwind the frames of an ELF file: where its call frame information is.
//
// `.eh_frame` is in the program, since C++ needs it at run time; `.debug_frame`
// is for debuggers, in the program or in its debug file, and is what 32-bit ARM
// has, beside tables of its own (arm-exidx.ts). Where the sections were taken out
// a segment still leads to a header, and that to `.eh_frame`, which then ends at
// the entry of no length.
import type { ModuleBuilder } from "../cache/module-builder.ts";
import { FrameCursor } from "../dwarf/frame-cursor.ts";
import { addFrames } from "../dwarf/frames.ts";
import { type FrameSection, pointerEncoding, readEncoded } from "../dwarf/frame-section.ts";
import { readFixed } from "../dwarf/section-cursor.ts";
import { StoredSections } from "../dwarf/stored-sections.ts";
import { readBytes } from "../file-bytes.ts";
import type { Arch } from "../registers.ts";
import { addArmExidx, type MappedBytes } from "./arm-exidx.ts";
import { sectionType, segmentType } from "./codes.ts";
import { sectionBytes } from "./debug-sections.ts";
import { codeRanges, type ElfImage, type ElfSection, type ElfSegment } from "./image.ts";

/** Bytes of `.eh_frame` without a section that are read. */
const framesMax = 256 * 1024 * 1024;
/** A list of frames of no more bytes has nothing but its end. */
const emptyBytes = 4;

/** Whether a file has call frame information. */
export function hasFrames(image: ElfImage): boolean {
  return frameSections(image).length > 0 || frameHeader(image) !== null;
}

/** Adds the unwind rows of a file's call frames. */
export function addElfFrames(image: ElfImage, arch: Arch, builder: ModuleBuilder): void {
  const { little, isWide, base } = image.headers;
  const stored = new StoredSections(image.bytes, builder);
  const rvaOf = (name: string): number => image.toRva(image.headers.sections.find((section) => section.name === name)?.address ?? -1);
  const shared = { little, addressBytes: isWide ? 8 : 4, arch, toRva: (address: number) => image.toRva(address) } as const;
  const [textRva, dataRva] = [rvaOf(".text"), rvaOf(".got")];
  const bases = { ...(textRva >= 0 ? { textRva } : {}), ...(dataRva >= 0 ? { dataRva } : {}) };
  for (const kind of frameSections(image)) {
    const section = image.section(`.${kind}`)!;
    const bytes = sectionBytes(image, section, stored, builder);
    if (bytes !== null) addFrames({ ...shared, ...bases, bytes, rva: section.address - base, kind }, builder);
  }
  if (image.headers.sections.length > 0) return;
  const address = framesAddress(image);
  const bytes = address < 0 ? null : image.readAddress(address, Math.min(image.bytesFrom(address), framesMax));
  if (bytes !== null && bytes.length > 0) addFrames({ ...shared, bytes: bytes.subarray(0, framesEnd(bytes, little)), rva: address - base, kind: "eh_frame" }, builder);
}

/** Whether a file has ARM's unwind tables. */
export function hasArmTables(image: ElfImage): boolean {
  return armIndex(image) !== null;
}

/** Adds the unwind rows of ARM's tables, for functions that have none yet. */
export function addArmTables(image: ElfImage, builder: ModuleBuilder): void {
  const index = armIndex(image);
  if (index === null) return;
  const { sections, segments, base, little } = image.headers;
  // Long entries are in a section of their own; without sections, somewhere in the segment.
  const table = sections.length > 0 ? image.section(".ARM.extab") : (segments.find(({ type, address, stored }) => type === segmentType.load && index.address >= address && index.address - address < stored) ?? null);
  const mapped = ({ address, offset, stored }: ElfSection | ElfSegment): MappedBytes => ({ rva: address - base, bytes: readBytes(image.bytes, offset, Math.min(stored, framesMax)) ?? new Uint8Array(0) });
  addArmExidx({ index: mapped(index), table: table === null ? null : mapped(table), little, codeEnd: codeRanges(image.headers).at(-1)?.[1] ?? 0 }, builder);
}

function armIndex({ headers }: ElfImage): ElfSection | ElfSegment | null {
  const { sections, segments } = headers;
  const found = sections.length > 0 ? sections.find(({ type, stored }) => type === sectionType.armIndex && stored > 0) : segments.find(({ type, stored }) => type === segmentType.armIndex && stored > 0);
  return found ?? null;
}

function frameSections(image: ElfImage): FrameSection["kind"][] {
  return (["eh_frame", "debug_frame"] as const).filter((kind) => (image.section(`.${kind}`)?.stored ?? 0) > emptyBytes);
}

function frameHeader({ headers }: ElfImage): ElfSegment | null {
  return headers.sections.length > 0 ? null : (headers.segments.find(({ type, stored }) => type === segmentType.frameHeader && stored >= 8) ?? null);
}

/** The linker's address of `.eh_frame`, as the header before it says it; -1 without. */
function framesAddress(image: ElfImage): number {
  const header = frameHeader(image);
  const bytes = header === null ? null : image.readAddress(header.address, Math.min(header.stored, 16));
  // Version 1, the encodings of the pointer, of the count and of the table, then the pointer (LSB Core, 10.6.2).
  if (header === null || bytes === null || bytes[0] !== 1) return -1;
  const encoding = bytes[1]!;
  const cursor = new FrameCursor(bytes, image.headers.little);
  cursor.seek(4, bytes.length);
  const isAbsolute = (encoding & pointerEncoding.application) === 0;
  const value = readEncoded(cursor, encoding & pointerEncoding.format, image.headers.isWide ? 8 : 4, isAbsolute);
  if (cursor.failed || encoding === pointerEncoding.omit || (encoding & pointerEncoding.indirect) !== 0) return -1;
  if (isAbsolute) return value;
  const application = encoding & pointerEncoding.application;
  // Relative to its own place, or to the header.
  return application === 0x10 ? header.address + 4 + value : application === 0x30 ? header.address + value : -1;
}

/** Where a list of frames ends: before the entry without length. */
function framesEnd(bytes: Uint8Array, little: boolean): number {
  let at = 0;
  while (at + 4 <= bytes.length) {
    const length = readFixed(bytes, at, 4, little);
    if (length === 0) return at;
    if (length !== 0xffffffff) at += 4 + length;
    else if (at + 12 <= bytes.length) at += 12 + readFixed(bytes, at + 4, 8, little);
    else break;
  }
  return Math.min(at, bytes.length);
}
