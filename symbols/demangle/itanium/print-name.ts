// Names and encodings as text, in the spelling of libstdc++'s __cxa_demangle,
// which Breakpad's dump_syms puts into symbol files.
import {
  ABI_TAG, BINDING, CONST, CONSTRUCTION_VTABLE, CONSTRUCTOR, CONVERSION, DECLARED_PARAMETER, DESTRUCTOR, ENCODING, EXTRA_SHIFT, FUNCTION, HAS_RIGHT, IN_MODULE, KIND_MASK, LAMBDA, LITERAL_OPERATOR, LOCAL, MODULE, NESTED,
  NOEXCEPT, NOEXCEPT_IF, OPERATOR, REF, REFERENCE_TEMPORARY, RESTRICT, RVALUE_REF, SOURCE, SPECIAL, TEMPLATE, TEXT, THROWS, TRANSACTION_SAFE, UNNAMED, VENDOR_OPERATOR, VOLATILE,
} from "./node-kinds.ts";
import { operatorIsWord, operatorTexts } from "./operators.ts";
import { OUTSIDE, type Output } from "../output.ts";
import { parser } from "../parser.ts";
import { argumentElement, shape } from "./pack.ts";
import { printer, printType } from "./printer.ts";
import { text } from "../texts.ts";

const { nodes, lists, bytes } = parser;

const SCOPE = text("::");
const OPERATOR_WORD = text("operator");
const LITERAL_WORD = text('operator"" ');
const ABI = text("[abi:");
const LAMBDA_OPEN = text("{lambda");
const UNNAMED_OPEN = text("{unnamed type#");
const DEFAULT_OPEN = text("{default arg#");
const CLOSE_HASH = text(")#");
const COMMA = text(", ");
const CONSTRUCTION = text("construction vtable for ");
const IN = text("-in-");
const TEMPORARY = text("reference temporary #");
const FOR = text(" for ");
const CONST_TEXT = text(" const");
const VOLATILE_TEXT = text(" volatile");
const RESTRICT_TEXT = text(" restrict");
const REF_TEXT = text(" &");
const RVALUE_TEXT = text(" &&");
const NOEXCEPT_TEXT = text(" noexcept");
const THROW_TEXT = text(" throw");
const SAFE_TEXT = text(" transaction_safe");

/** Prints any node that is not a type with a declarator. */
export function printName(o: Output, node: number): void {
  const tag = nodes[node]!;
  const a = nodes[node + 1]!;
  const b = nodes[node + 2]!;
  const c = nodes[node + 3]!;
  switch (tag & KIND_MASK) {
    case SOURCE:
      o.slice(bytes, a, b);
      return;
    case TEXT:
      o.text(a);
      return;
    case NESTED:
      printType(o, a);
      o.text(SCOPE);
      printType(o, b);
      return;
    case TEMPLATE:
      printType(o, a);
      printArguments(o, b, c);
      return;
    case ENCODING:
      printEncoding(o, node, true);
      return;
    case CONSTRUCTOR:
      printClassName(o, a);
      return;
    case DESTRUCTOR:
      o.byte(0x7e);
      printClassName(o, a);
      return;
    case OPERATOR:
      o.text(OPERATOR_WORD);
      if (operatorIsWord[a]!) o.byte(0x20);
      o.text(operatorTexts[a]!);
      return;
    case CONVERSION:
    case VENDOR_OPERATOR:
      o.text(OPERATOR_WORD);
      o.byte(0x20);
      printType(o, a);
      return;
    case LITERAL_OPERATOR:
      o.text(LITERAL_WORD);
      printType(o, a);
      return;
    case ABI_TAG:
      printType(o, a);
      o.text(ABI);
      o.slice(bytes, b, c);
      o.byte(0x5d);
      return;
    case LOCAL:
      printLocal(o, a, b, c);
      return;
    case LAMBDA:
      printLambda(o, a, b, c, tag >>> EXTRA_SHIFT);
      return;
    case UNNAMED:
      o.text(UNNAMED_OPEN);
      o.number(c);
      o.byte(0x7d);
      return;
    case BINDING:
      o.byte(0x5b);
      printList(o, a, b);
      o.byte(0x5d);
      return;
    case SPECIAL:
      o.text(a);
      printType(o, b);
      return;
    case CONSTRUCTION_VTABLE:
      o.text(CONSTRUCTION);
      printType(o, a);
      o.text(IN);
      printType(o, b);
      return;
    case REFERENCE_TEMPORARY:
      o.text(TEMPORARY);
      o.number(b);
      o.text(FOR);
      printType(o, a);
      return;
    case IN_MODULE:
      printType(o, a);
      o.byte(0x40);
      printType(o, b);
      return;
    case MODULE:
      if (a !== 0) printType(o, a);
      if (tag >>> EXTRA_SHIFT === 1) o.byte(0x3a);
      else if (a !== 0) o.byte(0x2e);
      printType(o, b);
      return;
    case DECLARED_PARAMETER:
      if (c !== 0) printType(o, c);
      o.text(a);
      o.number(b);
      return;
    default:
      // A node that prints as nothing would hide a mistake in the grammar.
      o.failed = true;
  }
}

/** Prints `<arguments>`. */
export function printArguments(o: Output, start: number, count: number): void {
  // `operator<` must not meet the bracket, nor one bracket the other.
  if (o.last() === 0x3c) o.byte(0x20);
  o.byte(0x3c);
  const isWhole = printList(o, start, count);
  // GNU forgets the space when an empty pack comes last.
  if (isWhole && o.last() === 0x3e) o.byte(0x20);
  o.byte(0x3e);
}

