// One component of a name: a word, an operator, a constructor, a lambda.
import {
  ABI_TAG, AUTO, BINDING, CONSTRUCTOR, CONVERSION, DECLARED_PARAMETER, DESTRUCTOR, EXTRA_SHIFT, IN_MODULE, IS_DYNAMIC, LAMBDA, LITERAL_OPERATOR, MODULE, OPERATOR, SOURCE, UNNAMED, VENDOR_OPERATOR,
} from "./node-kinds.ts";
import { VOID } from "./builtin-types.ts";
import { grammar } from "./grammar.ts";
import { operatorRow } from "./operators.ts";
import { DEPTH_MAX, parser, type Parser } from "../parser.ts";
import { text } from "../texts.ts";

const ANONYMOUS = parser.fixedText(text("(anonymous namespace)"));
const TYPENAME = text("typename $T");
const TEMPLATE_NAME = text("template<> typename $TT");
const PACK_TYPENAME = text("typename... $T");
const TYPE_NAME = text("$T");
const SPACED_VALUE_NAME = text(" $N");

/** Reads one component of a name; `scope` is what it is in, or 0. */
export function unqualifiedName(p: Parser, scope: number): number {
  const inModule = p.bytes[p.pos] === 0x57 /* W */ ? moduleName(p) : 0;
  if (inModule < 0) return 0;
  // Friends, and names with internal linkage, are written as others.
  if (p.bytes[p.pos] === 0x46 /* F */ && scope !== 0) p.pos++;
  if (p.bytes[p.pos] === 0x4c /* L */) p.pos++;
  const byte = p.bytes[p.pos]!;
  let node = 0;
  p.nameIsSpecial = false;
  if (byte >= 0x30 && byte <= 0x39) node = sourceName(p);
  else if (byte >= 0x61 && byte <= 0x7a) node = operatorName(p);
  else if (byte === 0x43 /* C */) node = constructorName(p, scope);
  else if (byte === 0x44 /* D */) node = p.bytes[p.pos + 1] === 0x43 /* C */ ? bindingName(p) : destructorName(p, scope);
  else if (byte === 0x55 /* U */) node = unnamedType(p);
  if (node !== 0 && inModule !== 0) node = p.node(IN_MODULE, node, inModule, 0);
  return abiTags(p, node);
}

/** Reads `B <tag>`, any number of them. */
export function abiTags(p: Parser, of: number): number {
  let node = of;
  while (node !== 0 && p.take(0x42 /* B */)) {
    const size = p.number();
    if (size <= 0 || p.pos + size > p.end) return 0;
    node = p.node(ABI_TAG, node, p.pos, size);
    p.pos += size;
  }
  return node;
}

/** Reads `<length> <bytes>`. */
export function sourceName(p: Parser): number {
  const size = p.number();
  const from = p.pos;
  if (size <= 0 || from + size > p.end) return 0;
  p.pos = from + size;
  const bytes = p.bytes;
  // GCC and clang: _GLOBAL__N_1, with `.` or `$` where the target allows it.
  if (size >= 10 && bytes[from] === 0x5f && bytes[from + 1] === 0x47 && isGlobalN(bytes, from)) return ANONYMOUS;
  return p.node(SOURCE, from, size, 0);
}

const globalPrefix = new TextEncoder().encode("_GLOBAL_");

function isGlobalN(bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < globalPrefix.length; i++) if (bytes[from + i] !== globalPrefix[i]) return false;
  const mark = bytes[from + 8];
  return (mark === 0x2e || mark === 0x5f || mark === 0x24) && bytes[from + 9] === 0x4e /* N */;
}

/** Reads `W <name>`, `WP <name>` and their sequences; -1 when they do not fit. */
function moduleName(p: Parser): number {
  let node = 0;
  while (p.take(0x57)) {
    const isPartition = p.take(0x50);
    const part = sourceName(p);
    if (part === 0) return -1;
    node = p.substitute(p.node(MODULE | ((isPartition ? 1 : 0) << EXTRA_SHIFT), node, part, 0));
    if (node === 0) return -1;
  }
  return node;
}

/** Reads the operator of a name. */
export function operatorName(p: Parser): number {
  const first = p.bytes[p.pos]!;
  const second = p.bytes[p.pos + 1]!;
  if (first === 0x63 /* c */ && second === 0x76 /* v */) {
    p.pos += 2;
    const inConversion = p.inConversion;
    p.inConversion = p.lambdaDepth === 0;
    const target = grammar.type(p);
    p.inConversion = inConversion;
    p.nameIsSpecial = true;
    return target === 0 ? 0 : p.node(CONVERSION, target, 0, 0);
  }
  if (first === 0x6c /* l */ && second === 0x69 /* i */) {
    p.pos += 2;
    const suffix = sourceName(p);
    return suffix === 0 ? 0 : p.node(LITERAL_OPERATOR, suffix, 0, 0);
  }
  if (first === 0x76 /* v */ && second >= 0x30 && second <= 0x39) {
    p.pos += 2;
    const vendor = sourceName(p);
    return vendor === 0 ? 0 : p.node(VENDOR_OPERATOR, vendor, 0, 0);
  }
  const row = operatorRow(first, second);
  if (row < 0) return 0;
  p.pos += 2;
  return p.node(OPERATOR, row, 0, 0);
}

