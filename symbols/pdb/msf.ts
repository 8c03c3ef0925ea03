// The container of a PDB: Microsoft's "multi-stream file", a file system of
// numbered streams in one file. Version 7.00 (LLVM's MsfFile.rst and
// microsoft-pdb's msf.cpp are the sources of the facts here):
//
//     page 0          superblock: page size, pages, bytes of the directory, and
//                     the pages that hold the list of the directory's pages
//     pages 1, 2, …   maps of free pages, which a reader needs not
//     the directory   count of streams, bytes of each, then the pages of each
//
// A stream's pages lie anywhere, but linkers mostly write them in runs, so
// pages that follow each other are read at once. Only the directory is held:
// a megabyte for a PDB of a gigabyte.
//
// Bounds: no two streams share a page in a file that a linker wrote, so a
// directory that names more pages than the file has is refused. With that no
// file can make a reader take more bytes than a small multiple of its own.
import { ok, type Problem, refuse, type Result } from "../../config/problem.ts";
import { type FileBytes, readBytes } from "../file-bytes.ts";

/** An open container. */
export type Msf = {
  /** How many streams the directory has; numbers from 0. */
  readonly streamCount: number;
  /** Bytes of a stream; -1 for one that is absent, which is another thing than empty. */
  size(stream: number): number;
  /** Some bytes of a stream in a buffer of their own; null where the stream, or the file, has less. Throws what `fs` throws. */
  read(stream: number, offset: number, length: number): Buffer | null;
  /** Like `read`, into all of a buffer that the caller has; false where there is less. */
  readInto(stream: number, offset: number, target: Uint8Array): boolean;
};

const magic = "Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0";
/** What PDBs were up to Visual C++ 6. */
const oldMagic = "Microsoft C/C++ program database 2.00";
/** The compressed container of newer Microsoft tools. */
const compressedMagic = "Microsoft MSFZ Container";
/** The metadata root of .NET, which begins a portable PDB. */
const portableMagic = "BSJB";

/** Bytes that the superblock has before the list of pages. */
const superblockBytes = 52;
/** The directory's size of a stream that does not exist. */
const absentSize = 0xffffffff;
const pageBytesMin = 512;
const pageBytesMax = 32_768;

const damagedHint = "Upload the PDB as the linker wrote it; a copy that was cut or changed on its way cannot be used.";

/** Whether a file that begins like this (64 bytes suffice) is a PDB of any kind, also of one that cannot be read. */
export function isPdb(head: Buffer): boolean {
  return [magic, oldMagic, compressedMagic, portableMagic].some((text) => head.subarray(0, text.length).equals(Buffer.from(text, "latin1")));
}

/** The refusal for a PDB that cannot be what it says. */
export function malformedPdb(message: string): { readonly ok: false; readonly problem: Problem } {
  return refuse(400, "malformed_pdb", `The PDB is damaged: ${message}.`, damagedHint);
}

/** Opens a container. Refuses with `malformed_pdb`, or, for what is called PDB but is another format, with `pdb_2`, `portable_pdb` or `compressed_pdb`. */
export function openMsf(bytes: FileBytes): Result<Msf> {
  const head = readBytes(bytes, 0, Math.min(bytes.size, 64))!;
  const text = head.toString("latin1");
  if (!text.startsWith(magic)) return refuseOther(text);
  const block = readBytes(bytes, 0, superblockBytes);
  if (block === null) return malformedPdb(`it ends at byte ${bytes.size}, in its superblock of ${superblockBytes} bytes`);
  const pageBytes = block.readUInt32LE(32);
  const pages = block.readUInt32LE(40);
  const directoryBytes = block.readUInt32LE(44);
  if (pageBytes < pageBytesMin || pageBytes > pageBytesMax || (pageBytes & (pageBytes - 1)) !== 0) {
    return malformedPdb(`the page size at offset 32 is ${pageBytes}, where a power of two from ${pageBytesMin} to ${pageBytesMax} was expected`);
  }
  if (pages * pageBytes - bytes.size >= pageBytes) return malformedPdb(`it says at offset 40 that it has ${pages} pages of ${pageBytes} bytes, but it ends at byte ${bytes.size}, so part of it is missing`);
  const container = new PagedContainer(bytes, pageBytes);
  const directory = readDirectory(container, directoryBytes);
  return directory.ok ? container.open(directory.value) : directory;
}

