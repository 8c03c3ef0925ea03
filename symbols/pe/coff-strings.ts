// The string table behind a COFF symbol table: names that are longer than
// eight bytes, of symbols and of sections. Images of Microsoft's linker have
// neither; GCC's and LLVM's MinGW linkers leave both in.
import { type FileBytes, readBytes } from "../file-bytes.ts";

/** Bytes of one COFF symbol. */
export const coffSymbolBytes = 18;
/** Bytes of a table that is read; those of the largest programs have tens of megabytes. */
const tableBytesMax = 256 * 1024 * 1024;
/** Bytes of one name, at most; the longest of C++ templates have some thousands. */
export const nameBytesMax = 16 * 1024;
const none = Buffer.alloc(0);

/** The string table of one image, read when the first name is asked for. */
export class CoffStrings {
  private readonly file: FileBytes;
  private readonly at: number;
  private table: Buffer | null = null;

  /** `symbolOffset` 0 says that there is none. */
  constructor(file: FileBytes, symbolOffset: number, symbolCount: number) {
    this.file = file;
    this.at = symbolOffset === 0 ? file.size : symbolOffset + symbolCount * coffSymbolBytes;
  }

  /** The string at an offset, up to its NUL; null when it is not whole, or too long. */
  text(offset: number): string | null {
    this.table ??= this.read();
    if (!(offset >= 4 && offset < this.table.length)) return null;
    const head = this.table.subarray(offset, offset + nameBytesMax);
    const end = head.indexOf(0);
    return end < 0 ? null : head.toString("utf8", 0, end);
  }

  private read(): Buffer {
    const length = readBytes(this.file, this.at, 4)?.readUInt32LE(0) ?? 0;
    return readBytes(this.file, this.at, Math.min(length, this.file.size - this.at, tableBytesMax)) ?? none;
  }
}