/** Prints a list; what prints as nothing, as an empty pack, leaves no comma. False when the last comma was taken back. */
export function printList(o: Output, start: number, count: number): boolean {
  let isFirst = true;
  let isWhole = true;
  for (let i = 0; i < count; i++) {
    const before = o.length;
    if (!isFirst) o.text(COMMA);
    const from = o.length;
    printType(o, lists[start + i]!);
    isWhole = o.length !== from || isFirst;
    if (o.length === from) o.length = before;
    else isFirst = false;
    if (o.failed) return false;
  }
  return isWhole;
}

/** Prints a function with its parameters and, if `withResult`, what it returns; a variable is only its name. */
export function printEncoding(o: Output, node: number, withResult: boolean): void {
  const name = nodes[node + 1]!;
  const signature = nodes[node + 2]!;
  const bits = nodes[node]! >>> EXTRA_SHIFT;
  const { scope, isForeign, scopeStart, scopeCount, packIndex, packCount, lambdaDepth } = o;
  o.packIndex = OUTSIDE;
  o.lambdaDepth = 0;
  o.scope = nodes[node + 3]!;
  o.isForeign = false;
  setScope(o, name);
  if (signature === 0) printType(o, name);
  else {
    const result = withResult ? nodes[signature + 1]! : 0;
    if (result !== 0) {
      printer.left(o, result);
      if ((shape(o, result) & HAS_RIGHT) === 0) o.byte(0x20);
    }
    printType(o, name);
    printParameters(o, signature);
    if (result !== 0) printer.right(o, result);
  }
  printQualifiers(o, bits);
  o.scope = scope;
  o.isForeign = isForeign;
  o.scopeStart = scopeStart;
  o.scopeCount = scopeCount;
  o.packIndex = packIndex;
  o.packCount = packCount;
  o.lambdaDepth = lambdaDepth;
}

function setScope(o: Output, name: number): void {
  let node = name;
  while ((nodes[node]! & KIND_MASK) === LOCAL) node = nodes[node + 2]!;
  if ((nodes[node]! & KIND_MASK) !== TEMPLATE) {
    o.scopeCount = 0;
    return;
  }
  o.scopeStart = nodes[node + 2]!;
  o.scopeCount = nodes[node + 3]!;
}

/** Prints `(parameters)` of a function type. */
export function printParameters(o: Output, signature: number): void {
  o.byte(0x28);
  printList(o, nodes[signature + 2]!, nodes[signature + 3]!);
  o.byte(0x29);
}

/** Prints qualifiers of a type or a function, as they stand behind it. */
export function printQualifiers(o: Output, bits: number): void {
  if (bits === 0) return;
  if ((bits & CONST) !== 0) o.text(CONST_TEXT);
  if ((bits & VOLATILE) !== 0) o.text(VOLATILE_TEXT);
  if ((bits & RESTRICT) !== 0) o.text(RESTRICT_TEXT);
  if ((bits & REF) !== 0) o.text(REF_TEXT);
  if ((bits & RVALUE_REF) !== 0) o.text(RVALUE_TEXT);
}

/** Prints what a function type throws. */
export function printExceptions(o: Output, bits: number, detail: number): void {
  if ((bits & TRANSACTION_SAFE) !== 0) o.text(SAFE_TEXT);
  if ((bits & (NOEXCEPT | NOEXCEPT_IF)) !== 0) o.text(NOEXCEPT_TEXT);
  if ((bits & THROWS) !== 0) o.text(THROW_TEXT);
  if (detail === 0) return;
  o.byte(0x28);
  if ((bits & THROWS) !== 0) printList(o, nodes[detail + 2]!, nodes[detail + 3]!);
  else printType(o, detail);
  o.byte(0x29);
}

/** The class's own name, without scope and arguments, as its constructor has it. */
function printClassName(o: Output, of: number): void {
  let node = of;
  for (let steps = 0; steps < 1000; steps++) {
    const kind = nodes[node]! & KIND_MASK;
    if (kind === NESTED || kind === LOCAL) node = nodes[node + 2]!;
    else if (kind === TEMPLATE || kind === ABI_TAG || kind === IN_MODULE) node = nodes[node + 1]!;
    else if (kind === TEXT && nodes[node + 3]! !== 0) {
      o.text(nodes[node + 3]!);
      return;
    } else {
      const inner = argumentElement(o, node);
      if (inner === 0 || inner === node) break;
      node = inner;
    }
  }
  printType(o, node);
}

function printLocal(o: Output, owner: number, entity: number, defaultArgument: number): void {
  // The parameters tell overloads apart; what the function returns does not.
  if ((nodes[owner]! & KIND_MASK) === ENCODING) printEncoding(o, owner, false);
  else printType(o, owner);
  o.text(SCOPE);
  if (defaultArgument !== 0) {
    o.text(DEFAULT_OPEN);
    o.number(defaultArgument);
    o.byte(0x7d);
    o.text(SCOPE);
  }
  printType(o, entity);
}

function printLambda(o: Output, start: number, count: number, number: number, declaredCount: number): void {
  const { packIndex, packCount, isForeign } = o;
  o.packIndex = OUTSIDE;
  o.isForeign = false;
  o.lambdaDepth++;
  o.text(LAMBDA_OPEN);
  if (declaredCount > 0) printArguments(o, start, declaredCount);
  o.byte(0x28);
  printList(o, start + declaredCount, count - declaredCount);
  o.text(CLOSE_HASH);
  o.number(number);
  o.byte(0x7d);
  o.lambdaDepth--;
  o.isForeign = isForeign;
  o.packIndex = packIndex;
  o.packCount = packCount;
}

/** True for a node that is a function with parameters. */
export function isFunctionEncoding(node: number): boolean {
  return (nodes[node]! & KIND_MASK) === ENCODING && nodes[node + 2]! !== 0 && (nodes[nodes[node + 2]!]! & KIND_MASK) === FUNCTION;
}