function constructorName(p: Parser, scope: number): number {
  if (scope === 0) return 0;
  const isInherited = p.bytes[p.pos + 1] === 0x49 /* I */;
  if (isInherited) p.pos++;
  const variant = p.bytes[p.pos + 1]!;
  if (variant < 0x31 || variant > 0x35) return 0;
  p.pos += 2;
  const of = isInherited ? grammar.type(p) : scope;
  p.nameIsSpecial = true;
  return of === 0 ? 0 : p.node(CONSTRUCTOR, of, 0, 0);
}

function destructorName(p: Parser, scope: number): number {
  const variant = p.bytes[p.pos + 1]!;
  if (scope === 0 || variant < 0x30 || variant > 0x35) return 0;
  p.pos += 2;
  p.nameIsSpecial = true;
  return p.node(DESTRUCTOR, scope, 0, 0);
}

function bindingName(p: Parser): number {
  p.pos += 2;
  const mark = p.top;
  while (!p.take(0x45)) if (!p.push(sourceName(p))) return 0;
  const count = p.top - mark;
  const start = p.closeList(mark);
  return start < 0 ? 0 : p.node(BINDING, start, count, 0);
}

function unnamedType(p: Parser): number {
  const letter = p.bytes[p.pos + 1];
  p.pos += 2;
  if (letter === 0x74 /* t */) {
    const number = p.ordinal();
    return number < 0 ? 0 : p.node(UNNAMED, 0, 0, number + 1);
  }
  if (letter !== 0x6c /* l */ || p.depth >= DEPTH_MAX) return 0;
  const { declaredCount, inConversion, scope, usesParameters } = p;
  p.depth++;
  p.lambdaDepth++;
  p.declaredCount = 0;
  p.inConversion = false;
  // `auto` parameters are template parameters of the lambda's own function.
  p.scope = p.nextScope();
  p.usesParameters = false;
  const node = lambda(p);
  p.scope = scope;
  p.usesParameters = usesParameters;
  p.inConversion = inConversion;
  p.declaredCount = declaredCount;
  p.lambdaDepth--;
  p.depth--;
  return node;
}

function lambda(p: Parser): number {
  const mark = p.top;
  while (p.bytes[p.pos] === 0x54 /* T */) {
    const declared = declaration(p);
    // A letter that declares nothing: the parameters have begun.
    if (declared === 0) break;
    if (declared < 0 || !p.push(declared)) return 0;
    p.declaredCount++;
  }
  const declaredCount = p.top - mark;
  while (!p.take(0x45)) if (!p.push(grammar.type(p))) return 0;
  if (p.top === mark + declaredCount + 1 && p.stack[p.top - 1] === VOID) p.top--;
  const count = p.top - mark;
  const start = p.closeList(mark);
  const number = p.ordinal();
  return start < 0 || number < 0 ? 0 : p.node(LAMBDA | (declaredCount << EXTRA_SHIFT), start, count, number + 1);
}

/** Reads a template parameter that a lambda declares; 0 when none is there, -1 when it does not fit. */
function declaration(p: Parser): number {
  const letter = p.bytes[p.pos + 1];
  const index = p.declaredCount;
  if (letter === 0x79 /* y */) {
    p.pos += 2;
    return p.node(DECLARED_PARAMETER, TYPENAME, index, 0) || -1;
  }
  if (letter === 0x6e /* n */) {
    p.pos += 2;
    const of = grammar.type(p);
    return of === 0 ? -1 : p.node(DECLARED_PARAMETER, SPACED_VALUE_NAME, index, of) || -1;
  }
  if (letter === 0x70 /* p */) {
    p.pos += 1;
    // Of packs only those of types are known to be emitted.
    if (p.bytes[p.pos + 1] !== 0x54 || p.bytes[p.pos + 2] !== 0x79) return -1;
    p.pos += 3;
    return p.node(DECLARED_PARAMETER, PACK_TYPENAME, index, 0) || -1;
  }
  if (letter === 0x74 /* t */) {
    p.pos += 2;
    while (!p.take(0x45)) if (declaration(p) <= 0) return -1;
    return p.node(DECLARED_PARAMETER, TEMPLATE_NAME, index, 0) || -1;
  }
  return 0;
}

/** What `T_` is inside a lambda: a parameter it declares, or an `auto`. */
export function lambdaParameter(p: Parser, index: number): number {
  return p.node(AUTO | IS_DYNAMIC, index, index < p.declaredCount ? TYPE_NAME : 0, 0);
}
