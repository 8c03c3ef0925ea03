// Which language mangled a name, by how it begins.
import { isRustLegacy } from "./rust/legacy.ts";

/** What a name may be mangled by; Objective-C's is told, not changed. */
export type MangledLanguage = "c++" | "msvc" | "rust" | "swift" | "objc";

/** The language of a mangled name; null when it is not mangled. */
export function languageOf(name: string): MangledLanguage | null {
  switch (name.charCodeAt(0)) {
    case 0x2d /* - */:
    case 0x2b /* + */:
      return name.charCodeAt(1) === 0x5b /* [ */ && name.endsWith("]") ? "objc" : null;
    case 0x3f /* ? */:
    case 0x40 /* @ */:
      return name.charCodeAt(0) === 0x3f ? (name.length > 1 && name !== "???" && name !== "??" ? "msvc" : null) : name.startsWith("@?") ? "msvc" : null;
    case 0x24 /* $ */:
      return isSwift(name, 0) ? "swift" : null;
    case 0x5f /* _ */:
      return underscored(name);
    default:
      return null;
  }
}

function underscored(name: string): MangledLanguage | null {
  // Mach-O puts an underscore before every name.
  const at = name.charCodeAt(1) === 0x5f ? 2 : 1;
  const letter = name.charCodeAt(at);
  if (letter === 0x5a /* Z */ && name.length > at + 1) return isRustLegacy(name, at + 2) ? "rust" : "c++";
  if (letter === 0x52 /* R */ && isUpper(name.charCodeAt(at + 1))) return "rust";
  if (isSwift(name, at)) return "swift";
  return null;
}

function isUpper(unit: number): boolean {
  return unit >= 0x41 && unit <= 0x5a;
}

/** Swift 5's `$s`, 4's `$S`, and `_T0` and `_Tt` of before. */
function isSwift(name: string, at: number): boolean {
  const first = name.charCodeAt(at);
  const second = name.charCodeAt(at + 1);
  if (first === 0x24 /* $ */) return (second === 0x73 || second === 0x53) && name.length > at + 3;
  return first === 0x54 /* T */ && (second === 0x30 || second === 0x74) && name.length > at + 3;
}
