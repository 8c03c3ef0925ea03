// Which symbol tables an ELF file has, and the names of all of them together.
import type { ModuleBuilder } from "../cache/module-builder.ts";
import { bytesOf } from "../file-bytes.ts";
import { unpackXz } from "../xz/xz.ts";
import { sectionType } from "./codes.ts";
import { dynamicSymbols, readDynamic } from "./dynamic.ts";
import { codeRanges, type ElfImage, type ElfSection, readElfImage } from "./image.ts";
import { addSymbolNames } from "./symbol-names.ts";
import { FoundSymbols, type SymbolPlace } from "./symbol-table.ts";

/** Bytes of the names of one table that are read. */
const stringsMax = 512 * 1024 * 1024;
/** Bytes of the small symbol table that distributions leave in, packed and not. */
const [packedMax, unpackedMax] = [32 * 1024 * 1024, 64 * 1024 * 1024];
const packedSection = ".gnu_debugdata";

/** Whether a file has symbols of any kind. */
export function hasSymbols(image: ElfImage): boolean {
  return tableOf(image, sectionType.symbols) !== null || tableOf(image, sectionType.dynamicSymbols) !== null || image.section(packedSection) !== null || dynamicPlace(image) !== null;
}

/** Adds the names of functions that a file's symbol tables have. */
export function addElfSymbols(image: ElfImage, builder: ModuleBuilder): void {
  const code = codeRanges(image.headers);
  const symbols = new FoundSymbols(image, code);
  const full = tableOf(image, sectionType.symbols);
  if (full !== null) symbols.take(image, placeOf(image, full));
  else {
    const dynamic = tableOf(image, sectionType.dynamicSymbols);
    const place = dynamic === null ? dynamicPlace(image) : placeOf(image, dynamic);
    if (place !== null) symbols.take(image, place);
    addPacked(image, symbols, builder);
  }
  addSymbolNames(symbols, builder);
}

function tableOf({ headers }: ElfImage, type: number): ElfSection | null {
  return headers.sections.find((section) => section.type === type && section.stored > 0) ?? null;
}

/** A table with the strings that it is linked to. */
function placeOf(image: ElfImage, table: ElfSection): SymbolPlace {
  const strings = image.headers.sections[table.link];
  return { offset: table.offset, bytes: table.stored, strings: strings === undefined ? new Uint8Array(0) : image.readSection(strings, stringsMax) };
}

/** The dynamic symbols of a file without sections. */
function dynamicPlace(image: ElfImage): SymbolPlace | null {
  return image.headers.sections.length > 0 ? null : dynamicSymbols(image, readDynamic(image));
}

/** What was stripped and packed (Fedora's "mini debug info"): an ELF file with a symbol table and little else. */
function addPacked(image: ElfImage, symbols: FoundSymbols, builder: ModuleBuilder): void {
  const section = image.section(packedSection);
  if (section === null) return;
  const unpacked = unpackXz(image.readSection(section, packedMax), unpackedMax);
  if (!unpacked.ok) {
    builder.warn(unpacked.problem.code);
    return;
  }
  const inner = readElfImage(bytesOf(unpacked.value));
  const table = inner.ok ? tableOf(inner.value, sectionType.symbols) : null;
  if (inner.ok && table !== null) symbols.take(inner.value, placeOf(inner.value, table));
  else builder.warn("malformedMiniDebugInfo");
}
