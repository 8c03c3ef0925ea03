// What a module is called, told by the name of one of its files. Crashes call a
// module what its program's file is called, `halcyon.so` or `Halcyon`; the files
// that debuggers read beside it add an ending of their own.
import type { DebugFileKind } from "./debug-file.ts";

/** By kind: endings that the program's name does not have. */
const endings: { readonly [kind in DebugFileKind]?: RegExp } = {
  "elf-debug": /\.(debug|dbg|dbgsym)$/i,
  dsym: /\.dSYM$/i,
  dwp: /(\.debug|\.dbg)?\.dwp$/i,
};

/** What a build id's file is called in a folder such as /usr/lib/debug/.build-id: the id, or the most of it. */
const idName = /^[0-9a-f]{30,}$/i;

/** The name of the module that a file of this kind and name is of; null when the file's name does not tell: source files are packed under any name, and say their module's themselves. */
export function moduleName(kind: DebugFileKind, fileName: string): string | null {
  const name = fileName.replace(endings[kind] ?? /$^/, "");
  return kind === "sources" || name === "" || (kind !== "breakpad" && idName.test(name)) ? null : name;
}
