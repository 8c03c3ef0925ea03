// Rust names, made comparable: without the compiler's uniqueness hash, with
// generic arguments of types as <T>, and with one spelling of closures for the legacy
// mangling, the v0 mangling and PDB.
import { collapse, dropPrefixAndReturnType } from "./brackets.ts";
import { dropCloneMarks, dropOwnArguments, fixSpacing, isKeptAngle } from "./cpp-name.ts";

/** The hash has 16 digits; anything shorter may be a function, as in `plug::hadd`. */
const hash = /::h[0-9a-fA-F]{16}$/;

/** True when a name ends with the uniqueness hash of Rust's legacy mangling; where a frame has no source file, this tells that it is Rust. */
export function hasRustHash(name: string): boolean {
  return hash.test(name);
}

/** Normalises the name of a Rust function. `name` holds no control characters and no double spaces. */
export function normaliseRust(name: string): string {
  let text = dropCloneMarks(name)
    .replace(/\{closure#\d+\}|\bclosure\$\d+/g, "{{closure}}")
    .replace(/\{impl#\d+\}|\bimpl\$\d+/g, "{{impl}}")
    .replace(/\{shim:vtable#\d+\}/g, "{{vtable.shim}}");
  text = dropPrefixAndReturnType(text);
  text = collapse(text, "<", "<T>", { token: isKeptAngle });
  text = collapse(text, "(", "");
  text = fixSpacing(text);
  while (hasRustHash(text)) text = text.slice(0, text.lastIndexOf("::"));
  return dropOwnArguments(text);
}

/**
 * Puts the module before a bare function name of Rust's own libraries, which PDB inline records lack: `panic_fmt` in `library/core/src/panicking.rs` is `core::panicking::panic_fmt`.
 * `name` is normalised. Other names come back as they are.
 */
export function withRustModule(name: string, file: string | null): string {
  if (file === null || hash.test(`::${name}`) || !/^(?:[A-Za-z_]\w*(?:<T>)?|\{\{closure\}\})$/.test(name)) return name;
  const path = file.replaceAll("\\", "/");
  if (!/rust-lang\/rust|\/rustc\/[0-9a-f]{40}\//.test(path)) return name;
  const match = /(?:src\/lib|library\/)(std|core|alloc)\/(?:src\/)?([\w/]+)\.rs/.exec(path);
  if (match === null) return name;
  const scopes = (match[2] ?? "").split("/").filter((scope) => scope !== "mod" && scope !== "lib");
  return [match[1], ...scopes, name].join("::");
}
