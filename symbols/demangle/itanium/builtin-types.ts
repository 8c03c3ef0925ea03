// Builtin types by their letters (Itanium C++ ABI 5.1.5.2). Their nodes are made
// once and outlive the names.
import { parser } from "../parser.ts";
import { text } from "../texts.ts";

/** Nodes of the types of one letter, by letter; 0 for none. */
export const builtins = new Int32Array(128);
/** Nodes of the types of `D` and a letter. */
export const dBuiltins = new Int32Array(128);
/** `std::bfloat16_t`. */
export const BFLOAT = parser.fixedText(text("std::bfloat16_t"));

for (const [letter, name] of Object.entries({
  a: "signed char", b: "bool", c: "char", d: "double", e: "long double", f: "float", g: "__float128", h: "unsigned char", i: "int", j: "unsigned int", l: "long", m: "unsigned long",
  n: "__int128", o: "unsigned __int128", s: "short", t: "unsigned short", v: "void", w: "wchar_t", x: "long long", y: "unsigned long long", z: "...",
})) builtins[letter.charCodeAt(0)] = parser.fixedText(text(name));
for (const [letter, name] of Object.entries({
  a: "auto", c: "decltype(auto)", d: "decimal64", e: "decimal128", f: "decimal32", h: "half", i: "char32_t", n: "decltype(nullptr)", s: "char16_t", u: "char8_t",
})) dBuiltins[letter.charCodeAt(0)] = parser.fixedText(text(name));

function of(letter: string): number {
  return builtins[letter.charCodeAt(0)]!;
}

/** The node of `void`. */
export const VOID = of("v");
/** The node of `bool`, of which two literals have a word. */
export const BOOL = of("b");

/** How literals of a type are written: 0 as `(type)digits`, 1 as `(type)[bits]`, and otherwise the digits and a suffix: 2 + the suffix's text. By node, for the nodes below its length. */
export const literalForms = new Int32Array(Math.max(...builtins) + 1);
for (const letter of "def") literalForms[of(letter)] = 1;
for (const [letter, suffix] of Object.entries({ i: 0, j: text("u"), l: text("l"), m: text("ul"), x: text("ll"), y: text("ull") })) literalForms[of(letter)] = 2 + suffix;
