// Stream 3 of a PDB, DBI: the modules that were linked, and where everything
// else is (LLVM's DbiStream.rst, microsoft-pdb's dbi.h and dbicommon.h).
//
//     header 64 bytes: age, streams, flags, machine, bytes of what follows
//     modules               one record for each object file
//     section contributions, section map, source files, type servers, EC
//     debug streams         u16 each: OMAP, section headers, frame data, …
//
// Source files are not read: the modules' own lines name them better.
// Compilers' type PDBs (vc140.pdb) have an empty DBI, so its absence is a value.
import { ok, type Result } from "../../config/problem.ts";
import { malformedPdb, type Msf } from "./msf.ts";

/** One linked object file. */
export type PdbModule = {
  /** Path of the object file, or what the linker calls it, such as `* Linker *` and `Import:KERNEL32.dll`. */
  readonly name: string;
  /** Its symbols and lines are in this stream; -1 when there are none. */
  readonly stream: number;
  /** Bytes of symbols at the stream's start, a signature of 4 among them. */
  readonly symbolBytes: number;
  /** Bytes of old line information after the symbols. */
  readonly c11Bytes: number;
  /** Bytes of C13 subsections after those. */
  readonly c13Bytes: number;
};

/** Numbers of the streams with tables of the whole image; -1 for those that are not there. */
export type DebugStreams = {
  /** FPO_DATA. */
  readonly fpo: number;
  /** Pairs (address in the finished image, address that the linker gave). */
  readonly omapToSource: number;
  /** Pairs the other way round. */
  readonly omapFromSource: number;
  /** Section headers of the finished image. */
  readonly sections: number;
  /** FRAMEDATA. */
  readonly frameData: number;
  /** Section headers as the linker wrote them, where a tool moved code afterwards. */
  readonly originalSections: number;
};

/** Where the section contributions are (contributions.ts). */
export type ContributionPlace = { readonly stream: number; readonly offset: number; readonly bytes: number };

/** What stream 3 says. */
export type Dbi = {
  /** The age that the program has for its PDB. */
  readonly age: number;
  /** Machine type as in a program's header: 0x14c x86, 0x8664 x64, 0xaa64 arm64. */
  readonly machine: number;
  /** True when private symbols were left out (`/PDBSTRIPPED`). */
  readonly isStripped: boolean;
  /** Version of the linker, such as 14.29; "" when it does not say. */
  readonly linker: string;
  readonly modules: readonly PdbModule[];
  readonly contributions: ContributionPlace;
  /** Stream of public symbols' index; -1 when there is none. */
  readonly publicStream: number;
  /** Stream of the records of global and public symbols; -1 when there is none. */
  readonly recordStream: number;
  readonly streams: DebugStreams;
};

const dbiStream = 3;
const headerBytes = 64;
/** Bytes of a module's record before its names. */
const moduleBytes = 64;
/** Modules of one program at most: a browser has a twentieth of it. */
const modulesMax = 1_000_000;
/** Bytes of their list. */
const modulesBytesMax = 512 * 1024 * 1024;
/** In place of a stream's number: there is none. */
const noStream = 0xffff;
/** In the header's flags. */
const strippedFlag = 2;
/** In the build number: it has a major and a minor version. */
const newBuildFlag = 0x8000;

/** Reads stream 3; the value is null when the PDB has none. Refuses with `malformed_pdb`. */
export function readDbi(msf: Msf): Result<Dbi | null> {
  const size = msf.size(dbiStream);
  if (size <= 0) return ok(null);
  const header = msf.read(dbiStream, 0, headerBytes);
  if (header === null) return malformedPdb(`its debug information (stream 3) has ${size} bytes, where a header of ${headerBytes} was expected`);
  if (header.readInt32LE(0) !== -1) return malformedPdb("its debug information (stream 3) does not begin with -1, so it is older than Visual C++ 5");
  // Modules, contributions, section map, sources, type servers, EC: in this order, the last two before debug streams.
  const sizes = [24, 28, 32, 36, 40, 52].map((at) => header.readUInt32LE(at));
  const debugStart = sizes.reduce((sum, bytes) => sum + bytes, headerBytes);
  const debugBytes = header.readUInt32LE(48);
  if (debugStart + debugBytes > size) return malformedPdb(`the parts of its debug information (stream 3) add up to ${debugStart + debugBytes} bytes, but it has ${size}`);
  const modules = readModules(sizes[0]! > modulesBytesMax ? null : msf.read(dbiStream, headerBytes, sizes[0]!));
  if (modules === null) return malformedPdb(`its list of modules, ${sizes[0]} bytes at offset ${headerBytes} of stream 3, does not end where a module does`);
  const build = header.readUInt16LE(14);
  return ok({
    age: header.readUInt32LE(8),
    machine: header.readUInt16LE(58),
    isStripped: (header.readUInt16LE(56) & strippedFlag) !== 0,
    linker: (build & newBuildFlag) === 0 ? "" : `${(build >> 8) & 0x7f}.${build & 0xff}`,
    modules,
    contributions: { stream: dbiStream, offset: headerBytes + sizes[0]!, bytes: sizes[1]! },
    publicStream: streamOf(header.readUInt16LE(16)),
    recordStream: streamOf(header.readUInt16LE(20)),
    streams: readDebugStreams(msf.read(dbiStream, debugStart, Math.min(debugBytes, 64)) ?? Buffer.alloc(0)),
  });
}

/** The modules; null when the bytes end within one, or cannot be read, or when there are more than any program has. */
function readModules(bytes: Buffer | null): PdbModule[] | null {
  if (bytes === null) return null;
  const modules: PdbModule[] = [];
  for (let at = 0; at < bytes.length; ) {
    const nameStart = at + moduleBytes;
    if (nameStart > bytes.length || modules.length === modulesMax) return null;
    const nameEnd = bytes.indexOf(0, nameStart);
    // The second name is that of the archive, or the first again.
    const archiveEnd = nameEnd < 0 ? -1 : bytes.indexOf(0, nameEnd + 1);
    if (archiveEnd < 0) return null;
    modules.push({
      name: bytes.toString("utf8", nameStart, nameEnd),
      stream: streamOf(bytes.readUInt16LE(at + 34)),
      symbolBytes: bytes.readUInt32LE(at + 36),
      c11Bytes: bytes.readUInt32LE(at + 40),
      c13Bytes: bytes.readUInt32LE(at + 44),
    });
    at = (archiveEnd + 4) & ~3;
  }
  return modules;
}

function readDebugStreams(bytes: Buffer): DebugStreams {
  const at = (index: number): number => (index * 2 + 2 <= bytes.length ? streamOf(bytes.readUInt16LE(index * 2)) : -1);
  return { fpo: at(0), omapToSource: at(3), omapFromSource: at(4), sections: at(5), frameData: at(9), originalSections: at(10) };
}

function streamOf(number: number): number {
  return number === noStream ? -1 : number;
}
