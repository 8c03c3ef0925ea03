// Unpacks a Microsoft cabinet with one file, as symbol servers keep PDBs
// (`basic32.pd_`), so that tests can read those of the corpus. MS-CAB and
// MS-MCI have the format: blocks of deflate, each with the block before it as
// its dictionary.
import { inflateRawSync } from "node:zlib";

const dictionaryBytes = 32_768;

/** The bytes of a cabinet's only file. Throws on what is none. */
export function unpackCabinet(cabinet: Buffer): Buffer {
  if (cabinet.toString("latin1", 0, 4) !== "MSCF" || cabinet.readUInt16LE(26) !== 1 || cabinet.readUInt16LE(28) !== 1 || cabinet.readUInt16LE(30) !== 0) throw new Error("not a plain cabinet of one file");
  if (cabinet.readUInt16LE(42) !== 1) throw new Error("not packed with MSZIP");
  const blocks = cabinet.readUInt16LE(40);
  const parts: Buffer[] = [];
  let at = cabinet.readUInt32LE(36);
  let dictionary: Buffer = Buffer.alloc(0);
  for (let block = 0; block < blocks; block++) {
    const packed = cabinet.readUInt16LE(at + 4);
    const plain = inflateRawSync(cabinet.subarray(at + 8 + 2, at + 8 + packed), { dictionary });
    parts.push(plain);
    dictionary = Buffer.concat([dictionary, plain]).subarray(-dictionaryBytes);
    at += 8 + packed;
  }
  return Buffer.concat(parts);
}
