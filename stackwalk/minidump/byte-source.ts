// Where a dump's bytes come from: memory, or an open file that is read in
// small pieces. A minidump can be 256 MB and an ingest wants a few kilobytes
// of it, so nothing here ever reads a whole file.
import { fstatSync, readSync } from "node:fs";

/** Random access to bytes that do not change while they are read. */
export type ByteSource = {
  /** Bytes there are. */
  readonly size: number;
  /** Up to `length` bytes from `offset`: fewer at the end, none past it. */
  read(offset: number, length: number): Uint8Array;
};

/** A source over bytes in memory. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read(offset, length) {
      const start = Math.min(Math.max(offset, 0), bytes.length);
      return bytes.subarray(start, Math.min(start + Math.max(length, 0), bytes.length));
    },
  };
}

/** A source over an open file, which the caller closes. Throws only what `fs` throws: a failing disk is no property of the dump. */
export function fileSource(fd: number): ByteSource {
  const { size } = fstatSync(fd);
  return {
    size,
    read(offset, length) {
      const start = Math.min(Math.max(offset, 0), size);
      const bytes = Buffer.alloc(Math.min(Math.max(length, 0), size - start));
      let got = 0;
      while (got < bytes.length) {
        const n = readSync(fd, bytes, got, bytes.length - got, start + got);
        // The file shrank under us; what was read stands.
        if (n === 0) break;
        got += n;
      }
      return bytes.subarray(0, got);
    },
  };
}
