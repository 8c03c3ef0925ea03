// The header of a line program: how its opcodes are to be read, and the folders
// and files that its rows name. Versions 2 to 4 have two plain lists; version 5
// says of each list which fields its entries have, and counts from 0.
import { form } from "./codes.ts";
import { SectionCursor } from "./section-cursor.ts";

/** Strings by index: a form and a value each (dwarf-strings.ts); one that lies in the header has its offset in .debug_line. */
export type StringRefs = { readonly forms: number[]; readonly values: number[] };

/** A line program's header. */
export type LineHeader = {
  readonly version: number;
  /** Offsets of the first opcode and past the last. */
  readonly programStart: number;
  readonly programEnd: number;
  readonly instructionBytes: number;
  /** Operations of one instruction; above 1 only on VLIW machines. */
  readonly operationsMax: number;
  readonly lineBase: number;
  readonly lineRange: number;
  /** The first special opcode. */
  readonly opcodeBase: number;
  /** By standard opcode: how many LEB128 operands it has. */
  readonly operandCounts: readonly number[];
  readonly folders: StringRefs;
  readonly files: StringRefs;
  /** By file: index of its folder. Files and folders of versions 2 to 4 count from 1; their 0 is here too, empty. */
  readonly fileFolders: number[];
};

/** Contents of entries in version 5. */
const content = { path: 1, folder: 2 } as const;

/** Reads the header at an offset of .debug_line; null when it cannot be read. */
export function readLineHeader(section: Uint8Array, little: boolean, offset: number): LineHeader | null {
  const cursor = new SectionCursor(section, little, offset);
  let offsetBytes: 4 | 8 = 4;
  let length = cursor.fixed(4);
  if (length === 0xffffffff) {
    offsetBytes = 8;
    length = cursor.fixed(8);
  } else if (length >= 0xfffffff0) return null;
  if (cursor.isOverrun) return null;
  cursor.end = Math.min(cursor.end, cursor.at + length);
  const version = cursor.fixed(2);
  if (version < 2 || version > 5) return null;
  // Address size, which opcodes say themselves, and segment size, which nobody uses.
  if (version >= 5) cursor.skip(2);
  const headerLength = cursor.fixed(offsetBytes);
  const programStart = cursor.at + headerLength;
  const instructionBytes = cursor.fixed(1);
  const operationsMax = version >= 4 ? cursor.fixed(1) : 1;
  // Whether a row begins a statement matters to who sets breakpoints.
  cursor.skip(1);
  const lineBase = cursor.signedByte();
  const lineRange = cursor.fixed(1);
  const opcodeBase = cursor.fixed(1);
  const operandCounts = [0];
  for (let opcode = 1; opcode < opcodeBase; opcode++) operandCounts.push(cursor.fixed(1));
  if (cursor.isOverrun || programStart > cursor.end || lineRange === 0 || opcodeBase === 0) return null;
  const lists = { folders: emptyRefs(), files: emptyRefs(), fileFolders: [] };
  const header: LineHeader = { version, programStart, programEnd: cursor.end, instructionBytes, operationsMax: Math.max(operationsMax, 1), lineBase, lineRange, opcodeBase, operandCounts, ...lists };
  // Lists that are cut short name the files that they have.
  cursor.end = programStart;
  if (version >= 5) readLists(cursor, offsetBytes, header);
  else readOldLists(cursor, header);
  return header;
}

function emptyRefs(): StringRefs {
  return { forms: [], values: [] };
}

function addRef(refs: StringRefs, itsForm: number, value: number): void {
  refs.forms.push(itsForm);
  refs.values.push(value);
}

/** The lists of versions 2 to 4: strings, each ended by an empty one. */
function readOldLists(cursor: SectionCursor, header: LineHeader): void {
  addRef(header.folders, 0, 0);
  addRef(header.files, 0, 0);
  header.fileFolders.push(0);
  while (!isAtEmpty(cursor)) addRef(header.folders, form.string, cursor.string());
  while (!isAtEmpty(cursor)) addOldFile(cursor, header);
}

/** Reads a file as versions 2 to 4 have it in the header, and all of them in an opcode: name, folder, time, size. */
export function addOldFile(cursor: SectionCursor, header: LineHeader): void {
  const name = cursor.string();
  const folder = cursor.uleb();
  cursor.uleb();
  cursor.uleb();
  addRef(header.files, form.string, name);
  header.fileFolders.push(folder);
}

/** Passes over the empty string that ends a list, if it is there or the list is cut. */
function isAtEmpty(cursor: SectionCursor): boolean {
  if (cursor.at < cursor.end && cursor.bytes[cursor.at] !== 0) return false;
  cursor.skip(1);
  return true;
}

/** The lists of version 5. */
function readLists(cursor: SectionCursor, offsetBytes: 4 | 8, header: LineHeader): void {
  readList(cursor, offsetBytes, (itsForm, value) => addRef(header.folders, itsForm, value));
  readList(cursor, offsetBytes, (itsForm, value, folder) => {
    addRef(header.files, itsForm, value);
    header.fileFolders.push(folder);
  });
}

function readList(cursor: SectionCursor, offsetBytes: 4 | 8, add: (itsForm: number, value: number, folder: number) => void): void {
  const fields: number[] = [];
  for (let left = cursor.fixed(1); left > 0; left--) fields.push(cursor.uleb(), cursor.uleb());
  const count = cursor.uleb();
  for (let i = 0; i < count && !cursor.isOverrun; i++) {
    const start = cursor.at;
    let pathForm = 0;
    let path = 0;
    let folder = 0;
    for (let k = 0; k < fields.length; k += 2) {
      const itsForm = fields[k + 1]!;
      const value = readValue(cursor, itsForm, offsetBytes);
      if (value < 0) return;
      if (fields[k] === content.path) {
        pathForm = itsForm;
        path = value;
      } else if (fields[k] === content.folder) folder = value;
    }
    // Entries without bytes could be as many as they like.
    if (cursor.isOverrun || cursor.at === start) return;
    add(pathForm, path, folder);
  }
}

/** Reads a value of a form that version 5 allows here; where it is, for a string in place; -1 for other forms. */
function readValue(cursor: SectionCursor, itsForm: number, offsetBytes: 4 | 8): number {
  switch (itsForm) {
    case form.string:
      return cursor.string();
    case form.lineStrp:
    case form.strp:
    case form.strpSup:
    case form.secOffset:
      return cursor.fixed(offsetBytes);
    case form.udata:
    case form.strx:
      return cursor.uleb();
    case form.data1:
    case form.flag:
    case form.strx1:
      return cursor.fixed(1);
    case form.data2:
    case form.strx2:
      return cursor.fixed(2);
    case form.strx3:
      return cursor.fixed(3);
    case form.data4:
    case form.strx4:
      return cursor.fixed(4);
    case form.data8:
      return cursor.fixed(8);
    case form.data16:
      cursor.skip(16);
      return 0;
    case form.block:
      cursor.skip(cursor.uleb());
      return 0;
    case form.block1:
      cursor.skip(cursor.fixed(1));
      return 0;
    default:
      return -1;
  }
}
