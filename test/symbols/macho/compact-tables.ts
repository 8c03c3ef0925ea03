// Compact unwind information for tests: made tables, and what is compiled of them.
import { ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import { type SymbolCache, cacheOfBytes } from "../../../symbols/cache/symbol-cache.ts";
import { addCompactUnwind, type CompactSection } from "../../../symbols/macho/compact-unwind.ts";
import type { CompactArch } from "../../../symbols/macho/compact-encoding.ts";

/** A page of a made table: its entries, in the regular form or compressed. */
export type MadePage = { readonly entries: readonly (readonly [start: number, encoding: number])[]; readonly compressed?: true };

/** A table with these pages. `common`: encodings that all compressed pages share; `end`: where the last function ends. */
export function madeCompact(pages: readonly MadePage[], { common = [], end }: { readonly common?: readonly number[]; readonly end: number }): Buffer {
  const index = 28 + common.length * 4;
  const first = index + (pages.length + 1) * 12;
  const bodies = pages.map((page) => (page.compressed ? compressed(page, common) : regular(page)));
  let at = first;
  const places = bodies.map((body) => (at += body.length) - body.length);
  const indexes = [...pages.map((page, i) => words(page.entries[0]![0], places[i]!, 0)), words(end, 0, 0)];
  return Buffer.concat([words(1, 28, common.length, index, 0, index, pages.length + 1), words(...common), ...indexes, ...bodies]);
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) bytes.writeUInt32LE(value >>> 0, i * 4);
  return bytes;
}

function regular({ entries }: MadePage): Buffer {
  return Buffer.concat([words(2, 8 | (entries.length << 16)), ...entries.map(([start, encoding]) => words(start, encoding))]);
}

function compressed({ entries }: MadePage, common: readonly number[]): Buffer {
  const own = [...new Set(entries.map(([, encoding]) => encoding))].filter((encoding) => !common.includes(encoding));
  const all = [...common, ...own];
  const base = entries[0]![0];
  return Buffer.concat([
    words(3, 12 | (entries.length << 16), (12 + entries.length * 4) | (own.length << 16)),
    ...entries.map(([start, encoding]) => words((start - base) | (all.indexOf(encoding) << 24))),
    words(...own),
  ]);
}

/** A section for the reader; without code, functions or call frames where they are not given. */
export function compactSection(bytes: Buffer, arch: CompactArch, more: Partial<CompactSection> = {}): CompactSection {
  return { bytes, arch, little: true, functionStarts: new Uint32Array(0), codeEnd: 0x10000, frames: null, code: () => null, ...more };
}

/** What is compiled of a section, and what that warned of. */
export function compactCache(section: CompactSection): { readonly cache: SymbolCache; readonly warnings: { readonly [reason: string]: number } } {
  const builder = new ModuleBuilder();
  addCompactUnwind(section, builder);
  const bytes = builder.finish({ source: "compact", sourceDigest: "", debugFile: "", debugId: "", codeId: null, codeFile: null, generator: null, os: "", arch: section.arch }, section.arch);
  return { cache: cacheOfBytes("compact", bytes), warnings: Object.fromEntries(builder.warnings) };
}
