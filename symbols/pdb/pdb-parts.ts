// The parts of an open PDB that every reader of its records needs.
import { ok, type Result } from "../../config/problem.ts";
import type { FileBytes } from "../file-bytes.ts";
import type { Arch } from "../registers.ts";
import { type AddressMap, readAddressMap } from "./address-map.ts";
import { type Dbi, readDbi } from "./dbi.ts";
import { type Msf, openMsf } from "./msf.ts";
import { type PdbInfo, readPdbInfo } from "./pdb-info.ts";
import { readSourceNames, type SourceNames } from "./source-names.ts";

/** An open PDB that belongs to a program. */
export type PdbParts = {
  readonly msf: Msf;
  readonly info: PdbInfo;
  /** Null for a PDB without modules: what a compiler keeps its types in. */
  readonly dbi: Dbi | null;
  /** Null for a machine that cannot be walked. */
  readonly arch: Arch | null;
  /** Without sections where `dbi` is null. */
  readonly addresses: AddressMap;
  readonly names: SourceNames;
};

/** IMAGE_FILE_MACHINE_I386, _AMD64, _ARMNT and _ARM64. */
const archs: ReadonlyMap<number, Arch> = new Map([
  [0x14c, "x86"],
  [0x8664, "amd64"],
  [0x1c4, "arm"],
  [0xaa64, "arm64"],
]);

const noStreams = { fpo: -1, omapToSource: -1, omapFromSource: -1, sections: -1, frameData: -1, originalSections: -1 };

/** Opens the parts. Refuses like `openMsf`. */
export function openParts(bytes: FileBytes): Result<PdbParts> {
  const msf = openMsf(bytes);
  if (!msf.ok) return msf;
  const info = readPdbInfo(msf.value);
  if (!info.ok) return info;
  const dbi = readDbi(msf.value);
  if (!dbi.ok) return dbi;
  return ok({
    msf: msf.value,
    info: info.value,
    dbi: dbi.value,
    arch: archs.get(dbi.value?.machine ?? 0) ?? null,
    addresses: readAddressMap(msf.value, dbi.value?.streams ?? noStreams),
    names: readSourceNames(msf.value, info.value.streams.get("/names") ?? -1),
  });
}
