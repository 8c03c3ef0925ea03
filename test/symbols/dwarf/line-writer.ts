// Writes line programs for tests: a header of any version, and opcodes by name.
import { ByteWriter, type DwarfWriter } from "./dwarf-writer.ts";

/** What a line program's header says; what is left out is usual. */
export type LineOptions = {
  readonly version?: number;
  readonly instructionBytes?: number;
  readonly operationsMax?: number;
  readonly lineBase?: number;
  readonly lineRange?: number;
  /** Operands of standard opcodes, from 1 on; so many opcodes are standard. */
  readonly operandCounts?: readonly number[];
  readonly folders?: readonly string[];
  readonly files?: readonly (readonly [name: string, folder: number])[];
  /** Version 5: fields of a file (content, form), with how to write one; usual are a string in place and a byte for the folder. */
  readonly fileFields?: readonly (readonly [content: number, form: number, write: (writer: ByteWriter, file: readonly [name: string, folder: number]) => void])[];
  /** Bytes that the header has after its lists. */
  readonly slack?: number;
};

type Step = (writer: ByteWriter, addressBytes: number) => void;

/** Opcodes. `special` is the opcode itself. */
export const op = {
  copy: (): Step => (writer) => void writer.fixed(1, 1),
  advancePc: (by: number): Step => (writer) => void writer.fixed(2, 1).uleb(by),
  advanceLine: (by: number): Step => (writer) => void writer.fixed(3, 1).sleb(by),
  file: (index: number): Step => (writer) => void writer.fixed(4, 1).uleb(index),
  column: (column: number): Step => (writer) => void writer.fixed(5, 1).uleb(column),
  negate: (): Step => (writer) => void writer.fixed(6, 1),
  basicBlock: (): Step => (writer) => void writer.fixed(7, 1),
  constAddPc: (): Step => (writer) => void writer.fixed(8, 1),
  fixedAdvancePc: (by: number): Step => (writer) => void writer.fixed(9, 1).fixed(by, 2),
  prologueEnd: (): Step => (writer) => void writer.fixed(10, 1),
  epilogueBegin: (): Step => (writer) => void writer.fixed(11, 1),
  isa: (isa: number): Step => (writer) => void writer.fixed(12, 1).uleb(isa),
  special: (opcode: number): Step => (writer) => void writer.fixed(opcode, 1),
  raw: (...bytes: number[]): Step => (writer) => void writer.bytes.push(...bytes),
  address: (address: number): Step => (writer, addressBytes) => void writer.fixed(0, 1).uleb(addressBytes + 1).fixed(2, 1).fixed(address, addressBytes),
  end: (): Step => (writer) => void writer.fixed(0, 1).uleb(1).fixed(1, 1),
  discriminator: (value: number): Step => (writer) => void writer.fixed(0, 1).uleb(2).fixed(4, 1).uleb(value),
  defineFile: (name: string, folder: number): Step => (writer) => void writer.fixed(0, 1).uleb(name.length + 5).fixed(3, 1).string(name).uleb(folder).uleb(0).uleb(0),
};

const usualFields: NonNullable<LineOptions["fileFields"]> = [
  [1, 0x08, (writer, [name]) => writer.string(name)],
  [2, 0x0b, (writer, [, folder]) => writer.fixed(folder, 1)],
];

/** Adds a line program and returns its offset. */
export function writeLines(dwarf: DwarfWriter, options: LineOptions, steps: readonly Step[]): number {
  const { little, offsetBytes, addressBytes } = dwarf.shape;
  const { version = dwarf.shape.version, folders = [], files = [["a.cpp", 0]], operandCounts = [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1], fileFields = usualFields } = options;
  const header = new ByteWriter(little);
  header.fixed(options.instructionBytes ?? 1, 1);
  if (version >= 4) header.fixed(options.operationsMax ?? 1, 1);
  header.fixed(1, 1).fixed(options.lineBase ?? -3, 1).fixed(options.lineRange ?? 12, 1).fixed(operandCounts.length + 1, 1);
  for (const count of operandCounts) header.fixed(count, 1);
  if (version >= 5) {
    header.fixed(1, 1).uleb(1).uleb(0x08).uleb(folders.length);
    for (const folder of folders) header.string(folder);
    header.fixed(fileFields.length, 1);
    for (const [content, itsForm] of fileFields) header.uleb(content).uleb(itsForm);
    header.uleb(files.length);
    for (const file of files) for (const [, , write] of fileFields) write(header, file);
  } else {
    for (const folder of folders) header.string(folder);
    header.fixed(0, 1);
    for (const [name, folder] of files) header.string(name).uleb(folder).uleb(0).uleb(0);
    header.fixed(0, 1);
  }
  for (let i = 0; i < (options.slack ?? 0); i++) header.fixed(0xff, 1);
  const program = new ByteWriter(little);
  for (const step of steps) step(program, addressBytes);
  const rest = new ByteWriter(little).fixed(version, 2);
  if (version >= 5) rest.fixed(addressBytes, 1).fixed(0, 1);
  rest.fixed(header.bytes.length, offsetBytes);
  rest.bytes.push(...header.bytes, ...program.bytes);
  const at = dwarf.line.bytes.length;
  if (offsetBytes === 8) dwarf.line.fixed(0xffffffff, 4);
  dwarf.line.fixed(rest.bytes.length, offsetBytes);
  dwarf.line.bytes.push(...rest.bytes);
  return at;
}
