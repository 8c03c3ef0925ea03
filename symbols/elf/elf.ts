// Programs and libraries of Linux and its relatives, and their debug files.
//
// What: an ELF file in (image.ts), names, lines and unwind rows out
// (cache/module-builder.ts). Why: on Linux all of a crash's answers are in
// files of this one format, in one or in several. A build as the compiler left
// it has everything; what is shipped is stripped, keeps how to unwind, and
// names the `.debug` file that has the rest; dwz and -gsplit-dwarf move parts on.
//
// What is in it, and who reads it:
//
//     headers, sections, segments         image.ts, codes.ts
//     build id, Android's mark            notes.ts, ids.ts
//     own name, symbols without sections  dynamic.ts
//     .symtab, .dynsym                    symbol-table.ts, symbol-names.ts
//     .gnu_debugdata                      symbols.ts, ../xz/
//     DWARF, compressed or not            debug-sections.ts, ../dwarf/
//     .eh_frame, .debug_frame             frames.ts, ../dwarf/frames.ts
//     .ARM.exidx, .ARM.extab              arm-exidx.ts
//     what it is good for                 facts.ts
//
// Steps: headers decide what the file is and what it holds (`facts`); tables are
// read when a module is compiled. DWARF names come first; the symbol tables name
// what it leaves out, such as assembly and code of others.
//
// A package of split DWARF is an ELF file too and is handed on (../dwarf/dwp.ts).
// Object files and single .dwo files are refused, since their addresses are not
// those of any crash, and core dumps, since they are crashes.
//
// Limits: 8192 sections and segments; addresses below 4 GiB from the module's
// base; a section of DWARF up to 1 GiB, in memory as a whole. Work is bounded by
// the bytes of the file.
//
// To add an architecture: its number in codes.ts, its name and file of registers
// in facts.ts.
import { ok, refuse, type Result } from "../../config/problem.ts";
import type { ModuleBuilder } from "../cache/module-builder.ts";
import type { DebugFile } from "../debug-file.ts";
import type { DwarfCompanions } from "../dwarf/companions.ts";
import { addDwarfNames } from "../dwarf/dwarf.ts";
import { openDwp } from "../dwarf/dwp.ts";
import type { FileBytes } from "../file-bytes.ts";
import { fileType } from "./codes.ts";
import { elfDwarf } from "./debug-sections.ts";
import { elfArch, elfFacts, isSupplement } from "./facts.ts";
import { addArmTables, addElfFrames } from "./frames.ts";
import { type ElfImage, readElfImage } from "./image.ts";
import { addElfSymbols } from "./symbols.ts";

/** Whether a file that begins like this is an ELF file. */
export function isElf(head: Buffer): boolean {
  return head.toString("latin1", 0, 4) === "\x7fELF";
}

/** Opens a program, library or debug file. Refuses with `malformed_elf`, `object_file`, `split_dwarf` or `core_file`. */
export function openElf(bytes: FileBytes): Result<DebugFile> {
  const opened = readElfImage(bytes);
  if (!opened.ok) return opened;
  const image = opened.value;
  const isPackage = image.section(".debug_cu_index") !== null;
  if (isPackage && image.section(".debug_info") === null) return ok(openDwp(image));
  const refused = refusalOf(image);
  if (refused !== null) return refused;
  const facts = elfFacts(image);
  return ok({
    facts,
    addNames: (builder, companions) => addNames(image, builder, companions),
    addUnwind: (builder) => addUnwind(image, builder),
    dwarf: (builder) => elfDwarf(image, builder),
    // objcopy can put a package into the file that has the skeletons.
    ...(isPackage ? { split: openDwp(image).split! } : {}),
  });
}

/** Why a file is none that belongs to a module; null when it may. */
function refusalOf(image: ElfImage): Result<never> | null {
  const { type } = image.headers;
  if (type === fileType.core) return refuse(400, "core_file", "The file is a core dump, not a program.", "Upload the program and its .debug file; crashes are sent as minidumps.");
  if (image.section(".debug_info.dwo") !== null && image.section(".debug_cu_index") === null) {
    return refuse(400, "split_dwarf", "The file is the split-off debug information (.dwo) of one object file, and does not say which program that went into.", "Upload the program with `deadair symbols upload`, which finds its .dwo files and sends them with it.");
  }
  if (type !== fileType.relocatable || (isSupplement(image) && (image.section(".debug_info") !== null || image.section(".debug_str") !== null))) return null;
  return refuse(400, "object_file", "The file is an object file, which the linker makes programs of; its addresses are not those of a crash.", "Upload the linked program or library.");
}

function addNames(image: ElfImage, builder: ModuleBuilder, companions: DwarfCompanions | undefined): Result<null> {
  if (isSupplement(image)) return ok(null);
  if (image.section(".debug_info") !== null) {
    const added = addDwarfNames(elfDwarf(image, builder), builder, companions);
    // Its other names are no worse for it.
    if (!added.ok) builder.warn(added.problem.code);
  }
  addElfSymbols(image, builder);
  return ok(null);
}

function addUnwind(image: ElfImage, builder: ModuleBuilder): Result<null> {
  const arch = elfArch(image);
  if (arch !== null) addElfFrames(image, arch, builder);
  if (arch === "arm") addArmTables(image, builder);
  return ok(null);
}
