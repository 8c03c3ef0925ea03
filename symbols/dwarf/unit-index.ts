// The index of a .dwp file, which says what part of each section belongs to
// which unit (`.debug_cu_index`). GNU made it for DWARF 4 as its version 2;
// DWARF 5 took it over with other numbers for columns (section 7.3.5).
//
//   version        4 bytes in version 2; 2 bytes and 2 of padding in version 5
//   columns, units, slots                          4 bytes each
//   ids            slots × 8                       a table to find a unit by hash
//   rows           slots × 4                       number of its row, from 1 on
//   sections       columns × 4                     which section a column is of
//   offsets        units × columns × 4
//   sizes          units × columns × 4
//
// Ids are gathered into a map, since tables whose hashing is off are read then
// too, and one that is made to be slow is not.
import { readFixed } from "./section-cursor.ts";

/** Sections that names are read from, by the number of their column in each version. */
const columnNames: { readonly [version: number]: { readonly [column: number]: DwoSectionName } } = {
  2: { 1: ".debug_info.dwo", 3: ".debug_abbrev.dwo", 6: ".debug_str_offsets.dwo" },
  5: { 1: ".debug_info.dwo", 3: ".debug_abbrev.dwo", 6: ".debug_str_offsets.dwo", 8: ".debug_rnglists.dwo" },
};
const columnsMax = 64;
/** Units of one index. Browsers have some ten thousand. */
const unitsMax = 1 << 20;

/** Names of sections of split DWARF that names are read from. */
export type DwoSectionName = ".debug_info.dwo" | ".debug_abbrev.dwo" | ".debug_str.dwo" | ".debug_str_offsets.dwo" | ".debug_rnglists.dwo";

/** A part of a section. */
export type Contribution = { readonly offset: number; readonly size: number };

/** Finds the parts of a unit. */
export type UnitIndex = {
  readonly ids: Iterable<string>;
  /** What a unit has of a section; null when it has none. */
  partOf(id: string, section: DwoSectionName): Contribution | null;
};

/** Reads an index; null when it cannot be read. */
export function readUnitIndex(bytes: Uint8Array, little: boolean): UnitIndex | null {
  if (bytes.length < 16) return null;
  const version = readFixed(bytes, 0, 2, little) === 5 ? 5 : readFixed(bytes, 0, 4, little);
  const names = columnNames[version];
  const [columns, units, slots] = [4, 8, 12].map((at) => readFixed(bytes, at, 4, little)) as [number, number, number];
  const rowsAt = 16 + slots * 8;
  const columnsAt = rowsAt + slots * 4;
  const offsetsAt = columnsAt + columns * 4;
  const sizesAt = offsetsAt + units * columns * 4;
  if (names === undefined || columns > columnsMax || units > unitsMax || sizesAt + units * columns * 4 > bytes.length) return null;
  const rows = new Map<string, number>();
  for (let i = 0; i < slots && rows.size < units; i++) {
    const row = readFixed(bytes, rowsAt + i * 4, 4, little);
    if (row >= 1 && row <= units) rows.set(idAt(bytes, 16 + i * 8, little), row - 1);
  }
  const places = new Map<DwoSectionName, number>();
  for (let i = 0; i < columns; i++) {
    const name = names[readFixed(bytes, columnsAt + i * 4, 4, little)];
    if (name !== undefined) places.set(name, i);
  }
  return {
    ids: rows.keys(),
    partOf(id, section) {
      const row = rows.get(id);
      const place = places.get(section);
      if (row === undefined || place === undefined) return null;
      const cell = (row * columns + place) * 4;
      return { offset: readFixed(bytes, offsetsAt + cell, 4, little), size: readFixed(bytes, sizesAt + cell, 4, little) };
    },
  };
}

/** The id at an offset, as text: 16 hex digits in lower case. */
export function idAt(bytes: Uint8Array, at: number, little: boolean): string {
  const high = readFixed(bytes, little ? at + 4 : at, 4, little);
  const low = readFixed(bytes, little ? at : at + 4, 4, little);
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
}
