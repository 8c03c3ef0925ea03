// Programs and libraries of Apple's systems, and the dSYMs that go with them.
//
// What: a thin Mach-O file in (image.ts), names and unwind rows out
// (cache/module-builder.ts). Why: on macOS and iOS the program has the unwind
// data and the dSYM the names, both with the UUID that the linker gave, so a
// module's cache is compiled from both. A universal binary has a file for each
// architecture, and each is a module of its own (fat.ts, ../file-parts.ts).
//
// What is in it, and who reads it:
//
//     header, load commands, sections   image.ts, load-commands.ts
//     system, SDK and linker            build-target.ts
//     DWARF, __eh_frame                 debug-sections.ts, ../dwarf/
//     __unwind_info                     compact-unwind.ts
//     symbol table                      symbol-table.ts, name-taker.ts
//     where functions begin             function-starts.ts
//     exported names                    export-trie.ts
//
// Steps: header and load commands decide what the file is and what it holds
// (facts.ts), without any table being read; tables are read when a module is
// compiled.
//
// A function without DWARF has the name of the symbol table. Linkers write a
// list of all functions too, so that one whose name was stripped has none,
// rather than its neighbour's.
//
// Not needed for that: what the loader binds and rebases, code signatures, and
// the private halves of Objective-C and Swift metadata. arm64e differs from
// arm64 in how pointers are signed, which is the walker's business; in the file
// addresses are plain.
//
// Limits: addresses up to 4 GiB past the module's base; 255 sections, as symbols
// can name no more; a section of DWARF up to 1 GiB, in memory as a whole. Object
// files, core dumps and static libraries are refused. What Apple's store
// encrypted cannot be read, and is said to be so.
//
// To add an architecture: a number in `cpu` (codes.ts), its name in `archOf`
// (facts.ts), and how it unwinds in `addUnwind` below.
import { ok, refuse, type Result } from "../../config/problem.ts";
import type { ModuleBuilder } from "../cache/module-builder.ts";
import type { DebugFile } from "../debug-file.ts";
import type { DwarfCompanions } from "../dwarf/companions.ts";
import { addFrames } from "../dwarf/frames.ts";
import { type FileBytes, readBytes } from "../file-bytes.ts";
import type { Arch } from "../registers.ts";
import { magic } from "./codes.ts";
import { addCompactUnwind } from "./compact-unwind.ts";
import { addDebugFrames, addMachDwarf, exceptionFrames, readSection } from "./debug-sections.ts";
import { archOf, isDsym, machFacts } from "./facts.ts";
import { fatParts, isFat } from "./fat.ts";
import { readFunctionStarts } from "./function-starts.ts";
import { codeEndOf, type MachImage, readCode, readMachImage } from "./image.ts";
import { addMachSymbols } from "./symbol-table.ts";

const thin: readonly number[] = [magic.thin32, magic.thin64, magic.swapped32, magic.swapped64];

/** Whether a file that begins like this is a Mach-O file, thin or universal. */
export function isMachO(head: Buffer): boolean {
  return isFat(head) || (head.length >= 4 && thin.includes(head.readUInt32BE(0)));
}

/** Opens a program, library or dSYM. Refuses with `malformed_macho`, `object_file`, `core_file`, `not_a_module`, or `fat_macho` for a universal binary, whose parts are opened one by one. */
export function openMachO(bytes: FileBytes): Result<DebugFile> {
  const head = readBytes(bytes, 0, Math.min(8, bytes.size))!;
  if (isFat(head)) {
    const parts = fatParts(bytes);
    if (!parts.ok) return parts;
    return refuse(400, "fat_macho", `The file is a universal binary of ${parts.value.length} architectures, each of which is a module of its own.`, "Give the file to `deadair symbols`, which takes it apart, or take one out with lipo -thin.");
  }
  const image = readMachImage(bytes);
  if (!image.ok) return image;
  const facts = machFacts(image.value);
  return ok({
    facts,
    addNames: (builder, companions) => addNames(image.value, facts.holds.functions, builder, companions),
    addUnwind: (builder) => addUnwind(image.value, builder),
  });
}

function addNames(image: MachImage, hasDwarf: boolean, builder: ModuleBuilder, companions?: DwarfCompanions): Result<null> {
  if (hasDwarf) {
    const added = addMachDwarf(image, builder, companions);
    // Its other names are no worse for it.
    if (!added.ok) builder.warn(added.problem.code);
  }
  addMachSymbols(image, builder);
  return ok(null);
}

function addUnwind(image: MachImage, builder: ModuleBuilder): Result<null> {
  const { arch } = archOf(image);
  if (arch === null) return ok(null);
  // What a dSYM has for exceptions is a copy of what the program has.
  if (!isDsym(image)) addProgramUnwind(image, arch, builder);
  if (arch === "arm") addDebugFrames(image, arch, builder);
  return ok(null);
}

/** Adds what the linker made to find callers by: its own short form, and call frames where that cannot say it. */
function addProgramUnwind(image: MachImage, arch: Arch, builder: ModuleBuilder): void {
  const bytes = arch === "arm" ? null : readSection(image, "__TEXT", "__unwind_info", builder);
  const frames = exceptionFrames(image, arch, builder);
  if (bytes !== null && arch !== "arm") {
    const { little } = image.header;
    // Sections do not overlap but in a file that was made to take long, in which the same bytes are the code of hundreds.
    let left = image.bytes.size;
    const code = (rva: number, length: number): Uint8Array | null => {
      left -= length;
      return left < 0 ? null : readCode(image, rva, length);
    };
    addCompactUnwind({ bytes, little, arch, functionStarts: readFunctionStarts(image), codeEnd: codeEndOf(image), frames, code }, builder);
  } else if (frames !== null) addFrames(frames, builder);
}
