// Sections of ELF and PE files for tests, and what is made of their call frames.
import { readFileSync } from "node:fs";
import { ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import { type SymbolCache, cacheOfBytes } from "../../../symbols/cache/symbol-cache.ts";
import { addFrames } from "../../../symbols/dwarf/frames.ts";
import type { FrameSection } from "../../../symbols/dwarf/frame-section.ts";
import type { Arch } from "../../../symbols/registers.ts";
import { ruleText } from "../../../stackwalk/unwind/rule-text.ts";
import { registerFiles } from "../../../symbols/registers.ts";

const elfArchs: { readonly [machine: number]: Arch } = { 3: "x86", 62: "amd64", 40: "arm", 183: "arm64" };
const peArchs: { readonly [machine: number]: Arch } = { 0x14c: "x86", 0x8664: "amd64", 0xaa64: "arm64" };

/** The `.eh_frame` and `.debug_frame` of a little-endian ELF or PE file, those that are there. */
export function frameSections(path: string): FrameSection[] {
  const file = readFileSync(path);
  return file.toString("latin1", 1, 4) === "ELF" ? elfSections(file) : peSections(file);
}

function kindOf(name: string): FrameSection["kind"] | null {
  return name === ".eh_frame" ? "eh_frame" : name === ".debug_frame" ? "debug_frame" : null;
}

function elfSections(file: Buffer): FrameSection[] {
  const wide = file[4] === 2;
  const word = (at: number): number => (wide ? Number(file.readBigUInt64LE(at)) : file.readUInt32LE(at));
  const arch = elfArchs[file.readUInt16LE(18)]!;
  const table = word(wide ? 0x28 : 0x20);
  const entry = file.readUInt16LE(wide ? 0x3a : 0x2e);
  const count = file.readUInt16LE(wide ? 0x3c : 0x30);
  const header = (i: number) => {
    const at = table + i * entry;
    return { name: file.readUInt32LE(at), type: file.readUInt32LE(at + 4), address: word(at + (wide ? 0x10 : 0x0c)), offset: word(at + (wide ? 0x18 : 0x10)), size: word(at + (wide ? 0x20 : 0x14)) };
  };
  const names = header(file.readUInt16LE(wide ? 0x3e : 0x32));
  return Array.from({ length: count }, (_, i) => header(i)).flatMap(({ name, type, address, offset, size }) => {
    const at = names.offset + name;
    const kind = kindOf(file.toString("latin1", at, file.indexOf(0, at)));
    if (kind === null || type === 8) return [];
    return [{ bytes: file.subarray(offset, offset + size), rva: address, little: true, addressBytes: wide ? 8 : 4, arch, kind, toRva: (value: number) => value } as const];
  });
}

function peSections(file: Buffer): FrameSection[] {
  const pe = file.readUInt32LE(0x3c);
  const arch = peArchs[file.readUInt16LE(pe + 4)]!;
  const wide = arch !== "x86";
  const base = wide ? Number(file.readBigUInt64LE(pe + 24 + 24)) : file.readUInt32LE(pe + 24 + 28);
  const imageBytes = file.readUInt32LE(pe + 24 + 56);
  const strings = file.readUInt32LE(pe + 12) + file.readUInt32LE(pe + 16) * 18;
  const table = pe + 24 + file.readUInt16LE(pe + 20);
  return Array.from({ length: file.readUInt16LE(pe + 6) }, (_, i) => table + i * 40).flatMap((at) => {
    const short = file.toString("latin1", at, at + 8).replace(/\0.*/, "");
    const long = strings + Number(short.slice(1));
    const kind = kindOf(short.startsWith("/") ? file.toString("latin1", long, file.indexOf(0, long)) : short);
    if (kind === null) return [];
    const bytes = file.subarray(file.readUInt32LE(at + 20), file.readUInt32LE(at + 20) + file.readUInt32LE(at + 8));
    const toRva = (value: number): number => (value >= base && value < base + imageBytes ? value - base : -1);
    return [{ bytes, rva: file.readUInt32LE(at + 12), little: true, addressBytes: wide ? 8 : 4, arch, kind, toRva } as const];
  });
}

/** A cache with nothing but the rows of these sections. */
export function cacheOfFrames(sections: readonly FrameSection[]): SymbolCache {
  const builder = new ModuleBuilder();
  for (const section of sections) addFrames(section, builder);
  const arch = sections[0]?.arch ?? "amd64";
  return cacheOfBytes("frames", builder.finish({ source: "frames", sourceDigest: "", debugFile: "", debugId: "", codeId: null, codeFile: null, generator: null, os: "", arch }, arch));
}

/** What a cache says of how to unwind from an address: the rule as text, `nothing` for a row without one, null where there is no row. */
export function rowAt(cache: SymbolCache, rva: number): string | null {
  const row = cache.unwindRow(rva);
  if (row < 0) return null;
  const rule = cache.rowRule(row);
  return `${cache.rowIsEntry(row) ? "entry: " : ""}${rule === 0 ? "nothing" : ruleText(registerFiles[cache.arch!], cache.rules, rule, cache.expressions) || "end"}`;
}
