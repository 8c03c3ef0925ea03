// A moving window over a stream that is read in ascending order, so that a
// stream of any size needs one buffer.
import type { Msf } from "./msf.ts";

/** Bytes that are read at a time. */
const windowBytes = 1024 * 1024;

/** The part of a stream that is in memory. */
export class StreamWindow {
  /** The bytes; the window's owner may change them. Another array when a record is longer than the window. */
  bytes: Buffer = Buffer.alloc(0);
  /** Bytes of the stream; 0 when it is absent. */
  readonly size: number;
  private readonly msf: Msf;
  private readonly stream: number;
  private start = 0;
  private end = 0;

  constructor(msf: Msf, stream: number) {
    this.msf = msf;
    this.stream = stream;
    this.size = Math.max(0, msf.size(stream));
  }

  /** Makes sure that some bytes are in the window, and returns their place in `bytes`; -1 when the stream does not have them. */
  hold(offset: number, length: number): number {
    if (offset >= this.start && offset + length <= this.end) return offset - this.start;
    if (offset + length > this.size) return -1;
    const part = Math.min(this.size - offset, Math.max(windowBytes, length));
    if (this.bytes.length < part) this.bytes = Buffer.allocUnsafe(part);
    if (!this.msf.readInto(this.stream, offset, this.bytes.subarray(0, part))) return -1;
    this.start = offset;
    this.end = offset + part;
    return 0;
  }
}
