// Section contributions: which bytes of the image came from which object file
// (LLVM's DbiStream.rst, "Section Contribution Substream").
//
//     u32 version
//     28 bytes, in the second version 32, each: u16 section, u16, u32 offset,
//     u32 bytes, u32 characteristics, u16 module, u16, u32, u32 (u32)
//
// A public symbol says where it begins and not where it ends. It does not reach
// past the contribution that it lies in: what follows came from another object
// file, or is a function of its own, and to name it after its neighbour would be
// wrong. That matters where there is nothing but public symbols, as in the
// stripped PDBs of vendors, and for assembly.
import type { AddressMap } from "./address-map.ts";
import type { ContributionPlace } from "./dbi.ts";
import type { Msf } from "./msf.ts";

/** Versions, and bytes of one contribution. */
const versions: ReadonlyMap<number, number> = new Map([
  [0xeffe0000 + 19_970_605, 28],
  [0xeffe0000 + 20_140_516, 32],
]);
/** IMAGE_SCN_CNT_CODE. */
const codeFlag = 0x20;
/** Contributions read at a time. */
const pieceCount = 32_768;

/** Calls `take` with the address after each contribution of code, in the linker's addresses. Returns false when the table is of no known version. */
export function forEachCodeEnd(msf: Msf, place: ContributionPlace, addresses: AddressMap, take: (end: number) => void): boolean {
  const { stream, offset, bytes } = place;
  if (bytes < 4) return true;
  const size = versions.get(msf.read(stream, offset, 4)?.readUInt32LE(0) ?? 0);
  if (size === undefined) return false;
  const count = Math.floor((bytes - 4) / size);
  for (let from = 0; from < count; from += pieceCount) {
    const many = Math.min(pieceCount, count - from);
    const piece = msf.read(stream, offset + 4 + from * size, many * size);
    if (piece === null) return true;
    for (let at = 0; at < piece.length; at += size) {
      const length = piece.readUInt32LE(at + 8);
      if ((piece.readUInt32LE(at + 12) & codeFlag) === 0 || length === 0) continue;
      const rva = addresses.linkedRva(piece.readUInt16LE(at), piece.readUInt32LE(at + 4));
      if (rva >= 0 && rva + length < 0xffffffff) take(rva + length);
    }
  }
  return true;
}
