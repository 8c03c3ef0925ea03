// What a file's DWARF says, through a cache as the product reads it.
import { ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import type { SymbolCache } from "../../../symbols/cache/symbol-cache.ts";
import type { DwarfCompanions } from "../../../symbols/dwarf/companions.ts";
import { addDwarfNames } from "../../../symbols/dwarf/dwarf.ts";
import type { DwarfSections } from "../../../symbols/dwarf/dwarf-sections.ts";
import { answers, emptyPlace, openBytes } from "../cache/cached-symbols.ts";
import type { ObjectFile } from "./object-sections.ts";

/** The bytes of a cache made from DWARF, names as they are in the file, and what was left out. Throws when it is refused. */
export function compiledDwarf(sections: DwarfSections, companions?: DwarfCompanions): { readonly bytes: Uint8Array; readonly warnings: { readonly [reason: string]: number } } {
  const builder = new ModuleBuilder();
  const result = addDwarfNames(sections, builder, companions);
  if (!result.ok) throw new Error(result.problem.code);
  const bytes = builder.finish({ source: "pe", sourceDigest: "", debugFile: "", debugId: "", codeId: null, codeFile: null, generator: null, os: "", arch: "" }, "amd64");
  return { bytes, warnings: Object.fromEntries(builder.warnings) };
}

/** A cache made from DWARF; the caller closes it. */
export function openDwarf(sections: DwarfSections, companions?: DwarfCompanions): SymbolCache {
  return openBytes(compiledDwarf(sections, companions).bytes);
}

/** The answers from rva 0 up to `end`, as `answers` has them, and a line for each warning. */
export function dwarfAnswers(sections: DwarfSections, end = 0x200, companions?: DwarfCompanions): string[] {
  const { bytes, warnings } = compiledDwarf(sections, companions);
  const cache = openBytes(bytes);
  try {
    return [...answers(cache, end), ...Object.entries(warnings).map(([reason, times]) => `${reason} ${times}`)];
  } finally {
    cache.close();
  }
}

/** The answers about all code of a file, a line for each address from which on they are others; and what was left out. */
export function answersEverywhere(object: ObjectFile, companions?: DwarfCompanions): { readonly answers: readonly string[]; readonly warnings: { readonly [reason: string]: number } } {
  const { bytes, warnings } = compiledDwarf(object, companions);
  const cache = openBytes(bytes);
  const place = emptyPlace();
  const found: string[] = [];
  let last = "";
  try {
    for (const [start, end] of object.code) {
      for (let rva = start; rva < end; rva++) {
        const answer = cache.lookUp(rva, place) ? [...place.inlines, place].map(({ name, file, line }) => `${name} ${file}:${line}`).join(" < ") : "";
        if (answer !== last) found.push(`${rva.toString(16)} ${answer}`);
        last = answer;
      }
    }
  } finally {
    cache.close();
  }
  return { answers: found, warnings };
}
