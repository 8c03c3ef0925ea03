// A thin Mach-O file: its header, load commands and sections, and where they are
// in the loaded module.
//
// Addresses of the module count from its header, which is where __TEXT begins.
// A dSYM has the segments and sections of its program with the same addresses
// and without their bytes, and a segment __DWARF beside them.
import { ok, refuse, type Result } from "../../config/problem.ts";
import { type FileBytes, readBytes } from "../file-bytes.ts";
import { fileType, magic, subtypeMask } from "./codes.ts";
import { HeaderBytes } from "./header-bytes.ts";
import { type FileRange, type LoadCommands, readLoadCommands, type SectionHeader } from "./load-commands.ts";

/** One section. */
export type MachSection = {
  readonly segment: string;
  /** Cut to 16 characters. */
  readonly name: string;
  /** First address relative to the module's base; below 0 when it is not in the module. */
  readonly rva: number;
  /** Bytes in memory. */
  readonly size: number;
  readonly offset: number;
  /** Bytes that the file has; 0 for code in a dSYM, zeros, and what is encrypted. */
  readonly stored: number;
  readonly isCode: boolean;
};

/** What the header says. */
export type MachHeader = {
  readonly little: boolean;
  /** True for files of 64 bits. */
  readonly isWide: boolean;
  /** See `cpu`. */
  readonly cpu: number;
  /** See `cpuSubtype`; without capability bits. */
  readonly cpuSubtype: number;
  /** See `fileType`. */
  readonly fileType: number;
};

/** A file whose header and load commands were read. */
export type MachImage = {
  readonly bytes: FileBytes;
  readonly header: MachHeader;
  readonly commands: LoadCommands;
  /** In the order of their headers: a symbol names its section by its place. */
  readonly sections: readonly MachSection[];
  /** The address that the linker put the module at; above 2^53 it is not exact. */
  readonly base: number;
  /** Relative to it: where its first section begins, and where its last segment ends. */
  readonly firstRva: number;
  readonly endRva: number;
  /** Bytes of sections and tables that the headers promise and the file does not have. */
  readonly missingBytes: number;
};

/** Bytes of load commands that are read; those of the largest programs have some ten thousand. */
const commandBytesMax = 4 * 1024 * 1024;
/** The first address that a cache cannot hold. */
const addressEnd = 0xffffffff;
/** Segments that are no part of the loaded module, or hold no code. */
const outside = new Set(["__PAGEZERO", "__DWARF", "__LINKEDIT"]);

const malformed = (what: string): Result<never> =>
  refuse(400, "malformed_macho", `The Mach-O file cannot be read: ${what}.`, "Upload the plugin's binary as the linker wrote it, or the file in Contents/Resources/DWARF of its dSYM; a copy that was cut has not what crashes need.");

/** Reads the header and load commands of a thin file. Refuses with `malformed_macho`, `object_file`, `core_file` or `not_a_module`. */
export function readMachImage(bytes: FileBytes): Result<MachImage> {
  const head = readBytes(bytes, 0, 28);
  if (head === null) return malformed("it ends within its header");
  const signature = head.readUInt32BE(0);
  const little = signature === magic.swapped32 || signature === magic.swapped64;
  const isWide = signature === magic.thin64 || signature === magic.swapped64;
  const front = new HeaderBytes(head, little);
  const header: MachHeader = { little, isWide, cpu: front.u32(4), cpuSubtype: front.u32(8) & subtypeMask, fileType: front.u32(12) };
  const refused = refuseKind(header.fileType);
  if (refused !== null) return refused;
  const headBytes = isWide ? 32 : 28;
  const claimed = front.u32(20);
  const list = readBytes(bytes, headBytes, Math.max(0, Math.min(claimed, bytes.size - headBytes, commandBytesMax)));
  if (list === null) return malformed("it ends within its header");
  const commands = readLoadCommands(new HeaderBytes(list, little), front.u32(16));
  if (commands.segments.length === 0) return malformed(commands.isCut ? "it ends within its load commands" : "it has no segments");
  return ok(imageOf(bytes, header, commands));
}

