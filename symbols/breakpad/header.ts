// The head of a Breakpad symbol file.
//
// A `.sym` file is the lingua franca of native symbols: dump_syms writes one
// for a PDB, an ELF file or a dSYM, and every walker reads it. It is text, one
// record a line (breakpad's docs/symbol_files.md):
//
//     MODULE windows x86_64 4E2A…1 VaultSynth.pdb     who this belongs to
//     INFO CODE_ID 65A1B2C3D4000 VaultSynth.vst3      the code file's own id
//     INFO GENERATOR mozilla/dump_syms 2.3.4          what wrote it
//     FILE 0 /src/engine.cpp                          a source file's number
//     INLINE_ORIGIN 0 std::max<float>                 an inlined function's number
//     FUNC 1000 54 0 vault::Engine::render            a function: start, size
//     INLINE 0 18 0 0 1010 8                          what was inlined in it, and from where
//     1000 c 14 0                                     code bytes of one line
//     PUBLIC 2000 0 DllMain                           a bare linker symbol
//     STACK CFI INIT 1000 54 .cfa: $rsp 8 +           how to unwind
//
// The folder's parts: this module reads the MODULE and INFO lines from the
// first bytes; `check.ts` streams over a whole upload and says what is in it;
// `compile.ts` fills a symbol cache; `store-path.ts` says where Breakpad's
// walker looks for the file. All of them are total: any bytes give a value or a
// Problem. None keeps a file in memory.
//
// A module name comes from whoever ran dump_syms, so here it is data and
// nothing else; only `store-path.ts` turns it into a path, or refuses.
import { type Result, ok, refuse } from "../../config/problem.ts";
import { normaliseDebugId } from "../debug-id.ts";
import { recogniseForeign } from "../foreign-format.ts";

/** Bytes from the start of a file that are enough for `readSymbolHeader`. */
export const headerPrefixBytes = 64 * 1024;

/** What the first lines of a symbol file say. */
export type SymbolHeader = {
  /** Operating system as dump_syms names it: `windows`, `mac`, `Linux` and so on. */
  readonly os: string;
  /** Architecture as dump_syms names it: `x86`, `x86_64`, `arm64` and so on. */
  readonly arch: string;
  /** Debug id in Breakpad form, upper case, without dashes. */
  readonly debugId: string;
  /** Name of the debug file as the line gives it; may hold spaces, and a path when the file is hostile. */
  readonly debugFile: string;
  /** The code file's id (PE time stamp and size, ELF build id), upper case; null when not given. */
  readonly codeId: string | null;
  /** Name of the code file; given for Windows only, else null. */
  readonly codeFile: string | null;
  /** The tool that wrote the file; null when it does not say. */
  readonly generator: string | null;
};

const moduleHint = "The first line must be `MODULE OS ARCH DEBUG_ID NAME`, as dump_syms writes it.";

/** Reads MODULE and INFO from a file's first bytes: at least `headerPrefixBytes` of them, or the whole file. Refuses with `not_a_symbol_file` or `bad_module_record`. */
export function readSymbolHeader(prefix: Uint8Array): Result<SymbolHeader> {
  const isWhole = prefix.length < headerPrefixBytes;
  const lines = new TextDecoder("utf-8", { ignoreBOM: true }).decode(prefix.subarray(0, headerPrefixBytes)).split("\n");
  const first = (lines[0] ?? "").replace(/\r$/, "");
  if (!first.startsWith("MODULE")) return notASymbolFile(prefix, first);
  if (/[\u0000-\u001f\u007f]/.test(first)) return badModule(first, "it holds control characters");
  if (lines.length === 1 && !isWhole) return badModule(first, `it is longer than ${headerPrefixBytes} bytes`);

  const match = /^MODULE +(\S+) +(\S+) +(\S+) +(\S.*?) *$/.exec(first);
  if (match === null) return badModule(first, "it has too few fields");
  const [, os = "", arch = "", id = "", debugFile = ""] = match;
  const debugId = normaliseDebugId(id);
  if (debugId === null) return badModule(first, `"${clip(id)}" is not a debug id of 33 to 40 hex digits`);

  let codeId: string | null = null;
  let codeFile: string | null = null;
  let generator: string | null = null;
  // The last piece has no line end; in a cut-off prefix it may be half a record.
  const complete = isWhole ? lines.length : lines.length - 1;
  for (let i = 1; i < complete; i++) {
    const line = (lines[i] ?? "").replace(/\r$/, "").replace(/[\u0000-\u001f\u007f]/g, "\ufffd");
    if (line !== "" && !line.startsWith("INFO ")) break;
    const code = /^INFO +CODE_ID +([0-9A-Fa-f]+)(?: +(\S.*?))? *$/.exec(line);
    codeId ??= code?.[1]?.toUpperCase() ?? null;
    codeFile ??= code?.[2] ?? null;
    generator ??= /^INFO +GENERATOR +(\S.*?) *$/.exec(line)?.[1] ?? null;
  }
  return ok({ os, arch, debugId, debugFile, codeId, codeFile, generator });
}

function notASymbolFile(prefix: Uint8Array, first: string): Result<never> {
  const foreign = recogniseForeign(prefix);
  if (foreign !== null) return refuse(400, "not_a_symbol_file", `This is not a Breakpad symbol file; it looks like ${foreign.description}.`, foreign.hint);
  return refuse(400, "not_a_symbol_file", `This is not a Breakpad symbol file; it begins with "${clip(first)}".`, moduleHint);
}

function badModule(line: string, why: string): Result<never> {
  return refuse(400, "bad_module_record", `The MODULE line "${clip(line)}" cannot be read: ${why}.`, moduleHint);
}

/** Shortens hostile text for a message and blanks what a terminal would obey. */
function clip(text: string): string {
  const shown = text.slice(0, 120).replace(/[\u0000-\u001f\u007f-\u009f]/g, "\ufffd");
  return text.length > 120 ? `${shown}…` : shown;
}
