// Windows programs and libraries: how to unwind their frames, and such names as
// they have themselves.
//
// What: a PE file in (image.ts), unwind rows and names out
// (cache/module-builder.ts). Why: on 64-bit Windows the PDB has names and lines
// but not a word of how to unwind; that stands in the program. The linker made
// both and stamped them with one id, so a module's cache is compiled from both.
//
// What is in it, and who reads it:
//
//     headers, sections, directories    image.ts, coff-strings.ts
//     id of its PDB                     code-view.ts
//     id of the program itself          facts.ts: time stamp and size
//     unwind data of x64                x64-unwind.ts
//     unwind data of arm64              arm64-unwind.ts
//     exported names                    exports.ts
//     MinGW's symbol table              coff-symbols.ts
//     MinGW's DWARF                     debug-sections.ts, ../dwarf/
//
// Steps: headers decide what the file is and what it holds (`facts`), without
// any table being read; tables are read when a module is compiled, a stretch
// at a time (rva-window.ts).
//
// The signature of a signed program, and whatever else lies behind its
// sections, is not looked at. What a file lacks because it was cut is said in
// its facts, and counted where a table ends early.
//
// Limits: addresses are below 4 GiB, as the format has them; 256 sections; a
// section of DWARF up to 1 GiB, in memory as a whole. Work is bounded by the
// bytes of the file: functions that overlap are left out, and names that all are
// one long text count only until they are longer than the file.
//
// To add an architecture: a number in `machine` (image.ts), its name in
// `archOf` (facts.ts), and a reader of its `.pdata` in `addUnwind` below.
import { ok, type Result } from "../../config/problem.ts";
import type { ModuleBuilder } from "../cache/module-builder.ts";
import type { DebugFile } from "../debug-file.ts";
import type { FileBytes } from "../file-bytes.ts";
import { addArm64Unwind } from "./arm64-unwind.ts";
import { addCoffSymbols } from "./coff-symbols.ts";
import { addPeDwarf, addPeFrames } from "./debug-sections.ts";
import { addExports } from "./exports.ts";
import { archOf, hasFrames, hasUnwindTable, peFacts } from "./facts.ts";
import { type PeImage, readImage } from "./image.ts";
import { addX64Unwind } from "./x64-unwind.ts";

/** Whether a file that begins like this is a program of DOS or Windows. */
export function isPe(head: Buffer): boolean {
  return head.toString("latin1", 0, 2) === "MZ";
}

/** Opens a program or library. Refuses with `malformed_pe`, or `not_a_pe` for programs that Windows does not load. */
export function openPe(bytes: FileBytes): Result<DebugFile> {
  const image = readImage(bytes);
  if (!image.ok) return image;
  const facts = peFacts(image.value);
  return ok({
    facts,
    addNames: (builder) => addNames(image.value, facts.holds.functions, builder),
    addUnwind: (builder) => addUnwind(image.value, builder),
  });
}

function addNames(image: PeImage, hasDwarf: boolean, builder: ModuleBuilder): Result<null> {
  if (hasDwarf) {
    const added = addPeDwarf(image, builder);
    // Its other names are no worse for it.
    if (!added.ok) builder.warn(added.problem.code);
  }
  addCoffSymbols(image, builder);
  addExports(image, builder);
  return ok(null);
}

function addUnwind(image: PeImage, builder: ModuleBuilder): Result<null> {
  if (hasUnwindTable(image)) {
    builder.leafWithoutRow = true;
    if (archOf(image) === "amd64") addX64Unwind(image, builder);
    else addArm64Unwind(image, builder);
  } else if (hasFrames(image)) addPeFrames(image, builder);
  return ok(null);
}
