// Mangled names into readable ones.
//
// Compilers write the whole type of a function into its linker name. This turns
// it back into what a programmer wrote: for Itanium C++ (itanium/), MSVC (msvc/)
// and Rust (rust/). It runs once, when symbols are compiled into the cache, on
// hundreds of thousands of names at a time.
//
// Spelling. Signatures are made of these names, so that one function must have
// one spelling, whoever read its symbols. C++ is spelled as libstdc++'s
// __cxa_demangle does, and therefore Breakpad's dump_syms: `> >`, `char const*`,
// `std::string`, `{lambda(int)#1}`. Rust is spelled as rustc's short form: no
// hashes. Swift is spelled as its compiler does, without types: `Deck.play(from:)`.
// MSVC is spelled without calling conventions, access, `class` and
// return types, as dump_syms has it from DIA.
//
// Steps: the language by the name's first letters (language.ts), the name by its
// language's grammar, and what follows it: ` [clone .cold]` for the parts and
// copies that optimisers make, `@plt` and `@@GLIBC_2.2` as they are; not the
// `@12` of 32-bit Windows.
//
// Limits: every name costs bounded time and memory (itanium/itanium.ts tells
// how). A name that is not understood is null, never half a name. Objective-C,
// and Swift before version 5, are recognised and left as they are.
import { demangleItanium } from "./itanium/itanium.ts";
import { languageOf } from "./language.ts";
import { demangleMsvc } from "./msvc/msvc.ts";
import { load, parser } from "./parser.ts";
import { demangleRustLegacy, isRustLegacy, legacyEnd } from "./rust/legacy.ts";
import { demangleRustV0 } from "./rust/v0.ts";
import { demangleSwift } from "./swift/swift.ts";

/** Marks of parts and copies that one name has; real ones have four. */
const SUFFIXES_MAX = 32;

/** The readable form of a linker name; null when it is not mangled or not understood. */
export function demangle(name: string): string | null {
  const first = name.charCodeAt(0);
  if (first === 0x5f /* _ */) return underscored(name);
  if (first === 0x24 /* $ */) return languageOf(name) === "swift" ? swift(name, 0) : null;
  if (first === 0x3f /* ? */) return languageOf(name) === "msvc" ? microsoft(name) : null;
  if (first === 0x40 /* @ */ && name.startsWith("_Z", 1) && parameterBytes.test(name)) return underscored(name.slice(1));
  return null;
}

/** What 32-bit Windows linkers put behind names, and for `fastcall` an @ before them: the bytes of the parameters. It is no part of the name. */
const parameterBytes = /@@?\d{1,5}$/;

/** Clang's optimisers mark parts and copies of Microsoft's names too: `?f@@YAXXZ.cold.1`. */
function microsoft(name: string): string | null {
  const text = demangleMsvc(name);
  if (text !== null) return text;
  const mark = name.indexOf(".", name.lastIndexOf("@"));
  const whole = mark < 0 ? null : demangleMsvc(name.slice(0, mark));
  return whole !== null && load(name, mark, name.length) ? withSuffixes(whole) : null;
}

function underscored(name: string): string | null {
  let at = 1;
  while (at < 4 && name.charCodeAt(at) === 0x5f) at++;
  const letter = name.charCodeAt(at);
  if (letter === 0x24 /* $ */) return languageOf(name) === "swift" ? swift(name, at) : null;
  // The version of a dynamic symbol, or the mark of a linker's stub.
  const mark = name.indexOf("@", at);
  const end = mark < 0 ? name.length : mark;
  let text: string | null = null;
  if (letter === 0x5a /* Z */ && at <= 3) text = itanium(name, at, end);
  else if (letter === 0x52 /* R */ && at <= 2 && load(name, at + 1, end)) text = withSuffixes(demangleRustV0());
  return text === null || mark < 0 || parameterBytes.test(name.slice(mark)) ? text : text + name.slice(mark);
}

function itanium(name: string, at: number, end: number): string | null {
  if (isRustLegacy(name, at + 2)) {
    const stop = legacyEnd(name);
    const text = stop < 0 || stop > end ? null : demangleRustLegacy(name, at + 2, stop);
    if (text !== null) return load(name, stop, end) ? withSuffixes(text) : null;
  }
  if (!load(name, at + 1, end)) return null;
  const text = demangleItanium();
  // Apple's blocks: `___Z…_block_invoke_2`.
  if (text !== null && at === 3) return null;
  if (text !== null) return withSuffixes(text);
  return at === 3 ? block(name, at, end) : null;
}

/** Swift's own marks are part of its mangling; LLVM's follow a dot. */
function swift(name: string, at: number): string | null {
  const mark = name.indexOf(".", at);
  const text = demangleSwift(name.slice(at, mark < 0 ? name.length : mark));
  return text === null || mark < 0 ? text : load(name, mark, name.length) ? withSuffixes(text) : null;
}

const blockMark = /_block_invoke(?:[._]?\d+)?$/;

/** Apple's blocks are functions named by the one they are in: `___Z…_block_invoke_2`. */
function block(name: string, at: number, end: number): string | null {
  const found = blockMark.exec(name.slice(0, end));
  if (found === null || !load(name, at + 1, found.index)) return null;
  const text = demangleItanium();
  return text === null || parser.pos < parser.end ? null : `invocation function for block in ${text}`;
}

/** `text` with the suffixes that the parser is at, each as ` [clone .cold]`; null when something else is there. LLVM's `.llvm.<hash>` of Rust is as much a mark as the others. */
function withSuffixes(text: string | null): string | null {
  if (text === null || parser.pos >= parser.end) return text;
  let out = text;
  const { bytes, end } = parser;
  for (let count = 0; parser.pos < end; count++) {
    if (count === SUFFIXES_MAX) return null;
    const from = parser.pos;
    let at = from + 1;
    if (bytes[from] !== 0x2e /* . */) return null;
    if (isWord(bytes[at]!)) while (isWord(bytes[at]!)) at++;
    else if (!isDigit(bytes[at]!)) return null;
    while (isDigit(bytes[at]!)) at++;
    while (bytes[at] === 0x2e && isDigit(bytes[at + 1]!)) for (at += 2; isDigit(bytes[at]!); at++);
    out += ` [clone ${Buffer.from(bytes.buffer, from, at - from).toString("latin1")}]`;
    parser.pos = at;
  }
  return out;
}

function isWord(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || byte === 0x5f;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