function imageOf(bytes: FileBytes, header: MachHeader, commands: LoadCommands): MachImage {
  const base = (commands.segments.find(({ name }) => name === "__TEXT") ?? commands.segments.find(({ name }) => !outside.has(name)))?.address ?? 0;
  const sections = commands.sections.map((section) => placed(section, base, bytes.size, commands.encrypted));
  let missingBytes = 0;
  for (const [i, section] of commands.sections.entries()) if (section.isStored && !isWithin(section, commands.encrypted)) missingBytes += section.size - sections[i]!.stored;
  const { symbols, functionStarts, exports } = commands;
  const symbolTable = symbols === null ? null : { offset: symbols.offset, size: symbols.count * symbolBytes(header) };
  for (const range of [symbolTable, symbols?.names ?? null, functionStarts, exports]) {
    if (range !== null && range.size > 0) missingBytes += Math.max(0, Math.min(range.size, range.offset + range.size - bytes.size));
  }
  const mapped = commands.segments.filter(({ name, address }) => !outside.has(name) && address >= base);
  return {
    bytes,
    header,
    commands,
    sections,
    base,
    firstRva: firstRvaOf(sections),
    endRva: Math.min(addressEnd, Math.max(0, ...mapped.map(({ address, size }) => address - base + size))),
    missingBytes,
  };
}

/** Where the first section of __TEXT begins: behind the load commands. */
function firstRvaOf(sections: readonly MachSection[]): number {
  const rvas = sections.filter(({ segment, rva }) => segment === "__TEXT" && rva >= 0).map(({ rva }) => rva);
  return rvas.length === 0 ? 0 : Math.min(...rvas);
}

function placed({ segment, name, address, size, offset, isStored, isCode }: SectionHeader, base: number, fileSize: number, encrypted: FileRange | null): MachSection {
  const isThere = isStored && !isWithin({ offset, size }, encrypted);
  return { segment, name, rva: address - base, size, offset, stored: isThere ? Math.max(0, Math.min(size, fileSize - offset)) : 0, isCode };
}

/** Whether some of a range lies in another. */
function isWithin({ offset, size }: FileRange, range: FileRange | null): boolean {
  return range !== null && offset < range.offset + range.size && range.offset < offset + size;
}

/** Says what is Mach-O and no module. */
function refuseKind(kind: number): Result<never> | null {
  switch (kind) {
    case fileType.object:
      return refuse(400, "object_file", "The file is an object file, which the linker makes programs of; its addresses are not those of a crash.", "Upload the linked plugin and its dSYM; dsymutil makes one while the object files are there.");
    case fileType.core:
      return refuse(400, "core_file", "The file is a core dump, not a program.", "Upload the plugin's binary and its dSYM.");
    case fileType.set:
      return refuse(400, "not_a_module", "The file is a collection of kernel extensions, not one module.", "Upload the plugin's binary and its dSYM.");
    default:
      return kind === 0 || kind > fileType.set ? malformed(`it is of the unknown kind ${kind}`) : null;
  }
}

/** Bytes of one symbol. */
export function symbolBytes({ isWide }: MachHeader): number {
  return isWide ? 16 : 12;
}

/** A section with bytes in the file; null when there is none of the name. */
export function findSection({ sections }: MachImage, segment: string, name: string): MachSection | null {
  return sections.find((section) => section.stored > 0 && section.name === name && section.segment === segment) ?? null;
}

/** An address relative to the module's base; -1 for one that is outside of it, or before its first section: 0 stands for code that was dropped. */
export function toRva({ base, firstRva, endRva }: MachImage, address: number): number {
  const rva = address - base;
  return rva >= firstRva && rva < endRva ? rva : -1;
}

/** Where the code ends. */
export function codeEndOf({ sections }: MachImage): number {
  let end = 0;
  for (const { isCode, rva, size } of sections) if (isCode && rva + size < addressEnd) end = Math.max(end, rva + size);
  return end;
}

/** Bytes of code; null where the file does not have them. */
export function readCode({ bytes, sections }: MachImage, rva: number, length: number): Buffer | null {
  const section = sections.find((one) => one.isCode && rva >= one.rva && rva - one.rva + length <= one.stored);
  return section === undefined ? null : readBytes(bytes, section.offset + rva - section.rva, length);
}
