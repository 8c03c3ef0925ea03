// Bytes that lie in several files, as one. A program's split DWARF may be in
// thousands of `.dwo` files and gigabytes; what reads or sends them together
// must hold neither. One of the files is open at a time.
import type { FileBytes, OpenFile } from "./file-bytes.ts";
import { openFile } from "./file-bytes.ts";

/** Bytes in memory, or those of a file that was so long when it was looked at. */
export type Piece = Uint8Array | { readonly path: string; readonly size: number };

/** The pieces one after the other. A read is false as well when a file is gone, or shorter than it was. */
export function joinPieces(pieces: readonly Piece[]): OpenFile {
  return new JoinedPieces(pieces);
}

class JoinedPieces implements OpenFile {
  readonly bytes: FileBytes;
  private readonly pieces: readonly Piece[];
  /** Where each piece begins. */
  private readonly starts: Float64Array;
  private opened: OpenFile | null = null;
  private openedIndex = -1;

  constructor(pieces: readonly Piece[]) {
    this.pieces = pieces;
    this.starts = new Float64Array(pieces.length);
    let size = 0;
    for (const [i, piece] of pieces.entries()) {
      this.starts[i] = size;
      size += lengthOf(piece);
    }
    this.bytes = { size, read: (offset, target) => offset >= 0 && offset + target.length <= size && this.read(offset, target) };
  }

  close(): void {
    this.opened?.close();
    this.opened = null;
    this.openedIndex = -1;
  }

  private read(offset: number, target: Uint8Array): boolean {
    let filled = 0;
    for (let i = this.indexAt(offset); filled < target.length; i++) {
      const piece = this.pieces[i]!;
      const start = offset + filled - this.starts[i]!;
      const part = target.subarray(filled, Math.min(target.length, filled + lengthOf(piece) - start));
      if (piece instanceof Uint8Array) part.set(piece.subarray(start, start + part.length));
      else if (part.length > 0 && this.fileAt(i, piece.path)?.read(start, part) !== true) return false;
      filled += part.length;
    }
    return true;
  }

  /** The last piece that begins at the offset or before it. */
  private indexAt(offset: number): number {
    let low = 0;
    let high = this.pieces.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  private fileAt(index: number, path: string): FileBytes | null {
    if (index !== this.openedIndex) {
      this.close();
      const file = openFile(path);
      if (!file.ok) return null;
      this.opened = file.value;
      this.openedIndex = index;
    }
    return this.opened!.bytes;
  }
}

function lengthOf(piece: Piece): number {
  return piece instanceof Uint8Array ? piece.length : piece.size;
}
