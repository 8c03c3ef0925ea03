// Records of types as type-names.ts reads them: kinds, and where in a record
// what stands. cvinfo.h's LEAF_ENUM_e and the structs that are named after it
// are the source.
import { type TypeStream, numericBytes } from "./types.ts";

/** Kinds of records (LF_…). */
export const leaf = {
  modifier: 0x1001,
  pointer: 0x1002,
  procedure: 0x1008,
  memberFunction: 0x1009,
  argumentList: 0x1201,
  bitField: 0x1205,
  array: 0x1503,
  class: 0x1504,
  structure: 0x1505,
  union: 0x1506,
  enumeration: 0x1507,
  alias: 0x150a,
  interface: 0x1519,
  functionId: 0x1601,
  memberFunctionId: 0x1602,
  stringList: 0x1604,
  stringId: 0x1605,
  class2: 0x1608,
  structure2: 0x1609,
  union2: 0x160a,
  interface2: 0x160b,
} as const;

/** Bytes of a text that are read. */
const textMax = 4096;
/** How Microsoft's compilers, and those that follow them, write a namespace without name; and how everyone else does, dump_syms too. */
const [quotedNamespace, bracketed] = ["`anonymous namespace'", "(anonymous namespace)"];

/** A namespace without name. */
export const anonymousNamespace = bracketed;

/** Gives the nameless namespaces in some bytes their brackets; both spellings are equally long. */
export function bracketNamespaces(bytes: Buffer): void {
  for (let at = bytes.indexOf(quotedNamespace, 0, "latin1"); at >= 0; at = bytes.indexOf(quotedNamespace, at, "latin1")) bytes.write(bracketed, at, "latin1");
}

/** Where the found record, of a class and the like, has its size; -1 when it has none. */
export function classSizeAt(types: TypeStream, kind: number): number {
  let at = types.at;
  if (kind === leaf.class || kind === leaf.structure || kind === leaf.interface) at += 16;
  else if (kind === leaf.union) at += 8;
  else if (kind === leaf.class2 || kind === leaf.structure2 || kind === leaf.interface2) at += 16 + numericBytes(types.bytes, at + 16);
  else if (kind === leaf.union2) at += 8 + numericBytes(types.bytes, at + 8);
  else return -1;
  return at + 2 <= types.end ? at : -1;
}

/** Where the found record, of a class, an enumeration or an alias, has its name; -1 when it has none. */
export function taggedNameAt(types: TypeStream, kind: number): number {
  if (kind === leaf.enumeration) return types.at + 12;
  if (kind === leaf.alias) return types.at + 4;
  const sizeAt = classSizeAt(types, kind);
  if (sizeAt < 0) return -1;
  const bytes = numericBytes(types.bytes, sizeAt);
  return bytes === 0 ? -1 : sizeAt + bytes;
}

/** The text that begins in the found record, up to its NUL or the record's end. */
export function text(types: TypeStream, at: number): string {
  const { bytes, end } = types;
  let stop = at;
  while (stop < end && bytes[stop] !== 0) stop++;
  if (stop <= at) return "";
  const found = bytes.toString("latin1", at, Math.min(stop, at + textMax));
  return found.includes(quotedNamespace) ? found.replaceAll(quotedNamespace, bracketed) : found;
}

/** The unsigned word of 32 bits at an offset of the found record. */
export function word(types: TypeStream, offset: number): number {
  const { bytes } = types;
  const at = types.at + offset;
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/** The same of 16 bits. */
export function half(types: TypeStream, offset: number): number {
  return types.bytes[types.at + offset]! | (types.bytes[types.at + offset + 1]! << 8);
}
