// Names (Itanium C++ ABI 5.1.3): nested, local, and those of `std`.
import { LOCAL, NESTED, REF, RVALUE_REF, TEMPLATE } from "./node-kinds.ts";
import { grammar } from "./grammar.ts";
import { DEPTH_MAX, parser, type Parser } from "../parser.ts";
import { decltype, STD, substitution, templateArguments, templateParameter } from "./template.ts";
import { text } from "../texts.ts";
import { abiTags, unqualifiedName } from "./unqualified-name.ts";

const STRING_LITERAL = parser.fixedText(text("string literal"));

/** Reads a name; with `names`, its last template arguments are what `T_` means from then on. Says in `p.name…` what sort of name it was. */
export function name(p: Parser, names: boolean): number {
  switch (p.bytes[p.pos]) {
    case 0x4e /* N */:
      return nestedName(p, names);
    case 0x5a /* Z */:
      return localName(p, names);
    case 0x53 /* S */:
      if (p.bytes[p.pos + 1] !== 0x74 /* t */) {
        // Only the template of a template's name is known by a substitution here.
        const known = substitution(p);
        return known === 0 || p.bytes[p.pos] !== 0x49 /* I */ ? 0 : withArguments(p, known, names, false);
      }
      p.pos += 2;
      return plainName(p, names, true);
    default:
      return plainName(p, names, false);
  }
}

function plainName(p: Parser, names: boolean, inStd: boolean): number {
  let node = unqualifiedName(p, 0);
  const isSpecial = p.nameIsSpecial;
  if (node !== 0 && inStd) node = p.node(NESTED, STD, node, 0);
  if (node !== 0 && p.bytes[p.pos] === 0x49 /* I */) return p.substitute(node) === 0 ? 0 : withArguments(p, node, names, isSpecial);
  p.nameHasArguments = false;
  p.nameQualifiers = 0;
  return node;
}

function withArguments(p: Parser, node: number, names: boolean, isSpecial: boolean): number {
  const whole = applied(p, node, names);
  p.nameHasArguments = true;
  p.nameIsSpecial = isSpecial;
  p.nameQualifiers = 0;
  return whole;
}

function applied(p: Parser, node: number, names: boolean): number {
  const mark = p.top;
  if (!templateArguments(p, names)) return 0;
  const count = p.top - mark;
  const start = p.closeList(mark);
  return start < 0 ? 0 : p.node(TEMPLATE, node, start, count);
}

function nestedName(p: Parser, names: boolean): number {
  p.pos++;
  let memberQualifiers = p.qualifiers();
  if (p.take(0x52 /* R */)) memberQualifiers |= REF;
  else if (p.take(0x4f /* O */)) memberQualifiers |= RVALUE_REF;
  let node = 0;
  let hasArguments = false;
  let isSpecial = false;
  // The whole name is no candidate here: as a type it becomes one where types are read.
  let isLastSubstitution = false;
  while (!p.take(0x45 /* E */)) {
    isLastSubstitution = false;
    switch (p.bytes[p.pos]) {
      case 0x53 /* S */:
        if (node !== 0) return 0;
        if (p.bytes[p.pos + 1] === 0x74 /* t */) {
          p.pos += 2;
          node = STD;
        } else node = substitution(p, true);
        if (node === 0) return 0;
        continue;
      case 0x49 /* I */:
        if (node === 0 || hasArguments) return 0;
        node = applied(p, node, names);
        hasArguments = true;
        break;
      case 0x54 /* T */:
        if (node !== 0) return 0;
        node = templateParameter(p);
        hasArguments = false;
        isSpecial = false;
        break;
      case 0x42 /* B */:
        node = abiTags(p, node);
        break;
      case 0x4d /* M */:
        // The initializer of a data member, in which a lambda is.
        if (node === 0) return 0;
        p.pos++;
        continue;
      default: {
        const next = p.bytes[p.pos + 1];
        if (p.bytes[p.pos] === 0x44 /* D */ && (next === 0x74 /* t */ || next === 0x54 /* T */)) {
          if (node !== 0) return 0;
          node = decltype(p);
        } else {
          const part = unqualifiedName(p, node);
          isSpecial = p.nameIsSpecial;
          node = node === 0 || part === 0 ? part : p.node(NESTED, node, part, 0);
        }
        hasArguments = false;
      }
    }
    if (p.substitute(node) === 0) return 0;
    isLastSubstitution = true;
  }
  if (isLastSubstitution) p.substitutionCount--;
  p.nameHasArguments = hasArguments;
  p.nameIsSpecial = isSpecial;
  p.nameQualifiers = memberQualifiers;
  return node === STD ? 0 : node;
}

function localName(p: Parser, names: boolean): number {
  if (p.depth >= DEPTH_MAX) return 0;
  p.depth++;
  const node = localEntity(p, names);
  p.depth--;
  return node;
}

function localEntity(p: Parser, names: boolean): number {
  p.pos++;
  const owner = grammar.encoding(p);
  if (owner === 0 || !p.take(0x45 /* E */)) return 0;
  if (p.bytes[p.pos] === 0x73 /* s */ && !isNameByte(p.bytes[p.pos + 1]!)) {
    p.pos++;
    p.nameHasArguments = false;
    p.nameIsSpecial = false;
    p.nameQualifiers = 0;
    return discriminator(p) ? p.node(LOCAL, owner, STRING_LITERAL, 0) : 0;
  }
  let defaultArgument = 0;
  // `d_` and `d0_`, not the operators that begin with d.
  if (p.bytes[p.pos] === 0x64 /* d */ && !isLower(p.bytes[p.pos + 1]!) && p.bytes[p.pos + 1] !== 0x56 /* V */) {
    p.pos++;
    defaultArgument = p.ordinal() + 1;
    if (defaultArgument === 0) return 0;
  }
  const entity = name(p, names);
  if (entity === 0 || !discriminator(p)) return 0;
  return p.node(LOCAL, owner, entity, defaultArgument);
}

function isLower(byte: number): boolean {
  return byte >= 0x61 && byte <= 0x7a;
}

function isNameByte(byte: number): boolean {
  return isLower(byte) || byte === 0x72;
}

/** Reads what tells equal local names apart, which is not written: `_3`, `__12_`; false when it does not fit. */
function discriminator(p: Parser): boolean {
  const from = p.pos;
  if (!p.take(0x5f)) return true;
  const isLong = p.take(0x5f);
  if (p.number() >= 0) return !isLong || p.take(0x5f);
  p.pos = from;
  return true;
}
