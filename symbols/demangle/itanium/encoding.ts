// Encodings (Itanium C++ ABI 5.1.2): a function with its parameters, a variable,
// or a thing the compiler made.
import { ENCODING, EXTRA_SHIFT } from "./node-kinds.ts";
import { VOID } from "./builtin-types.ts";
import { grammar } from "./grammar.ts";
import { name } from "./name.ts";
import { DEPTH_MAX, type Parser } from "../parser.ts";
import { specialName } from "./special-name.ts";
import { resolveForwards } from "./template.ts";
import { functionNode, type } from "./type.ts";

/** Reads an encoding; 0 when the input does not fit. */
export function encoding(p: Parser): number {
  if (p.depth >= DEPTH_MAX) return 0;
  // The parameters of an inner encoding are its own.
  const { parameterBase, parameterCount, lambdaDepth, declaredCount, inConversion, scope, usesParameters } = p;
  p.depth++;
  p.parameterBase = parameterBase + parameterCount;
  p.parameterCount = 0;
  p.scope = p.nextScope();
  p.usesParameters = false;
  p.lambdaDepth = 0;
  p.declaredCount = 0;
  p.inConversion = false;
  const byte = p.bytes[p.pos];
  const node = byte === 0x54 /* T */ || byte === 0x47 /* G */ ? specialName(p) : named(p);
  p.depth--;
  p.parameterBase = parameterBase;
  p.parameterCount = parameterCount;
  p.scope = scope;
  p.usesParameters = usesParameters;
  p.lambdaDepth = lambdaDepth;
  p.declaredCount = declaredCount;
  p.inConversion = inConversion;
  return node;
}

function named(p: Parser): number {
  const forwards = p.forwardCount;
  const of = name(p, true);
  if (of === 0 || !resolveForwards(p, forwards)) return 0;
  const bits = p.nameQualifiers;
  const hasResult = p.nameHasArguments && !p.nameIsSpecial;
  if (isEnd(p)) return bits === 0 ? of : p.node(ENCODING | (bits << EXTRA_SHIFT), of, 0, p.scope);
  let result = 0;
  if (hasResult) {
    result = type(p);
    if (result === 0) return 0;
  }
  const mark = p.top;
  do {
    if (!p.push(type(p))) return 0;
  } while (!isEnd(p));
  // `void` stands for no parameters only when it is alone.
  if (p.top > mark + 1 && p.stack[mark] === VOID) return 0;
  const signature = functionNode(p, result, mark, 0, 0);
  return signature === 0 ? 0 : p.node(ENCODING | (bits << EXTRA_SHIFT), of, signature, p.scope);
}

function isEnd(p: Parser): boolean {
  if (p.pos >= p.end) return true;
  const byte = p.bytes[p.pos];
  return byte === 0x45 /* E */ || byte === 0x2e /* . */ || byte === 0x5f /* _ */;
}

grammar.encoding = encoding;
