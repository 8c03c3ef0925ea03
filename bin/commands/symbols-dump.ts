// `deadair symbols dump`: the symbols of a module as a Breakpad symbol file, for
// walkers and servers that read nothing else.
//
// What is written to a file is written beside it first, so that a dump that
// fails halfway leaves neither half a file nor an old one damaged.
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { storePath } from "../../symbols/breakpad/store-path.ts";
import { type WrittenAs, writeSymbolFile } from "../../symbols/breakpad/write.ts";
import type { CacheMeta } from "../../symbols/cache/layout.ts";
import { DamagedCache } from "../../symbols/cache/paged-file.ts";
import type { SymbolCache } from "../../symbols/cache/symbol-cache.ts";
import { openSymbolFiles } from "../../symbols/symbol-file.ts";
import { readingProgress } from "../reading-progress.ts";
import { printable, redrawing } from "../terminal.ts";

const help = `deadair symbols dump [options] FILE…

Writes the symbols of a module as a Breakpad symbol file: functions, source lines,
inlined calls, and how to unwind. Name all files of the module together: the PDB of
a 64-bit plugin has the names, its DLL how to unwind; so have a dSYM or .debug file and
their program. Split DWARF (.dwp, .dwo) and what dwz took out are found beside it.

  FILE             a PDB; a program or library of Windows, Linux or macOS; a .debug
                   file, a dSYM or a plugin's bundle; a .sym file (also gzip or zstd);
                   or a symbol cache of Deadair
  --arch ARCH      the part of a universal binary, where the other files do not say
                   which: x86_64, arm64, arm64e
  -o, --output OUT write to a file instead of standard output
  --store FOLDER   write to FOLDER/NAME/ID/NAME.sym, where Breakpad's walkers look
  --mangled        names as the linker spells them, instead of readable ones
  --help           print this

Exit code: 0 when the symbols were written, 1 when a file could not be read or the
symbols not be written, 2 when the command was not understood.
`;

/** Where the command writes. */
export type DumpStreams = { readonly out: Writable; readonly err: Writable };

type Asked = { readonly files: readonly string[]; readonly output: string | null; readonly store: string | null; readonly arch: string | null; readonly isMangled: boolean };

/** Runs the command and returns its exit code. */
export async function symbolsDump(args: string[], streams: DumpStreams = { out: process.stdout, err: process.stderr }): Promise<number> {
  const asked = readCommand(args);
  if (asked === "help") {
    streams.out.write(help);
    return 0;
  }
  if (typeof asked === "string") {
    streams.err.write(`deadair symbols dump: ${printable(asked)}\n\n${help}`);
    return 2;
  }
  const failed = (message: string): number => {
    streams.err.write(printable(`deadair symbols dump: ${message}`) + "\n");
    return 1;
  };
  const progress = readingProgress(redrawing(streams.err).redraw);
  const opened = openSymbolFiles(asked.files, asked.arch, progress?.report);
  progress?.end();
  if (!opened.ok) return failed(`${asked.files.length === 1 && !opened.problem.message.startsWith(asked.files[0]!) ? `${asked.files[0]}: ` : ""}${opened.problem.message} ${opened.problem.hint}`);
  try {
    return await write(opened.value, asked, streams, failed);
  } catch (error) {
    if (error instanceof DamagedCache || (error instanceof Error && "syscall" in error)) return failed(error.message);
    throw error;
  }
}

async function write(cache: SymbolCache, asked: Asked, streams: DumpStreams, failed: (message: string) => number): Promise<number> {
  const meta = cache.meta();
  const names = namesFrom(asked.files, meta);
  const as: WrittenAs = { ...names, spelling: asked.isMangled ? "linkage" : "readable" };
  if (asked.output === null && asked.store === null) {
    for (const piece of writeSymbolFile(cache, as)) if (!streams.out.write(piece)) await once(streams.out, "drain");
    return 0;
  }
  let target = asked.output ?? "";
  if (asked.store !== null) {
    const place = storePath(names.debugFile, meta.debugId);
    if (!place.ok) return failed(`${place.problem.message} ${place.problem.hint}`);
    target = path.join(asked.store, place.value);
    await mkdir(path.dirname(target), { recursive: true });
  }
  const unfinished = `${target}.${process.pid}.tmp`;
  try {
    await pipeline(writeSymbolFile(cache, as), createWriteStream(unfinished));
    await rename(unfinished, target);
  } finally {
    await rm(unfinished, { force: true });
  }
  if (asked.store !== null) streams.out.write(`${printable(target)}\n`);
  return 0;
}

/** Names that the module's files do not know themselves: a program's own, and a PDB's when it was compiled without a path. */
function namesFrom(files: readonly string[], meta: CacheMeta): { readonly debugFile: string; readonly codeFile: string | null } {
  const names = files.map((file) => path.basename(path.resolve(file)).replace(/\.dSYM$/i, ""));
  const isPdb = (name: string): boolean => name.toLowerCase().endsWith(".pdb");
  const codeFile = meta.codeFile ?? (meta.codeId === null ? null : (names.find((name) => !isPdb(name)) ?? null));
  return { codeFile, debugFile: meta.debugFile || names.find(isPdb) || codeFile || names[0]! };
}

/** What is asked for, `help`, or a sentence about what is wrong with it. */
function readCommand(args: string[]): Asked | string {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { output: { type: "string", short: "o" }, store: { type: "string" }, arch: { type: "string" }, mangled: { type: "boolean", default: false }, help: { type: "boolean", short: "h", default: false } },
    });
    if (values.help) return "help";
    if (positionals.length === 0) return "name the files of a module.";
    if (values.output !== undefined && values.store !== undefined) return "give --output or --store, not both.";
    return { files: positionals, output: values.output ?? null, store: values.store ?? null, arch: values.arch ?? null, isMangled: values.mangled };
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
}
