// The bytes of a debug file, read where they are wanted. Debug files are as
// large as a gigabyte and a compiler needs most parts of one once, so parsers
// are given this and never a whole file.
//
// A debug file may be a part of a file: a universal binary of Apple's systems
// has one for each architecture. Such a part has a path of its own, which is
// the file's and, after a NUL, which no path has, where it begins and how long
// it is. So whatever passes paths on need not know of parts.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { ok, refuse, type Result } from "../config/problem.ts";

/** Bytes that can be read at any place. */
export type FileBytes = {
  /** How many there are. */
  readonly size: number;
  /** Fills all of `target` with what begins at `offset`; false when there is less than that, and `target` is then of no use. Throws what `fs` throws. */
  read(offset: number, target: Uint8Array): boolean;
};

/** A file that is open until it is closed. */
export type OpenFile = { readonly bytes: FileBytes; close(): void };

/** The bytes of an array. */
export function bytesOf(array: Uint8Array): FileBytes {
  return {
    size: array.length,
    read(offset, target) {
      if (!(offset >= 0 && offset + target.length <= array.length)) return false;
      target.set(array.subarray(offset, offset + target.length));
      return true;
    },
  };
}

/** The bytes of a part of others; null when it goes beyond them. */
export function partOf(bytes: FileBytes, offset: number, size: number): FileBytes | null {
  if (!(offset >= 0 && size >= 0 && offset + size <= bytes.size)) return null;
  return { size, read: (at, target) => at >= 0 && at + target.length <= size && bytes.read(offset + at, target) };
}

/** The path of a part of a file, for `openFile`. */
export function partPath(path: string, offset: number, size: number): string {
  return `${path}\0${offset}+${size}`;
}

/** The file that a path is of, or is of a part of. */
export function fileOfPath(path: string): string {
  return path.split("\0", 1)[0]!;
}

/** Opens a file, or a part of one. Refuses with `symbol_file_unreadable` (status 500: the disk's fault, another try may help). */
export function openFile(path: string): Result<OpenFile> {
  let descriptor = -1;
  try {
    const [file, part] = path.split("\0", 2);
    descriptor = openSync(file!, "r");
    const opened = descriptor;
    const whole = descriptorBytes(opened, fstatSync(opened).size);
    const [offset, length] = part === undefined ? [0, whole.size] : part.split("+").map(Number);
    const bytes = part === undefined ? whole : partOf(whole, offset!, length!);
    if (bytes !== null) return ok({ bytes, close: () => closeSync(opened) });
    closeSync(opened);
    return refuse(500, "symbol_file_unreadable", "The symbol file is shorter than it was.", "Try again once nobody writes to it.");
  } catch (error) {
    if (descriptor >= 0) closeSync(descriptor);
    return unreadable(error);
  }
}

/** The refusal for what `fs` threw; throws again what it did not throw. */
export function unreadable(error: unknown): { readonly ok: false; readonly problem: { status: number; code: string; message: string; hint: string } } {
  if (!(error instanceof Error && "syscall" in error)) throw error;
  return refuse(500, "symbol_file_unreadable", `The symbol file cannot be read: ${error.message}.`, "Look at the path, the disk and the file's permissions.");
}

/** Some bytes as a buffer of their own; null when the file ends before. */
export function readBytes(bytes: FileBytes, offset: number, length: number): Buffer | null {
  if (!(offset >= 0 && length >= 0 && offset + length <= bytes.size)) return null;
  const target = Buffer.allocUnsafe(length);
  return bytes.read(offset, target) ? target : null;
}

function descriptorBytes(descriptor: number, size: number): FileBytes {
  return {
    size,
    read(offset, target) {
      if (!(offset >= 0 && offset + target.length <= size)) return false;
      let filled = 0;
      while (filled < target.length) {
        const count = readSync(descriptor, target, filled, target.length - filled, offset + filled);
        // The file was cut while it was open.
        if (count === 0) return false;
        filled += count;
      }
      return true;
    },
  };
}
