// Finds the row of a vector instruction: by map, opcode, prefix and encoding.
import type { OpcodeRow } from "./x86-opcodes.ts";
import { evexRows0f, evexRows0f38, evexRows0f3a, pairedNames, shiftGroups, shiftNames, usualOperands, vectorRows0f, vectorRows0f38, vectorRows0f3a } from "./x86-vector-opcodes.ts";
import type { X86Reader } from "./x86-reader.ts";

/** Which table: after 0f, 0f 38, 0f 3a. */
export type OpcodeMap = 1 | 2 | 3;

/** What a row says in each column, by opcode; found when first asked for. */
class VectorTable {
  readonly #rows: readonly string[];
  readonly #known = new Map<number, readonly string[] | null>();

  constructor(rows: readonly string[]) {
    this.#rows = rows;
  }

  /** The columns of an opcode; null when it has no row. */
  get(opcode: number): readonly string[] | null {
    const known = this.#known.get(opcode);
    if (known !== undefined) return known;
    const row = this.#rows.find((text) => Number.parseInt(text, 16) === opcode);
    const columns = row === undefined ? null : row.slice(row.indexOf(" ") + 1).split(";");
    this.#known.set(opcode, columns);
    return columns;
  }
}

const tables = [vectorRows0f, vectorRows0f38, vectorRows0f3a].map((rows) => new VectorTable(rows));
const evexTables = [evexRows0f, evexRows0f38, evexRows0f3a].map((rows) => new VectorTable(rows));

/** Columns after 0f: a row, a name of a list, or a shift. */
function firstMap(opcode: number): readonly string[] | null {
  const shift = shiftNames[opcode];
  if (shift !== undefined) return [`${shift.toUpperCase()} P,Q`, `${shift}* V,Wo`];
  for (const [first, names] of pairedNames) {
    const name = names.split(" ")[opcode - first];
    if (name !== undefined && name !== "-") return [`${name.toUpperCase()} P,Q`, `${name}*`];
  }
  return tables[0]!.get(opcode);
}

/** The row for the reader's prefixes; null when there is none. ModRM must be read. */
export function vectorRow(map: OpcodeMap, opcode: number, reader: X86Reader): OpcodeRow | null {
  if (map === 1 && opcode === 0x72 && reader.reg < 2 && reader.encoding === "evex") return { name: byWidth(reader.reg === 0 ? "vpror%" : "vprol%", reader.w), operands: ["H", "W", "Ub"] };
  const shift = map === 1 ? shiftGroups[opcode]?.[reader.reg] : undefined;
  if (shift !== undefined) return shift === "" ? null : shiftRow(shift, reader);
  const changed = reader.encoding === "evex" ? evexTables[map - 1]!.get(opcode) : null;
  const text = (changed ?? (map === 1 ? firstMap(opcode) : tables[map - 1]!.get(opcode)))?.[reader.column];
  return text === undefined || text === "" || text === "-" ? null : readRow(text, reader);
}

function shiftRow(name: string, reader: X86Reader): OpcodeRow | null {
  const bytes = name.endsWith("dq");
  if (reader.column === 0) return bytes || reader.encoding !== "legacy" ? null : { name, operands: ["Qr", "Ib"] };
  if (reader.column !== 1) return null;
  if (reader.encoding === "legacy") return { name, operands: ["N", "Ib"] };
  const wide = reader.encoding === "evex" && name === "psrad" && reader.w ? "psraq" : name;
  return { name: `v${wide}`, operands: ["H", reader.encoding === "evex" ? "W" : "N", "Ub"] };
}

function readRow(text: string, reader: X86Reader): OpcodeRow | null {
  const [spelled, listed] = text.split(" ");
  const legacyOnly = /^[A-Z0-9]+[*~]?$/.test(spelled!);
  const vexOnly = spelled!.startsWith("v") || spelled!.startsWith("^");
  if (reader.encoding === "legacy" ? vexOnly : legacyOnly) return null;
  const three = reader.encoding !== "legacy" && (spelled!.endsWith("*") || (spelled!.endsWith("~") && reader.mod === 3));
  const operands = listed === "" ? [] : (listed ?? usualOperands).split(",");
  if (three) operands.splice(1, 0, "H");
  if (reader.encoding !== "legacy" && !namesExtra(operands, reader)) return null;
  const bare = spelled!.replace(/[*~]$/, "").replace("^", "").toLowerCase();
  const name = byWidth(reader.encoding === "legacy" || vexOnly ? bare : `v${bare}`, reader.w);
  return { name, operands: reader.encoding === "legacy" ? operands : operands.map((letters) => vexLetters(letters, operands, name)) };
}

/** An instruction without a place for the prefix's register must not name one. */
function namesExtra(operands: readonly string[], reader: X86Reader): boolean {
  return reader.extra === 0 || operands.some((letters) => letters.startsWith("H") || letters.startsWith("B"));
}

/** Under VEX a number has no sign in the text, and what works on one element has registers of 16 bytes. */
function vexLetters(letters: string, operands: readonly string[], name: string): string {
  if (letters === "Ib") return "Ub";
  const scalar = !name.includes("broadcast") && operands.some((other) => other === "Wd" || other === "Wq" || other === "W%");
  return scalar && (letters === "V" || letters === "H") ? `${letters}o` : letters;
}

/** A name whose last letters depend on W; see x86-vector-opcodes.ts. */
function byWidth(name: string, wide: boolean): string {
  const choices: readonly (readonly [string, string, string])[] = [["%", "d", "q"], ["$", "ps", "pd"], ["@", "ss", "sd"], ["|", "w", "q"], ["?", "b", "d"], ["!", "b", "w"], ["#", "32", "64"], ["&", "8", "16"], ["=", "32x4", "64x2"]]; // prettier-ignore
  return choices.reduce((text, [mark, narrow, broad]) => text.replace(mark, wide ? broad : narrow), name);
}
