// What a module's symbols are looked up by. The names come out of a dump that
// a stranger sent; a key exists only where its names could be a path in a
// symbol store, so that no consumer has to ask again.
import { storeName, storePath } from "../symbols/breakpad/store-path.ts";
import { identifies } from "./minidump/code-view.ts";
import { baseName } from "./minidump/module-list.ts";
import type { SymbolKey } from "./stackwalker.ts";

/** What a key is made of: the fields of a module that identify its symbols. */
export type KeyParts = { readonly codeFile: string; readonly codeId: string | null; readonly debugFile: string | null; readonly debugId: string | null };

/** The key of a module's symbols; null when nothing can be looked up by it. */
export function symbolKey(module: KeyParts): SymbolKey | null {
  const codeFile = baseName(module.codeFile);
  const { codeId } = module;
  if (identifies(module.debugId)) {
    // MinGW's linker writes an id and no PDB: its program has the symbols itself.
    const debugFile = baseName(module.debugFile ?? "") || codeFile;
    if (storePath(debugFile, module.debugId).ok) return { debugFile, debugId: module.debugId, codeFile, codeId };
  }
  return codeIdentifies(codeId) && storeName(codeFile).ok ? { debugFile: null, debugId: null, codeFile, codeId } : null;
}

/** A key as one text. */
export function keyName({ debugFile, debugId, codeFile, codeId }: SymbolKey): string {
  return debugId === null ? `${codeFile.toLowerCase()}//${codeId?.toUpperCase()}` : `${debugFile}/${debugId}`;
}

/** True when a code id can find a program: that of a PE whose time stamp is set, since the size alone is that of many builds. The ids of other systems are debug ids too. */
function codeIdentifies(codeId: string | null): codeId is string {
  return codeId !== null && /^(?!0{8})[0-9A-Fa-f]{9,16}$/.test(codeId);
}
