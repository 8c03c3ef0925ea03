// Unwind tables of 32-bit ARM for tests: those of a file, and made ones.
import { inflateSync } from "node:zlib";
import { ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import { type SymbolCache, cacheOfBytes } from "../../../symbols/cache/symbol-cache.ts";
import type { FrameSection } from "../../../symbols/dwarf/frame-section.ts";
import { addArmExidx, type ExidxSection, type MappedBytes } from "../../../symbols/elf/arm-exidx.ts";

/** What a file of 32-bit ARM has to unwind by. */
export type ArmTables = { readonly exidx: ExidxSection; readonly frames: FrameSection | null; readonly text: MappedBytes };

/** The tables of a little-endian ELF file. Throws when it has none. */
export function armTables(file: Buffer): ArmTables {
  const table = file.readUInt32LE(0x20);
  const header = (i: number) => {
    const at = table + i * file.readUInt16LE(0x2e);
    return { name: file.readUInt32LE(at), flags: file.readUInt32LE(at + 8), rva: file.readUInt32LE(at + 12), offset: file.readUInt32LE(at + 16), size: file.readUInt32LE(at + 20) };
  };
  const names = header(file.readUInt16LE(0x32)).offset;
  const sections = new Map<string, MappedBytes>();
  for (let i = 0; i < file.readUInt16LE(0x30); i++) {
    const { name, flags, rva, offset, size } = header(i);
    const bytes = file.subarray(offset, offset + size);
    sections.set(file.toString("latin1", names + name, file.indexOf(0, names + name)), { rva, bytes: (flags & 0x800) === 0 ? bytes : inflateSync(bytes.subarray(12)) });
  }
  const text = sections.get(".text")!;
  const frames = sections.get(".debug_frame");
  return {
    exidx: { index: sections.get(".ARM.exidx")!, table: sections.get(".ARM.extab") ?? null, little: true, codeEnd: text.rva + text.bytes.length },
    frames: frames === undefined ? null : { bytes: frames.bytes, rva: 0, little: true, addressBytes: 4, arch: "arm", kind: "debug_frame", toRva: (address) => address },
    text,
  };
}

/** A cache with nothing but what is added to its builder, and what that warned of. */
export function armCache(add: (builder: ModuleBuilder) => void): { readonly cache: SymbolCache; readonly warnings: { readonly [reason: string]: number } } {
  const builder = new ModuleBuilder();
  add(builder);
  const bytes = builder.finish({ source: "exidx", sourceDigest: "", debugFile: "", debugId: "", codeId: null, codeFile: null, generator: null, os: "", arch: "arm" }, "arm");
  return { cache: cacheOfBytes("exidx", bytes), warnings: Object.fromEntries(builder.warnings) };
}

/** A function of a made index: its address; its instructions, the words of its table entry, or "cannot unwind". */
export type MadeEntry = { readonly start: number; readonly inline?: readonly number[]; readonly table?: readonly number[]; readonly end?: true };

/** Where the made tables are. */
export const indexRva = 0x8000;
const tableRva = 0x9000;

/** An index of functions, in either order of bytes. */
export function madeTables(entries: readonly MadeEntry[], codeEnd: number, little = true): ExidxSection {
  const index = Buffer.alloc(entries.length * 8);
  const words: number[] = [];
  const put = (target: Buffer, at: number, value: number): number => (little ? target.writeUInt32LE(value >>> 0, at) : target.writeUInt32BE(value >>> 0, at));
  for (const [i, { start, inline, table }] of entries.entries()) {
    put(index, i * 8, (start - (indexRva + i * 8)) & 0x7fffffff);
    if (inline !== undefined) put(index, i * 8 + 4, (0x80 << 24) | ((inline[0] ?? 0xb0) << 16) | ((inline[1] ?? 0xb0) << 8) | (inline[2] ?? 0xb0));
    else if (table !== undefined) {
      put(index, i * 8 + 4, (tableRva + words.length * 4 - (indexRva + i * 8 + 4)) & 0x7fffffff);
      words.push(...table);
    } else put(index, i * 8 + 4, 1);
  }
  const bytes = Buffer.alloc(words.length * 4);
  for (const [i, word] of words.entries()) put(bytes, i * 4, word);
  return { index: { rva: indexRva, bytes: index }, table: { rva: tableRva, bytes }, little, codeEnd };
}

/** A cache of an index. */
export function exidxCache(section: ExidxSection): ReturnType<typeof armCache> {
  return armCache((builder) => addArmExidx(section, builder));
}
