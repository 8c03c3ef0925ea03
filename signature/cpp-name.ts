// C and C++ names (and Objective-C, and what else is not Rust), made comparable.
//
// The same function is spelled differently by PDB, DWARF, Breakpad files and
// the various demanglers, and differs by template arguments and overloads. What
// is left here is the qualified name, with template arguments of classes as <T>,
// those of the function itself gone, and every lambda as $. The steps follow Socorro's; where one goes further, so that the
// spellings of two compilers meet, its comment says so.
import { closingBracket, collapse, dropPrefixAndReturnType, operatorEnd } from "./brackets.ts";

/** Normalises the name of a C or C++ function. `name` holds no control characters and no double spaces. */
export function normaliseCpp(name: string): string {
  // Objective-C methods have no overloads, and their brackets are the name.
  if (/^[-+]\[.*\]$/.test(name)) return name;
  let text = unifySpelling(undecorated(name));
  text = dropCloneMarks(text);
  text = dropTrailingQualifiers(text);
  text = dropPrefixAndReturnType(text);
  text = collapse(text, "<", "<T>", { token: isKeptAngle });
  text = collapse(text, "(", "", { token: (token) => token === "(anonymous namespace)" });
  return dropOwnArguments(fixSpacing(text));
}

/** Drops the template arguments of the function itself, not those of its class. Clang leaves them out where it records what was inlined into a PDB, and Rust's old mangling has none, so that one function had two names. */
export function dropOwnArguments(name: string): string {
  let text = name;
  while (text.endsWith("<T>") && text.length > 3 && !/operator(?:<T>| [\w:]+(?:<T>)*)$/.test(text)) text = text.slice(0, text.endsWith("::<T>") && text.length > 5 ? -5 : -3).trimEnd();
  return text;
}

const pseudoNames = ["<name omitted>", "<signal handler called>"];

/** Angle brackets that are not template arguments, or that tell which implementation it is. */
export function isKeptAngle(token: string): boolean {
  return pseudoNames.includes(token) || token.includes(" as ") || token.includes(" in ");
}

/** No space before `*`, `&` and `,`; one after `,`. */
export function fixSpacing(text: string): string {
  return text.replace(/ (?=[*&,])/g, "").replace(/,(?! )/g, ", ").trim();
}

/** Drops what 32-bit Windows linkers put around names: _stdcall@8, @fastcall@8, vectorcall@@16, and GCC's suffix behind a C++ name. A leading underscore alone may be the name's own. */
function undecorated(name: string): string {
  const match = /^[_@]?([A-Za-z_]\w*)@@?\d{1,5}$/.exec(name);
  return match?.[1] ?? name.replace(/(?<=[\w)>])@\d{1,5}$/, "");
}

