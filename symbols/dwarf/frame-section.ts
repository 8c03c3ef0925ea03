// What the readers of call frames share: where the bytes lie, and how pointers
// in them are written (LSB Core, "DWARF Exception Header Encoding").
import type { Arch } from "../registers.ts";
import type { FrameCursor } from "./frame-cursor.ts";

/** A section of call frame information, and how to read it. */
export type FrameSection = {
  readonly bytes: Uint8Array;
  /** Where the section is mapped, relative to the module's base; what pointers relative to their own place need. */
  readonly rva: number;
  readonly little: boolean;
  readonly addressBytes: 4 | 8;
  readonly arch: Arch;
  /** `.eh_frame` is made for exceptions, `.debug_frame` for debuggers; they differ in ids and pointers. */
  readonly kind: "eh_frame" | "debug_frame";
  /** From an address in the file to one relative to the module's base; -1 for one that is not in the module. */
  toRva(address: number): number;
  /** What pointers relative to the text, and to the data, are relative to; a file that has none of either leaves them out. */
  readonly textRva?: number;
  readonly dataRva?: number;
  /** The numbers of esp and ebp are exchanged: `.eh_frame` of i386 on Apple's systems. */
  readonly swapsStackRegisters?: boolean;
  /** Whether the function at an address has rows already, from data that is believed before this; absent where none has. */
  isTold?(rva: number): boolean;
};

/** Encoding bytes of pointers, and their parts. */
export const pointerEncoding = { absolute: 0x00, omit: 0xff, indirect: 0x80, format: 0x0f, application: 0x70, aligned: 0x50 } as const;

/** Reads a pointer, as an address relative to the module's base; -1 for one that is null, cannot be known from the file, or is not in the module. */
export function readPointer(cursor: FrameCursor, encoding: number, section: FrameSection, addressBytes: 4 | 8): number {
  if (encoding === pointerEncoding.omit) return -1;
  const application = encoding & pointerEncoding.application;
  if (application === pointerEncoding.aligned) cursor.skip((addressBytes - ((section.rva + cursor.at) % addressBytes)) % addressBytes);
  const place = section.rva + cursor.at;
  const isAbsolute = application === 0 || application === pointerEncoding.aligned;
  const value = readEncoded(cursor, encoding & pointerEncoding.format, addressBytes, isAbsolute);
  if (cursor.failed || value === 0 || (encoding & pointerEncoding.indirect) !== 0) return -1;
  if (isAbsolute) return section.toRva(addressBytes === 4 ? value >>> 0 : value);
  const base = application === 0x10 ? place : application === 0x20 ? section.textRva : application === 0x30 ? section.dataRva : undefined;
  if (base === undefined) return -1;
  return addressBytes === 4 ? (base + value) >>> 0 : base + value;
}

/** Reads a number in one of the formats of pointers; fails the cursor for a format that there is not. Where it will be added to something, a number as wide as an address is signed, which is the same modulo its width. */
export function readEncoded(cursor: FrameCursor, format: number, addressBytes: 4 | 8, isAbsolute: boolean): number {
  switch (format) {
    case 0x00:
    case 0x08:
      if (addressBytes === 4) return cursor.u32();
      return isAbsolute ? cursor.u64() : cursor.i64();
    case 0x01:
      return cursor.uleb();
    case 0x02:
      return cursor.u16();
    case 0x03:
      return cursor.u32();
    case 0x04:
      return isAbsolute ? cursor.u64() : cursor.i64();
    case 0x09:
      return cursor.sleb();
    case 0x0a:
      return (cursor.u16() << 16) >> 16;
    case 0x0b:
      return cursor.u32() | 0;
    case 0x0c:
      return cursor.i64();
    default:
      cursor.failed = true;
      return 0;
  }
}
