// The load commands of a Mach-O file: a list, behind the header, of what is
// where. Each has its kind and its size first.
import { type BuildTarget, readBuildTarget } from "./build-target.ts";
import { command, sectionFlags } from "./codes.ts";
import type { HeaderBytes } from "./header-bytes.ts";

/** A place in the file. */
export type FileRange = { readonly offset: number; readonly size: number };

/** One segment: what is mapped as one. */
export type MachSegment = { readonly name: string; readonly address: number; readonly size: number; readonly offset: number; readonly stored: number };

/** One section, as its header has it. */
export type SectionHeader = {
  readonly segment: string;
  /** Cut to 16 characters. */
  readonly name: string;
  readonly address: number;
  /** Bytes in memory. */
  readonly size: number;
  readonly offset: number;
  /** False where the file has no bytes for it: zeros, and code in a dSYM. */
  readonly isStored: boolean;
  readonly isCode: boolean;
};

/** Where the symbol table is and the names of its symbols. */
export type SymbolRange = { readonly offset: number; readonly count: number; readonly names: FileRange };

/** Which symbols are local, and how many are defined and not. */
export type SymbolParts = { readonly localFirst: number; readonly locals: number; readonly defined: number };

/** What load commands say; of what is said twice the first counts. */
export type LoadCommands = {
  /** 32 hex digits in upper case; null when there is none, or zeros. */
  uuid: string | null;
  /** The path by which programs ask for a library. */
  installName: string | null;
  readonly targets: BuildTarget[];
  readonly segments: MachSegment[];
  readonly sections: SectionHeader[];
  symbols: SymbolRange | null;
  symbolParts: SymbolParts | null;
  functionStarts: FileRange | null;
  exports: FileRange | null;
  /** What Apple's store encrypted. */
  encrypted: FileRange | null;
  /** The list ended early, or a command is not whole. */
  isCut: boolean;
};

/** Sections that are looked at: symbols name them with a byte. */
const sectionsMax = 255;
const segmentsMax = 1024;
/** Targets of one file: one, and two where it is for Macs and for Catalyst. */
const targetsMax = 4;

/** Reads commands, as many as there are and `claimed` says. */
export function readLoadCommands(list: HeaderBytes, claimed: number): LoadCommands {
  const found: LoadCommands = {
    uuid: null,
    installName: null,
    targets: [],
    segments: [],
    sections: [],
    symbols: null,
    symbolParts: null,
    functionStarts: null,
    exports: null,
    encrypted: null,
    isCut: false,
  };
  let at = 0;
  for (let i = 0; i < claimed; i++) {
    const size = at + 8 <= list.size ? list.u32(at + 4) : 0;
    if (size < 8 || at + size > list.size) {
      found.isCut = true;
      break;
    }
    readCommand(found, list.u32(at), list.part(at, size));
    at += size;
  }
  return found;
}

function readCommand(found: LoadCommands, kind: number, body: HeaderBytes): void {
  switch (kind) {
    case command.segment32:
    case command.segment64:
      readSegment(found, body, kind === command.segment64);
      return;
    case command.uuid:
      if (body.size >= 24) found.uuid ??= uuidText(body.bytes.subarray(8, 24));
      return;
    case command.installName:
      if (body.size >= 24 && body.u32(8) < body.size) found.installName ??= body.text(body.u32(8), body.size) || null;
      return;
    case command.symbols:
      if (body.size >= 24) found.symbols ??= { offset: body.u32(8), count: body.u32(12), names: { offset: body.u32(16), size: body.u32(20) } };
      return;
    case command.dynamicSymbols:
      if (body.size >= 32) found.symbolParts ??= { localFirst: body.u32(8), locals: body.u32(12), defined: body.u32(20) };
      return;
    case command.functionStarts:
      if (body.size >= 16) found.functionStarts ??= rangeAt(body, 8);
      return;
    case command.exportTrie:
      if (body.size >= 16) found.exports ??= rangeAt(body, 8);
      return;
    case command.dyldInfo:
    case command.dyldInfoOnly:
      if (body.size >= 48) found.exports ??= rangeAt(body, 40);
      return;
    case command.encryption32:
    case command.encryption64:
      if (body.size >= 20 && body.u32(16) !== 0) found.encrypted ??= rangeAt(body, 8);
      return;
    default: {
      const target = found.targets.length < targetsMax ? readBuildTarget(kind, body) : null;
      if (target !== null) found.targets.push(target);
    }
  }
}

function rangeAt(body: HeaderBytes, at: number): FileRange {
  return { offset: body.u32(at), size: body.u32(at + 4) };
}

function uuidText(bytes: Buffer): string | null {
  return bytes.every((byte) => byte === 0) ? null : bytes.toString("hex").toUpperCase();
}

function readSegment({ segments, sections }: LoadCommands, body: HeaderBytes, isWide: boolean): void {
  const headBytes = isWide ? 72 : 56;
  if (body.size < headBytes || segments.length === segmentsMax) return;
  const wordBytes = isWide ? 8 : 4;
  const word = (index: number): number => body.word(24 + index * wordBytes, isWide);
  const segment = { name: body.text(8, 16), address: word(0), size: word(1), offset: word(2), stored: word(3) };
  segments.push(segment);
  const sectionBytes = isWide ? 80 : 68;
  const count = Math.min(body.u32(headBytes - 8), Math.floor((body.size - headBytes) / sectionBytes), sectionsMax - sections.length);
  for (let i = 0; i < count; i++) {
    const at = headBytes + i * sectionBytes;
    const flagsAt = at + (isWide ? 64 : 56);
    const offset = body.u32(at + (isWide ? 48 : 40));
    const flags = body.u32(flagsAt);
    sections.push({
      name: body.text(at, 16),
      segment: body.text(at + 16, 16),
      address: body.word(at + 32, isWide),
      size: body.word(at + 32 + wordBytes, isWide),
      offset,
      isStored: offset !== 0 && segment.stored > 0 && !sectionFlags.zeros.includes(flags & sectionFlags.kind),
      isCode: (flags & sectionFlags.code) !== 0,
    });
  }
}
