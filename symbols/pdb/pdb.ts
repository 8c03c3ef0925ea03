// Program databases: what Microsoft's and LLVM's linkers write beside a
// Windows program, and what most plugin crashes are named by.
//
// What: functions, lines and inlined calls of a module (and on 32-bit x86 how
// to unwind it) into the module's builder. Why natively: people have the PDB
// at hand, not a `.sym` file, and dump_syms needs Windows, or another tool, and
// prints what a walker must parse again.
//
// The steps of an upload or a compile:
//
//  1. msf.ts       the container: numbered streams, by pages
//  2. pdb-info.ts  GUID, named streams; dbi.ts  age, machine, modules
//  3. facts.ts     what it holds and lacks, for whoever uploads it
//  4. publics.ts   the linker's names, which functions then refer to
//  5. names-pass.ts  modules one at a time: functions, lines, inlined calls;
//                  their names from types (type-names.ts)
//  6. public symbols where no function is, up to the end of what their object
//     file contributed (contributions.ts)
//  7. frame-data.ts  frame programs of x86
//
// All addresses go through address-map.ts, which knows sections and code that
// was moved after linking.
//
// Two ages: the id that a crash has is GUID and the *DBI's* age, which is what
// the linker wrote into the program. The age of stream 1 grows with every tool
// that touches the PDB afterwards, and an id made with it matches nothing.
//
// Limits: what a PDB says beyond 4 GiB of addresses does not exist. Memory is
// the cache that is made, the stream directory (a megabyte for a gigabyte of
// PDB), `/names`, offsets of type records, and one module; a window of a
// megabyte moves over everything else. A damaged part is left out and counted
// in the builder's warnings, by reason; only what makes the whole useless
// (container, streams 1 and 3) is refused. Managed code (portable PDBs,
// S_GMANPROC) is not read.
//
// To extend: a record of modules belongs into function-records.ts, a subsection
// of lines into subsections.ts, another table of the whole image gets its number
// in dbi.ts and a file of its own.
import { ok, refuse, type Result } from "../../config/problem.ts";
import type { ModuleBuilder } from "../cache/module-builder.ts";
import type { DebugFile } from "../debug-file.ts";
import type { FileBytes } from "../file-bytes.ts";
import type { AddressSet } from "./address-set.ts";
import { forEachCodeEnd } from "./contributions.ts";
import type { Dbi } from "./dbi.ts";
import { pdbFacts } from "./facts.ts";
import { addFrameData } from "./frame-data.ts";
import { malformedPdb } from "./msf.ts";
import { addPdbFunctions } from "./names-pass.ts";
import { openParts, type PdbParts } from "./pdb-parts.ts";
import { type Publics, readPublics } from "./publics.ts";

/** Opens a PDB. Refuses with `malformed_pdb`, or with `pdb_2`, `compressed_pdb` or `portable_pdb` for what is called PDB but is another format. */
export function openPdb(bytes: FileBytes): Result<DebugFile> {
  const parts = openParts(bytes);
  if (!parts.ok) return parts;
  return ok({
    facts: pdbFacts(parts.value),
    addNames: (builder) => addNames(parts.value, builder),
    addUnwind: (builder) => {
      if (parts.value.arch === "x86") addFrameData(parts.value, builder);
      return ok(null);
    },
  });
}

function addNames(parts: PdbParts, builder: ModuleBuilder): Result<null> {
  if (parts.dbi === null) return refuse(400, "pdb_without_program", "This PDB has types only and belongs to no program.", "Upload the PDB that the linker wrote beside the plugin's DLL.");
  if (parts.addresses.sectionCount === 0) return malformedPdb("it has no section headers, so nothing in it has an address");
  const publics = readPublics(parts, builder.strings);
  addPublics(publics, addPdbFunctions(parts, publics, builder), builder);
  // Where code was moved these ends are the linker's, and nobody knows those of the image.
  if (!parts.addresses.isMoved) endPublics(parts, parts.dbi, builder);
  return ok(null);
}

/** Ends public symbols where their section or their object file's part of it does. */
function endPublics({ msf, addresses }: PdbParts, dbi: Dbi, builder: ModuleBuilder): void {
  for (let section = 1; section <= addresses.sectionCount; section++) builder.endPublics(addresses.sectionEnd(section));
  if (!forEachCodeEnd(msf, dbi.contributions, addresses, (end) => builder.endPublics(end))) builder.warn("unknownContributions");
}

/** Adds the public symbols, but for those where a function begins, which has their spelling and leaves them no address. */
function addPublics({ count, rva, name, parameterBytes }: Publics, functions: AddressSet, builder: ModuleBuilder): void {
  for (let i = 0; i < count; i++) if (!functions.has(rva[i]!)) builder.addPublic(rva[i]!, name[i]!, parameterBytes[i]!);
}
