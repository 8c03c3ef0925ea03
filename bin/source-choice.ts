// Which source files of a module may leave the build machine.
//
// Debug information names every file that code came from: the plugin's own, the
// standard library's headers, and with a library that somebody else built, paths
// of a machine that nobody knows. A bundle takes what is named there and nothing
// else, and of that only files
//
//  - that are on this machine, after `--source-root` has said where;
//  - that are not the system's or a toolchain's, which everybody has;
//  - that are called as source files are, link or not, so that no debug
//    information, wherever it came from, can ask for a key or a password file;
//  - that are text of a megabyte at most.
//
// Debug information may be a stranger's. So no share of a network is asked for a
// file that it names there: the share would learn who asks, and on Windows be
// shown a password's hash.
import { readFileSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { isWindowsPath, plainPath } from "../symbols/sources/source-paths.ts";

/** Where files lie whose paths in debug information begin with `from`. */
export type SourceRoot = { readonly from: string; readonly to: string };

/** Why a named file is not taken. */
export type LeftOut = "system" | "absent" | "not_source" | "too_large" | "not_text" | "too_many";

/** A file that is taken, by its path in the debug information and its path here. */
export type ChosenSource = { readonly path: string; readonly here: string; readonly bytes: number };

/** Bytes of a source file; what is longer was made by a program. */
const sourceBytesMax = 1024 * 1024;
/** Characters of a path; no system opens longer ones. */
const pathCharsMax = 4096;

/** How source files of native code are called, generated ones too. */
const sourceName = /\.(c|cc|cp|cpp|cxx|c\+\+|h|hh|hp|hpp|hxx|h\+\+|inc|inl|ipp|ixx|cppm|ccm|tcc|tpp|txx|def|m|mm|s|asm|nasm|swift|rs|zig|d|go|pas|f|f90|ispc|cu|cuh|cl|metal|glsl|hlsl|vert|frag|comp|dsp|y|yy|ypp|l|ll|lpp)$/i;

/** Folders of systems and toolchains: Linux, Homebrew and Nix; Apple's; Windows; Rust's. */
const systemFolders: readonly RegExp[] = [
  /^\/(usr\/(include|lib\w*|share|local\/(include|lib\w*|share|Cellar)|src\/debug)|lib\w*|System|nix\/store|opt\/homebrew|snap)\//,
  /^\/Library\/Developer\/|^\/Applications\/[^/]+\.app\/|\.(sdk|xctoolchain|platform)\//i,
  /^[a-z]:\/(program files( \(x86\))?|windows|msys\d*|mingw\d*)\/|\/(windows kits|vc\/tools\/msvc)\//i,
  /^\/rustc\/|\/\.(rustup\/toolchains|cargo\/registry)\//,
];

/** Reads `FROM=TO` for each root; a text says what is wrong. */
export function readSourceRoots(given: readonly string[]): SourceRoot[] | string {
  const roots: SourceRoot[] = [];
  for (const text of given) {
    const at = text.indexOf("=");
    const [from, to] = [text.slice(0, at), text.slice(at + 1)];
    if (at < 1 || to === "") return `--source-root "${text}": say FROM=TO, such as /build/plugin=. for sources that lie here.`;
    if (statSync(to, { throwIfNoEntry: false })?.isDirectory() !== true) return `--source-root "${text}": there is no folder ${to}.`;
    roots.push({ from, to });
  }
  // The longest that fits says most.
  return roots.sort((a, b) => b.from.length - a.from.length);
}

/** Whether, and from where, a file that debug information names is taken. Looks at the disk; whether it is text is known when it is read. */
export function chooseSource(named: string, roots: readonly SourceRoot[]): ChosenSource | LeftOut {
  if (isSystems(named)) return "system";
  if (named.length > pathCharsMax) return "absent";
  const place = placeOf(named, roots);
  // A root may be on a share, if a person says so.
  if (place === named && /^[\\/]{2}/.test(named)) return "absent";
  const at = path.resolve(place);
  if (isSystems(at)) return "system";
  if (!sourceName.test(at)) return "not_source";
  try {
    const found = statSync(at, { throwIfNoEntry: false });
    if (found?.isFile() !== true) return "absent";
    const here = realpathSync(at);
    if (isSystems(here)) return "system";
    if (!sourceName.test(here)) return "not_source";
    return found.size > sourceBytesMax ? "too_large" : { path: named, here, bytes: found.size };
  } catch (error) {
    // A path that no disk could have, or a folder without rights.
    if (error instanceof Error && "code" in error) return "absent";
    throw error;
  }
}

/** The text of a chosen file as UTF-8; null when it is none, or is gone. What is not UTF-8 is read as Windows-1252, which older sources are in. */
export function readSourceText({ here }: ChosenSource): Uint8Array | null {
  let bytes: Buffer;
  try {
    bytes = readFileSync(here);
  } catch (error) {
    if (error instanceof Error && "code" in error) return null;
    throw error;
  }
  if (bytes.length > sourceBytesMax || bytes.includes(0)) return null;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return bytes;
  } catch {
    return Buffer.from(new TextDecoder("windows-1252").decode(bytes));
  }
}

function isSystems(at: string): boolean {
  const plain = plainPath(at);
  return systemFolders.some((folder) => folder.test(plain));
}

/** Where a named file lies by the first root that it is in; where it says itself when it is in none. */
function placeOf(named: string, roots: readonly SourceRoot[]): string {
  for (const { from, to } of roots) {
    const inside = pathInside(plainPath(named), plainPath(from));
    if (inside !== null) return path.join(to, inside);
  }
  return named;
}

/** What is left of a plain path in a folder; null when it is not in it. A folder of no name has all relative paths. */
function pathInside(plain: string, folder: string): string | null {
  if (folder === "") return plain.startsWith("/") || isWindowsPath(plain) ? null : plain;
  const start = folder.endsWith("/") ? folder : `${folder}/`;
  const isSame = isWindowsPath(plain) ? plain.slice(0, start.length).toLowerCase() === start.toLowerCase() : plain.startsWith(start);
  return isSame ? plain.slice(start.length) : null;
}