/** The words of the stream directory. */
function readDirectory(container: PagedContainer, directoryBytes: number): Result<Uint32Array> {
  const { pageBytes, bytes } = container;
  if (directoryBytes < 4 || directoryBytes > bytes.size) return malformedPdb(`the directory's size at offset 44 is ${directoryBytes} bytes, in a file of ${bytes.size}`);
  const directoryPages = Math.ceil(directoryBytes / pageBytes);
  const mapPages = Math.ceil((directoryPages * 4) / pageBytes);
  const listed = readBytes(bytes, superblockBytes, mapPages * 4);
  if (listed === null || superblockBytes + mapPages * 4 > pageBytes) return malformedPdb(`the list of the directory's pages at offset ${superblockBytes} does not fit into the first page`);
  const map = new Uint32Array(mapPages);
  for (let i = 0; i < mapPages; i++) map[i] = listed.readUInt32LE(i * 4);
  const pageList = new Uint32Array(directoryPages);
  if (!container.readPages(map, 0, 0, new Uint8Array(pageList.buffer))) return malformedPdb(`the list of the directory's pages, which offset ${superblockBytes} points to, is beyond the file's end`);
  const words = new Uint32Array(directoryBytes >>> 2);
  if (!container.readPages(pageList, 0, 0, new Uint8Array(words.buffer))) return malformedPdb("a page of the stream directory is beyond the file's end");
  return ok(words);
}

class PagedContainer {
  readonly bytes: FileBytes;
  readonly pageBytes: number;

  constructor(bytes: FileBytes, pageBytes: number) {
    this.bytes = bytes;
    this.pageBytes = pageBytes;
  }

  /** Makes the streams from the words of the directory. */
  open(words: Uint32Array): Result<Msf> {
    const { bytes, pageBytes } = this;
    const count = words[0]!;
    if (count >= words.length) return malformedPdb(`its directory of ${words.length * 4} bytes says that it has ${count} streams`);
    /** By stream: index into `words` of its first page. */
    const firstPage = new Uint32Array(count + 1);
    const pagesMax = Math.ceil(bytes.size / pageBytes);
    let next = count + 1;
    for (let stream = 0; stream < count; stream++) {
      firstPage[stream] = next;
      const size = words[stream + 1]!;
      if (size === absentSize) continue;
      next += Math.ceil(size / pageBytes);
      // Stream 0, an old directory, may name pages that others have by now; all others are disjoint.
      if (next > words.length || next - count - 1 > 2 * pagesMax) return malformedPdb(`stream ${stream} of ${count} is said to have ${size} bytes, more than the directory has pages for`);
    }
    firstPage[count] = next;
    const size = (stream: number): number => {
      const stored = stream >= 0 && stream < count ? words[stream + 1]! : absentSize;
      return stored === absentSize ? -1 : stored;
    };
    const readInto = (stream: number, offset: number, target: Uint8Array): boolean => {
      if (!(offset >= 0 && offset + target.length <= size(stream))) return false;
      return this.readPages(words, firstPage[stream]!, offset, target);
    };
    const read = (stream: number, offset: number, length: number): Buffer | null => {
      if (!(offset >= 0 && length >= 0 && offset + length <= size(stream))) return null;
      const target = Buffer.allocUnsafe(length);
      return readInto(stream, offset, target) ? target : null;
    };
    return ok({ streamCount: count, size, read, readInto });
  }

  /** Fills `target` from `offset` on of what lies on the pages that `list` names from `first` on; pages that follow each other in one read. */
  readPages(list: Uint32Array, first: number, offset: number, target: Uint8Array): boolean {
    const { bytes, pageBytes } = this;
    let index = first + Math.floor(offset / pageBytes);
    let within = offset % pageBytes;
    let filled = 0;
    while (filled < target.length) {
      const page = list[index]!;
      let run = pageBytes - within;
      index++;
      while (run < target.length - filled && list[index] === list[index - 1]! + 1) {
        run += pageBytes;
        index++;
      }
      const part = Math.min(run, target.length - filled);
      if (!bytes.read(page * pageBytes + within, target.subarray(filled, filled + part))) return false;
      filled += part;
      within = 0;
    }
    return true;
  }
}

/** The refusal for a file that is no container of version 7.00. */
function refuseOther(text: string): { readonly ok: false; readonly problem: Problem } {
  if (text.startsWith(oldMagic)) {
    return refuse(400, "pdb_2", "This is a PDB of Visual C++ 6 or older (program database 2.00), whose format has no GUID that a crash could name.", "Build the plugin with a newer compiler.");
  }
  if (text.startsWith(compressedMagic)) {
    return refuse(400, "compressed_pdb", "This is a PDB in Microsoft's compressed container (MSFZ), which Deadair does not read.", "Upload the PDB as the linker wrote it; `pdbtool` of microsoft/pdb-rs unpacks one.");
  }
  if (text.startsWith(portableMagic)) {
    return refuse(400, "portable_pdb", "This is a portable PDB, which belongs to a .NET program; Deadair reads native code only.", "Choose the PDB that the linker wrote beside the plugin's DLL.");
  }
  return malformedPdb(`it does not begin with "${magic.trim().slice(0, 24)}"`);
}
