// Template parameters and arguments, and substitutions (Itanium C++ ABI 5.1.5.8,
// 5.1.5.10): what earlier parts of a name stand for later.
import { ARGUMENT_PACK, DECLTYPE, EXTRA_SHIFT, FOREIGN, FORWARD, IS_DYNAMIC, KIND_MASK, PACK_ELEMENT, PARAMETER_TYPE, SHAPE_MASK } from "./node-kinds.ts";
import { grammar } from "./grammar.ts";
import { DEPTH_MAX, parser, type Parser } from "../parser.ts";
import { text } from "../texts.ts";
import { lambdaParameter } from "./unqualified-name.ts";

/** `std`, which is no substitution candidate. */
export const STD = parser.fixedText(text("std"));

// Members of `std` with a code of their own: the name as users know it, and in
// full, which constructors and destructors show.
const shortNames = new Int32Array(128);
const fullNames = new Int32Array(128);
const streams = "<char, std::char_traits<char> >";
for (const [letter, className, short, full] of [
  ["a", "allocator", "std::allocator", "std::allocator"],
  ["b", "basic_string", "std::basic_string", "std::basic_string"],
  ["s", "basic_string", "std::string", "std::basic_string<char, std::char_traits<char>, std::allocator<char> >"],
  ["i", "basic_istream", "std::istream", `std::basic_istream${streams}`],
  ["o", "basic_ostream", "std::ostream", `std::basic_ostream${streams}`],
  ["d", "basic_iostream", "std::iostream", `std::basic_iostream${streams}`],
] as const) {
  const base = text(className);
  shortNames[letter.charCodeAt(0)] = parser.fixedText(text(short), base);
  fullNames[letter.charCodeAt(0)] = short === full ? shortNames[letter.charCodeAt(0)]! : parser.fixedText(text(full), base);
}

/** Reads `S_`, `S<seq>_`, `Sa` … but not `St`; 0 when nothing is known by it. With `isPrefix`, a constructor may follow, for which the class shows its whole name. */
export function substitution(p: Parser, isPrefix = false): number {
  const letter = p.bytes[++p.pos]!;
  if (letter >= 0x61 /* a */) {
    const short = letter < 128 ? shortNames[letter]! : 0;
    if (short === 0) return 0;
    p.pos++;
    const next = p.bytes[p.pos]!;
    // A constructor or destructor, not a decltype.
    const isOwn = next === 0x43 /* C */ || (next === 0x44 /* D */ && p.bytes[p.pos + 1]! <= 0x39);
    return isPrefix && isOwn ? fullNames[letter]! : short;
  }
  let index = 0;
  if (letter !== 0x5f /* _ */) {
    for (;;) {
      const byte = p.bytes[p.pos]!;
      if (byte >= 0x30 && byte <= 0x39) index = index * 36 + byte - 0x30;
      else if (byte >= 0x41 && byte <= 0x5a) index = index * 36 + byte - 0x41 + 10;
      else break;
      if (index > p.substitutionCount) return 0;
      p.pos++;
    }
    index++;
  }
  if (!p.take(0x5f) || index >= p.substitutionCount) return 0;
  const node = p.substitutions[index]!;
  const scope = p.substitutionScopes[index]!;
  // The parameters in it mean those of the encoding that uses it: compilers see
  // the same type in `T` of one template and `T` of another.
  return scope === 0 || scope === p.scope ? node : p.node(FOREIGN | IS_DYNAMIC, node, 0, 0);
}

/** Reads `T_`, `T<n>_`, `TL<level>__`, `TL<level>_<n>_`. */
export function templateParameter(p: Parser): number {
  p.pos++;
  let level = 0;
  if (p.take(0x4c)) {
    const read = p.number();
    if (read < 0 || !p.take(0x5f)) return 0;
    level = read + 1;
  }
  const index = p.ordinal();
  if (index < 0) return 0;
  if (p.lambdaDepth > 0) return lambdaParameter(p, index);
  // The levels of enclosing templates are all replaced in the names of instances.
  if (level > 0) return 0;
  if (p.inConversion) return p.forward(FORWARD, index);
  p.usesParameters = true;
  return index < p.parameterCount ? p.parameters[p.parameterBase + index]! : 0;
}

/** Reads `I arguments E` and leaves the arguments on the stack; they are what `T_` means from now on if `names` is true. */
export function templateArguments(p: Parser, names: boolean): boolean {
  if (!p.take(0x49) && !p.take(0x4a)) return false;
  if (p.depth >= DEPTH_MAX) return false;
  p.depth++;
  const inConversion = p.inConversion;
  if (names) {
    p.inConversion = false;
    p.parameterCount = 0;
  }
  let isGood = true;
  while (isGood && !p.take(0x45)) {
    const argument = templateArgument(p);
    isGood = p.push(argument) && (!names || p.addParameter(asParameter(p, argument)));
  }
  p.inConversion = inConversion;
  p.depth--;
  return isGood;
}

/** What `T_` means for an argument; of a pack, the element that is being printed. */
function asParameter(p: Parser, argument: number): number {
  const tag = p.nodes[argument]!;
  const index = p.parameterCount;
  if ((tag & KIND_MASK) !== ARGUMENT_PACK) return p.node(PARAMETER_TYPE | (tag & SHAPE_MASK), argument, index, p.scope);
  return p.node(PACK_ELEMENT | IS_DYNAMIC | (index << EXTRA_SHIFT), p.nodes[argument + 1]!, p.nodes[argument + 2]!, p.scope);
}

function templateArgument(p: Parser): number {
  switch (p.bytes[p.pos]) {
    case 0x58 /* X */: {
      p.pos++;
      const value = grammar.expression(p);
      return value === 0 || !p.take(0x45) ? 0 : value;
    }
    case 0x4c /* L */:
      return grammar.primary(p);
    case 0x49 /* I */:
    case 0x4a /* J */: {
      const mark = p.top;
      if (!templateArguments(p, false)) return 0;
      const count = p.top - mark;
      const start = p.closeList(mark);
      return start < 0 ? 0 : p.node(ARGUMENT_PACK, start, count, 0);
    }
    case 0x54 /* T */: {
      // A declaration of the parameter, where the argument alone does not say it (clang 18).
      const next = p.bytes[p.pos + 1];
      if (next === 0x79 /* y */) p.pos += 2;
      else if (next === 0x6e /* n */) {
        p.pos += 2;
        if (grammar.type(p) === 0) return 0;
      } else return grammar.type(p);
      return templateArgument(p);
    }
    default:
      return grammar.type(p);
  }
}

/** Gives the parameters that were read before their arguments their meaning; false when one has none. */
export function resolveForwards(p: Parser, from: number): boolean {
  for (let i = from; i < p.forwardCount; i++) {
    const node = p.forwards[i]!;
    const index = p.nodes[node + 2]!;
    if (index >= p.parameterCount) return false;
    p.nodes[node + 1] = p.parameters[p.parameterBase + index]!;
  }
  p.forwardCount = from;
  return true;
}

/** Reads `Dt expression E` or `DT expression E`. */
export function decltype(p: Parser): number {
  p.pos += 2;
  const of = grammar.expression(p);
  return of === 0 || !p.take(0x45) ? 0 : p.node(DECLTYPE, of, 0, 0);
}
