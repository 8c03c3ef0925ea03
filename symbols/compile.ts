// Compiles a debug file of any format into the bytes of a symbol cache. Whoever
// compiles does it here, so that names are spelled alike wherever they are made.
//
// To add a format, tell it by its first bytes here and call its compiler.
import type { Result } from "../config/problem.ts";
import { compileBreakpadFile } from "./breakpad/compile.ts";
import { demangle } from "./demangle/demangle.ts";

/** Compiles a debug file; `sourceDigest` is kept in the cache. Refuses with `symbol_file_unreadable` (status 500: the disk's fault, another try may help) or with what is wrong with the file. */
export function compileSymbolFile(path: string, sourceDigest = ""): Result<Uint8Array> {
  return compileBreakpadFile(path, { demangle, sourceDigest });
}
