// The handle data stream of Windows: what the process had open.
// Layouts are those of MINIDUMP_HANDLE_DESCRIPTOR and _2 (minidumpapiset.h).
import type { ByteSource } from "./byte-source.ts";
import { extendedList, type Location } from "./directory.ts";
import type { DumpHandle } from "./model.ts";

/** Bytes of a descriptor, and of one that also points at what is known of the object. */
const DESCRIPTOR_BYTES = 32;
const DESCRIPTOR_2_BYTES = 40;
/** Handles read of one dump; a process rarely has more than a few thousand. */
const HANDLES_MAX = 65_536;
/** Pieces of information read of one object; six kinds exist. */
const OBJECT_INFOS_MAX = 16;

/** Reads all handles; null when the stream is damaged. */
export function readHandles(source: ByteSource, stream: Location): DumpHandle[] | null {
  const list = extendedList(source, stream, DESCRIPTOR_BYTES);
  if (!list) return null;
  const handles: DumpHandle[] = [];
  for (let i = 0; i < Math.min(list.count, HANDLES_MAX); i++) {
    const at = list.first + i * list.stride;
    handles.push({
      handle: source.u64(at),
      typeName: nameAt(source, source.u32(at + 8)),
      objectName: nameAt(source, source.u32(at + 12)),
      attributes: source.u32(at + 16),
      grantedAccess: source.u32(at + 20),
      handleCount: source.u32(at + 24),
      pointerCount: source.u32(at + 28),
      objectInfo: list.stride < DESCRIPTOR_2_BYTES ? [] : objectInfos(source, source.u32(at + 32)),
    });
  }
  return handles;
}

function nameAt(source: ByteSource, rva: number): string | null {
  return rva === 0 ? null : source.string(rva);
}

/** A chain of MINIDUMP_HANDLE_OBJECT_INFORMATION: the next one's offset, kind, and bytes that follow. */
function objectInfos(source: ByteSource, first: number): DumpHandle["objectInfo"] {
  if (first === 0) return [];
  const infos: { type: number; rva: number; size: number }[] = [];
  for (let at = first; at !== 0 && infos.length < OBJECT_INFOS_MAX && source.holds(at, 12); at = source.u32(at)) {
    const size = source.u32(at + 8);
    if (!source.holds(at + 12, size)) break;
    infos.push({ type: source.u32(at + 4), rva: at + 12, size });
  }
  return infos;
}
