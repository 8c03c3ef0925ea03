// The name of one frame, as signatures use it.
//
// The first of these that there is: the function; the source file and line; the
// module; a module that was unloaded from there; the address. A frame with none
// of them has no name and is skipped.
import type { Frame, InlineFrame } from "../stackwalk/report.ts";
import { normaliseCpp } from "./cpp-name.ts";
import { hasRustHash, normaliseRust, withRustModule } from "./rust-name.ts";

/** What a frame's name is made of. */
export type NameKind = "function" | "source" | "module" | "unloaded" | "address" | "empty";

/** A frame's name; `text` is empty exactly when `kind` is `empty`. */
export type FrameName = { readonly text: string; readonly kind: NameKind };

/** Characters of a name that are read at all; template expansions of 100 kB exist, and say no more than their start. */
const NAME_READ_CHARS = 32 * 1024;
/** Characters of a normalised name that are kept. */
const NAME_KEPT_CHARS = 1024;
/** Longer names are names. */
const NAMELESS_READ_CHARS = 200;
/** Passes until a hostile name must be stable; real names need one and a second that changes nothing. */
const PASSES_MAX = 8;

/** Names that symbol files and tools give to functions whose name they do not know. */
const nameless = /^(?:\?{1,3}|<redacted>|<unknown>|_*lldb_unnamed_symbol\S*|<deduplicated_symbol>)$/;

/** Names a physical frame. On Windows, module names are lower-cased: the loader does not care about case and neither do the dumps. */
export function frameName(frame: Frame, isWindows: boolean): FrameName {
  const named = functionName(frame.function, frame.file, frame.line);
  if (named !== null) return named;
  const module = frame.module === null ? "" : moduleName(frame.module, isWindows);
  if (module !== "") return { text: module, kind: "module" };
  const unloaded = frame.unloaded_modules?.[0]?.module;
  if (unloaded !== undefined && unloaded !== "") return { text: `(unloaded ${moduleName(unloaded, isWindows)})`, kind: "unloaded" };
  const address = stripLeadingZeros(clean(frame.offset).trim());
  return address === "" ? { text: "", kind: "empty" } : { text: `@${address}`, kind: "address" };
}

/** Names a function that was inlined into a frame. */
export function inlineName(inline: InlineFrame): FrameName {
  return functionName(inline.function, inline.file, inline.line) ?? { text: "", kind: "empty" };
}

function functionName(name: string | null, file: string | null, line: number | null): FrameName | null {
  const source = file === null ? null : sourcePath(file);
  if (name !== null && !nameless.test(clean(name.slice(0, NAMELESS_READ_CHARS)))) {
    const text = withRustModule(normaliseFunction(name, source), file);
    if (text !== "" && !nameless.test(text)) return { text, kind: "function" };
  }
  if (source === null || line === null) return null;
  const base = clean(baseName(source)).trim();
  return base === "" ? null : { text: `${base}#${line}`, kind: "source" };
}

// Most frames of most crashes are the same few thousand functions.
const memo = new Map<string, string>();
const MEMO_ENTRIES = 20_000;
const MEMO_KEY_CHARS = 1024;

/** Normalises a function's name; the same name always gives the same text, and that text gives itself. */
function normaliseFunction(name: string, file: string | null): string {
  const isRustFile = file?.endsWith(".rs") === true;
  if (name.length > MEMO_KEY_CHARS) return settle(name, isRustFile);
  const key = isRustFile ? `R${name}` : `C${name}`;
  const known = memo.get(key);
  if (known !== undefined) return known;
  const text = settle(name, isRustFile);
  if (memo.size >= MEMO_ENTRIES) memo.clear();
  memo.set(key, text);
  return text;
}

function settle(name: string, isRustFile: boolean): string {
  let text = clean(name.slice(0, NAME_READ_CHARS));
  for (let pass = 0; pass < PASSES_MAX; pass++) {
    const next = clip(isRustFile || hasRustHash(text) ? normaliseRust(text) : normaliseCpp(text));
    if (next === text) break;
    text = clean(next);
    if (isSettled(text)) break;
  }
  return text.replace(processorVariant, "$1");
}

// glibc has one memmove for each kind of processor; which one crashed says what
// the user's machine is, not what broke.
const processorVariant = /^__(w?mem(?:cpy|move|set|cmp|chr|rchr|pcpy|mem)|bcmp|bcopy|bzero|(?:str|wcs)n?(?:len|cpy|cat|cmp|casecmp|chr|rchr|chrnul|spn|cspn|pbrk|str|casestr)|stpn?cpy|rawmemchr)_(?:avx|sse|ssse|evex|erms|sysv|generic|neon|sve|mops|simd|thunderx|falkor|kunpeng|a64fx|oryon|emag)\w*$/;

/** True for a plain qualified name, in which another pass can find nothing; nearly all are, and it halves the work. */
function isSettled(text: string): boolean {
  return /^(?:[\w:~]|<T>)+$/.test(text) && !/std::_|_GLOBAL__N_|::h[0-9a-fA-F]/.test(text);
}

function clip(text: string): string {
  return text.length <= NAME_KEPT_CHARS ? text : text.slice(0, NAME_KEPT_CHARS);
}

/** White space to single spaces, no control or direction characters, and one form for accented letters: macOS file names come decomposed. */
function clean(text: string): string {
  const isPlain = /^[\x20-\x7e]*$/.test(text);
  const printable = isPlain ? text : text.toWellFormed().normalize("NFC").replace(/\s/g, " ").replace(/[\p{Cc}\p{Cf}]/gu, "");
  return printable.replace(/ {2,}/g, " ").trim();
}

function moduleName(module: string, isWindows: boolean): string {
  const name = clean(module).replace(/[[\]]/g, "").slice(0, NAME_KEPT_CHARS).trim();
  return isWindows ? name.toLowerCase() : name;
}

/** The path inside a source file's name: Mozilla's and rustc's builds prefix version control, as in `git:github.com/a/b:src/c.rs:REVISION`. */
function sourcePath(file: string): string {
  const parts = file.split(":");
  if (parts.length >= 4) return parts[2] ?? file;
  // A drive letter.
  return parts.length === 2 ? (parts[1] ?? file) : file;
}

function baseName(path: string): string {
  let end = path.length;
  while (end > 0 && (path[end - 1] === "/" || path[end - 1] === "\\")) end--;
  const trimmed = path.slice(0, end);
  return trimmed.slice(Math.max(trimmed.lastIndexOf("/"), trimmed.lastIndexOf("\\")) + 1);
}

/** `0x0000002a` as `0x2a`. */
function stripLeadingZeros(text: string): string {
  return /^0x0/i.test(text) ? `0x${text.slice(2).replace(/^0+(?=.)/, "")}` : text;
}
