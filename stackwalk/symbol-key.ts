// What a module's symbols are looked up by. The names come out of a dump that
// a stranger sent; a key exists only where its names could be a path in a
// symbol store, so that no consumer has to ask again.
import { storePath } from "../symbols/breakpad/store-path.ts";
import { identifies } from "./minidump/code-view.ts";
import { baseName } from "./minidump/module-list.ts";
import type { SymbolKey } from "./stackwalker.ts";

/** What a key is made of: the fields of a module that identify its symbols. */
export type KeyParts = { readonly codeFile: string; readonly codeId: string | null; readonly debugFile: string | null; readonly debugId: string | null };

/** The key of a module's symbols; null when nothing can be looked up by it. */
export function symbolKey(module: KeyParts): SymbolKey | null {
  if (!identifies(module.debugId) || !module.debugFile) return null;
  const key = { debugFile: baseName(module.debugFile), debugId: module.debugId, codeFile: baseName(module.codeFile), codeId: module.codeId };
  return storePath(key.debugFile, key.debugId).ok ? key : null;
}

/** A key as one text. */
export function keyName(key: { readonly debugFile: string; readonly debugId: string }): string {
  return `${key.debugFile}/${key.debugId}`;
}
