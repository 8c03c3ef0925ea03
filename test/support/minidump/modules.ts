// The modules of synthetic dumps with the records that name their debug files.
import { DumpWriter, type Place } from "./dump-writer.ts";

/** Systems that a dump can come from. */
export type SyntheticOs = "windows" | "linux" | "mac" | "android" | "ios";

/** A module of a synthetic dump. */
export type SyntheticModule = {
  /** Path of the file, such as `C:\VST3\Gain.vst3`. */
  readonly name: string;
  readonly base: number;
  /** Defaults to 1 MiB. */
  readonly size?: number;
  /** Name of the debug file, for an RSDS record. Defaults to the module's name. An ELF build id has none of its own. */
  readonly debugFile?: string;
  /** Breakpad debug id: 32 hex digits and an age. None writes no debug record, so that no symbols can be found. */
  readonly debugId?: string;
  /** ELF build id in hex, instead of `debugId`; only sensible on Linux. */
  readonly buildId?: string;
  /** Name of a .dbg file, for a miscellaneous record of before 2000. */
  readonly miscFile?: string;
  /** A ready-made CodeView record, for records that are wrong on purpose. */
  readonly codeView?: Uint8Array;
  /** `a.b.c.d`. */
  readonly version?: string;
  /** Link time, part of a PE's code id. Defaults to 0x60000000. */
  readonly timestamp?: number;
};

const nowhere: Place = { rva: 0, size: 0 };

/** Where a module's name and debug records lie. */
type ModuleParts = { readonly name: number; readonly codeView: Place; readonly misc: Place };

function writeModuleParts(out: DumpWriter, module: SyntheticModule, os: SyntheticOs): ModuleParts {
  const name = out.string(module.name);
  const record = module.codeView ?? codeViewRecord(module, os, out.little);
  return { name, codeView: record ? out.blob(record) : nowhere, misc: module.miscFile === undefined ? nowhere : writeMisc(out, module.miscFile) };
}

/** IMAGE_DEBUG_MISC: kind, length, whether the name is of 16-bit characters. */
function writeMisc(out: DumpWriter, name: string): Place {
  const bytes = Buffer.from(`${name}\0`);
  const rva = out.record([1, 12 + bytes.length, 0]);
  out.raw(bytes);
  return { rva, size: 12 + bytes.length };
}

/** The CodeView record for a module's ids; null when it has none. */
function codeViewRecord(module: SyntheticModule, os: SyntheticOs, little: boolean): Uint8Array | null {
  const record = new DumpWriter(little);
  if (module.buildId !== undefined) return record.ascii("LEpB").raw(Buffer.from(module.buildId, "hex")).bytes();
  if (module.debugId === undefined) return null;
  const guid = Buffer.from(module.debugId.slice(0, 32), "hex");
  const parts = new DataView(guid.buffer, guid.byteOffset, 16);
  if (os === "linux" || os === "android") {
    // A build id's first sixteen bytes are read as a little-endian GUID.
    const id = new DumpWriter(true).u32(parts.getUint32(0)).u16(parts.getUint16(4)).u16(parts.getUint16(6)).raw(guid.subarray(8));
    return record.ascii("LEpB").raw(id.bytes()).bytes();
  }
  record.ascii("RSDS").u32(parts.getUint32(0)).u16(parts.getUint16(4)).u16(parts.getUint16(6)).raw(guid.subarray(8));
  record.u32(Number.parseInt(module.debugId.slice(32), 16) || 0);
  return record.raw(Buffer.from(`${module.debugFile ?? module.name}\0`)).bytes();
}

/** Writes the module list, behind the names and records that it points at. */
export function writeModules(out: DumpWriter, modules: readonly SyntheticModule[], os: SyntheticOs): number {
  const places = modules.map((module) => writeModuleParts(out, module, os));
  const rva = out.record([modules.length]);
  for (const [i, module] of modules.entries()) {
    const place = places[i];
    out.u64(module.base).words([module.size ?? 0x10_0000, 0, module.timestamp ?? 0x6000_0000, place?.name ?? 0]);
    out.words(versionInfo(module.version));
    out.words([place?.codeView.size ?? 0, place?.codeView.rva ?? 0, place?.misc.size ?? 0, place?.misc.rva ?? 0, 0, 0, 0, 0]);
  }
  return rva;
}

/** VS_FIXEDFILEINFO: thirteen words. */
function versionInfo(version: string | undefined): number[] {
  const words = Array.from({ length: 13 }, () => 0);
  if (version === undefined) return words;
  const [a = 0, b = 0, c = 0, d = 0] = version.split(".").map(Number);
  words.splice(0, 4, 0xfeef04bd, 0x0001_0000, a * 0x1_0000 + b, c * 0x1_0000 + d);
  return words;
}

/** Writes the unloaded module list, behind its names. */
export function writeUnloaded(out: DumpWriter, modules: readonly SyntheticModule[]): number {
  const names = modules.map((module) => out.string(module.name));
  const rva = out.record([12, 24, modules.length]);
  for (const [i, module] of modules.entries()) out.u64(module.base).words([module.size ?? 0x10_0000, 0, module.timestamp ?? 0x6000_0000, names[i] ?? 0]);
  return rva;
}