/** One spelling for what each compiler writes in its own way. */
function unifySpelling(name: string): string {
  let text = name;
  if (text.includes("nonymous") || text.includes("_GLOBAL__N_") || text.includes("A0x")) {
    text = text.replace(/[`']anonymous[ -]namespace'|\{anonymous\}|<anonymous namespace>|\b_GLOBAL__N_\d|\?A0x[0-9a-fA-F]+/g, "(anonymous namespace)");
  }
  // The function that a closure without captures converts to.
  if (text.includes("lambda_invoker_")) text = text.replace(/<lambda_invoker_\w+>/g, "__invoke");
  if (text.includes("lambda")) text = replaceLambdas(text);
  if (text.includes("::_FUN")) text = text.replace(/(?:\$|\{unnamed type\})::_FUN\b/g, "$$::__invoke");
  // Clang's numbered closures. Numbers shift with every edit of the file.
  if (text.includes("$_")) text = text.replace(/(^|::)\$_\d+(?=::|\(|$)/g, "$1$$");
  // Microsoft's numbered block scopes and adjusting thunks.
  if (text.includes("`")) text = text.replace(/`\d+'::/g, "").replace(/`adjustor\{\d+\}'/g, "");
  if (text.startsWith("[thunk]:")) text = text.slice("[thunk]:".length).trimStart();
  // Inline namespaces that only version a standard library, and ABI tags.
  if (text.includes("std::_")) text = text.replace(/\bstd::(?:__1|__2|__ndk1|__Cr|__cxx11)::/g, "std::");
  if (text.includes("[abi:")) text = text.replace(/\[abi:\w+\]/g, "");
  return text;
}

/** Microsoft's <lambda_1f>, clang's <lambda0>, GNU's {lambda(int)#1} and <lambda(int)>, LLVM's 'lambda0'(int): all become $. */
function replaceLambdas(text: string): string {
  let out = "";
  let from = 0;
  for (let at = text.indexOf("lambda"); at >= 0; at = text.indexOf("lambda", Math.max(from, at + 1))) {
    const open = at - 1;
    if (open < from) continue;
    const bracket = text[open];
    const after = text[at + "lambda".length];
    let end = -1;
    if ((bracket === "{" && after === "(") || (bracket === "<" && /^(?:[(_]|\d*>)/.test(text.slice(at + "lambda".length, at + "lambda".length + 12)))) {
      const close = closingBracket(text, open);
      end = close < 0 ? text.length : close + 1;
    } else if (bracket === "'") {
      const quote = text.indexOf("'", at);
      if (quote > 0 && /^\d*$/.test(text.slice(at + "lambda".length, Math.min(quote, at + 32)))) end = quote + 1;
      else if (quote < 0) break;
    }
    if (end < 0) continue;
    out += `${text.slice(from, open)}$`;
    from = end;
  }
  return out + text.slice(from);
}

const partSuffixes = new Set(["cold", "part", "isra", "constprop", "lto_priv", "llvm", "localalias"]);

/** Drops the marks of parts that a compiler split off or cloned from one function: ` [clone .cold.3]`, `.isra.0`. */
export function dropCloneMarks(name: string): string {
  let text = name;
  for (let at = text.indexOf("[clone "); at >= 0; at = text.indexOf("[clone ", at)) {
    const close = text.indexOf("]", at);
    text = text.slice(0, at).trimEnd() + (close < 0 ? "" : text.slice(close + 1));
  }
  for (;;) {
    const dot = text.lastIndexOf(".");
    if (dot <= 0) return text;
    const word = text.slice(dot + 1, dot + 1 + 24);
    if (dot + 1 + word.length !== text.length) return text;
    if (partSuffixes.has(word)) text = text.slice(0, dot);
    else {
      if (!/^\d+$/.test(word)) return text;
      const before = text.lastIndexOf(".", dot - 1);
      if (before <= 0 || !partSuffixes.has(text.slice(before + 1, dot))) return text;
      text = text.slice(0, before);
    }
  }
}

const trailingQualifiers = [" const", ")const", " volatile", ")volatile", " noexcept", ")noexcept", "&"];

/** Drops the qualifiers of a member function, but not the `&` of `operator&` nor of a conversion to a reference. */
function dropTrailingQualifiers(name: string): string {
  let floor = 0;
  const operator = name.lastIndexOf("operator");
  if (operator >= 0) {
    const end = operatorEnd(name, operator);
    if (end > 0) floor = end === operator + "operator".length ? Math.max(end, name.lastIndexOf(")") + 1) : end;
    // A conversion without an argument list: all that follows is its type.
    if (floor === operator + "operator".length) return name;
  }
  let text = name.trimEnd();
  for (;;) {
    const qualifier = trailingQualifiers.find((word) => text.endsWith(word));
    if (qualifier === undefined) return text;
    const length = text.length - (qualifier.startsWith(")") ? qualifier.length - 1 : qualifier.length);
    if (length < floor || length === 0) return text;
    text = text.slice(0, length).trimEnd();
  }
}
