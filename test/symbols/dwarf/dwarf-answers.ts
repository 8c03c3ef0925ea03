// What a file's DWARF says, through a cache as the product reads it.
import { ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import type { SymbolCache } from "../../../symbols/cache/symbol-cache.ts";
import { addDwarfNames } from "../../../symbols/dwarf/dwarf.ts";
import type { DwarfSections } from "../../../symbols/dwarf/dwarf-sections.ts";
import { answers, openBytes } from "../cache/cached-symbols.ts";

/** The bytes of a cache made from DWARF, names as they are in the file, and what was left out. Throws when it is refused. */
export function compiledDwarf(sections: DwarfSections): { readonly bytes: Uint8Array; readonly warnings: { readonly [reason: string]: number } } {
  const builder = new ModuleBuilder();
  const result = addDwarfNames(sections, builder);
  if (!result.ok) throw new Error(result.problem.code);
  const bytes = builder.finish({ source: "pe", sourceDigest: "", debugFile: "", debugId: "", codeId: null, codeFile: null, generator: null, os: "", arch: "" }, "amd64");
  return { bytes, warnings: Object.fromEntries(builder.warnings) };
}

/** A cache made from DWARF; the caller closes it. */
export function openDwarf(sections: DwarfSections): SymbolCache {
  return openBytes(compiledDwarf(sections).bytes);
}

/** The answers from rva 0 up to `end`, as `answers` has them, and a line for each warning. */
export function dwarfAnswers(sections: DwarfSections, end = 0x200): string[] {
  const { bytes, warnings } = compiledDwarf(sections);
  const cache = openBytes(bytes);
  try {
    return [...answers(cache, end), ...Object.entries(warnings).map(([reason, times]) => `${reason} ${times}`)];
  } finally {
    cache.close();
  }
}
