// LC_FUNCTION_STARTS: where each function begins, named or not. Stripping takes
// the names of private functions and leaves this, so that a function without a
// name is not taken for the one before it.
//
// A list of differences (unsigned LEB128), the first from the module's base, up
// to a zero. On 32-bit ARM the lowest bit says that the function is Thumb.
import { Uint32List } from "../cache/growable-array.ts";
import { readBytes } from "../file-bytes.ts";
import { cpu } from "./codes.ts";
import type { MachImage } from "./image.ts";

/** Bytes of the list that are read, each a function at most; those of the largest programs have a few million. */
const listBytesMax = 16 * 1024 * 1024;

/** The first addresses of functions, ascending, relative to the module's base; empty when the file does not have them. */
export function readFunctionStarts({ bytes, header, commands }: MachImage): Uint32Array {
  const range = commands.functionStarts;
  const data = range === null ? null : readBytes(bytes, range.offset, Math.min(range.size, listBytesMax, Math.max(0, bytes.size - range.offset)));
  const starts = new Uint32List();
  if (data === null) return starts.view();
  const mask = header.cpu === cpu.arm ? ~1 : ~0;
  let address = 0;
  let delta = 0;
  let scale = 1;
  for (const byte of data) {
    delta += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte >= 0x80) continue;
    address += delta;
    // The end; and what is beyond a cache's addresses, as everything after it.
    if (delta === 0 || !(address < 0xffffffff)) break;
    starts.push((address & mask) >>> 0);
    delta = 0;
    scale = 1;
  }
  return starts.view();
}
