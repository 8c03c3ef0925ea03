// Finds the row of a vector instruction: by map, opcode, prefix and encoding.
import type { OpcodeRow } from "./x86-opcodes.ts";
import { evexRows0f, evexRows0f38, evexRows0f3a, pairedNames, shiftGroups, shiftNames, usualOperands, vectorRows0f, vectorRows0f38, vectorRows0f3a } from "./x86-vector-opcodes.ts";
import type { X86Reader } from "./x86-reader.ts";

/** Which table: after 0f, 0f 38, 0f 3a. */
export type OpcodeMap = 1 | 2 | 3;

type Columns = readonly (string | undefined)[];

function columnsOf(rows: readonly string[]): Map<number, Columns> {
  return new Map(rows.map((row) => {
    const gap = row.indexOf(" ");
    return [Number.parseInt(row.slice(0, gap), 16), row.slice(gap + 1).split(";").map((text) => (text === "-" || text === "" ? undefined : text))] as const;
  })); // prettier-ignore
}

function firstMap(): Map<number, Columns> {
  const found = columnsOf(vectorRows0f);
  for (const [first, names] of pairedNames) {
    for (const [index, name] of names.split(" ").entries()) if (name !== "-") found.set(first + index, [`${name.toUpperCase()} P,Q`, `${name}*`]);
  }
  for (const [opcode, name] of Object.entries(shiftNames)) found.set(Number(opcode), [`${name.toUpperCase()} P,Q`, `${name}* V,Wo`]);
  return found;
}

let tables: { readonly plain: readonly Map<number, Columns>[]; readonly evex: readonly Map<number, Columns>[] } | null = null;

/** The row for the reader's prefixes; null when there is none. ModRM must be read. */
export function vectorRow(map: OpcodeMap, opcode: number, reader: X86Reader): OpcodeRow | null {
  tables ??= { plain: [firstMap(), columnsOf(vectorRows0f38), columnsOf(vectorRows0f3a)], evex: [evexRows0f, evexRows0f38, evexRows0f3a].map(columnsOf) };
  if (map === 1 && opcode === 0x72 && reader.reg < 2 && reader.encoding === "evex") return { name: byWidth(reader.reg === 0 ? "vpror%" : "vprol%", reader.w), operands: ["H", "W", "Ub"] };
  const shift = map === 1 ? shiftGroups[opcode]?.[reader.reg] : undefined;
  if (shift !== undefined) return shift === "" ? null : shiftRow(shift, reader);
  const extended = reader.encoding === "evex" ? tables.evex[map - 1]!.get(opcode) : undefined;
  const text = (extended ?? tables.plain[map - 1]!.get(opcode))?.[reader.column];
  return text === undefined ? null : readRow(text, reader);
}

function shiftRow(name: string, reader: X86Reader): OpcodeRow | null {
  const bytes = name.endsWith("dq");
  if (reader.column === 0) return bytes || reader.encoding !== "legacy" ? null : { name, operands: ["Q", "Ib"] };
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
  const bare = spelled!.replace(/[*~]$/, "").replace("^", "").toLowerCase();
  const name = byWidth(reader.encoding === "legacy" || vexOnly ? bare : `v${bare}`, reader.w);
  return { name, operands: reader.encoding === "legacy" ? operands : operands.map((letters) => (letters === "Ib" ? "Ub" : letters)) };
}

/** A name whose last letters depend on W; see x86-vector-opcodes.ts. */
function byWidth(name: string, wide: boolean): string {
  const choices: readonly (readonly [string, string, string])[] = [["%", "d", "q"], ["$", "ps", "pd"], ["@", "ss", "sd"], ["|", "w", "q"], ["?", "b", "d"], ["!", "b", "w"], ["#", "32", "64"], ["&", "8", "16"], ["=", "32x4", "64x2"]]; // prettier-ignore
  return choices.reduce((text, [mark, narrow, broad]) => text.replace(mark, wide ? broad : narrow), name);
}
