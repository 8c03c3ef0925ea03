// The state of one parse: the input's bytes, the nodes made, and the tables
// that the grammar keeps. One object serves every name in turn, so that a name
// costs no allocation but its text.
import { CONST, IS_DYNAMIC, RESTRICT, TEXT, VOLATILE } from "./itanium/node-kinds.ts";

/** Bytes of the longest name that is read. The longest seen in real programs (V8, Eigen, Boost) have 4 to 20 kB. */
export const INPUT_BYTES_MAX = 1 << 16;
/** Nested types, names and expressions that are followed. Real names stay below 60. */
export const DEPTH_MAX = 200;
const NODE_NUMBERS_MAX = 1 << 18;
const LIST_MAX = 1 << 16;
const STACK_MAX = 1 << 14;
const SUBSTITUTIONS_MAX = 1 << 14;

/** A parse; the functions of the grammar move `pos` and answer a node, or 0 when the input does not fit. */
export class Parser {
  readonly bytes = new Uint8Array(INPUT_BYTES_MAX + 16);
  pos = 0;
  /** Bytes in the input; `bytes` holds zeros behind it, which no rule of the grammar takes. */
  end = 0;
  depth = 0;
  /** Nodes: see node-kinds.ts. */
  readonly nodes = new Int32Array(NODE_NUMBERS_MAX + 16);
  nodeEnd = 4;
  private fixedEnd = 4;
  /** Runs of nodes that lists refer to. */
  readonly lists = new Int32Array(LIST_MAX);
  listEnd = 0;
  /** Lists that are being read. */
  readonly stack = new Int32Array(STACK_MAX);
  top = 0;
  /** What `S_`, `S0_` … stand for. */
  readonly substitutions = new Int32Array(SUBSTITUTIONS_MAX);
  substitutionCount = 0;
  /** What `T_`, `T0_` … stand for in the encoding being read: `parameterCount` from `parameterBase`. */
  readonly parameters = new Int32Array(STACK_MAX);
  parameterBase = 0;
  parameterCount = 0;
  /** Number of the encoding being read, from 1. */
  scope = 0;
  private scopes = 0;
  /** True once the encoding being read has used one of its template parameters. */
  usesParameters = false;
  /** For each substitution: the encoding it was made in, if it may hold one of that one's parameters, and else 0. */
  readonly substitutionScopes = new Int32Array(SUBSTITUTIONS_MAX);
  /** True once `sr` was met in a form that GCC and clang mean differently. */
  isAmbiguous = false;
  /** Such forms are read as GCC writes them. */
  prefersGnu = false;
  /** Over 0 inside the signature of a lambda, where `T_` is a parameter of its own. */
  lambdaDepth = 0;
  /** Template parameters that the lambda being read declares. */
  declaredCount = 0;
  /** True while the type of a conversion operator is read: `T_` means arguments that follow. */
  inConversion = false;
  /** FORWARD nodes that wait for the arguments, on top of `stack`'s sibling. */
  readonly forwards = new Int32Array(256);
  forwardCount = 0;
  /** Of the name read last: it ends with template arguments. */
  nameHasArguments = false;
  /** Of the name read last: a constructor, destructor or conversion, which have no return type. */
  nameIsSpecial = false;
  /** Of the name read last: qualifiers of the member function. */
  nameQualifiers = 0;

  /** Starts a new name, of which `end` bytes are in `bytes`. */
  start(end: number): void {
    this.pos = 0;
    this.end = end;
    this.bytes.fill(0, end, end + 8);
    this.depth = 0;
    this.nodeEnd = this.fixedEnd;
    this.listEnd = 0;
    this.top = 0;
    this.substitutionCount = 0;
    this.parameterBase = 0;
    this.parameterCount = 0;
    this.lambdaDepth = 0;
    this.declaredCount = 0;
    this.inConversion = false;
    this.forwardCount = 0;
    this.scope = 0;
    this.scopes = 0;
    this.usesParameters = false;
    this.isAmbiguous = false;
  }

  /** The number of a new encoding. */
  nextScope(): number {
    return ++this.scopes;
  }

  /** Makes a node that outlives the names: of a builtin type, say. */
  fixedText(value: number, className = 0): number {
    const node = this.node(TEXT, value, 0, className);
    this.fixedEnd = this.nodeEnd;
    return node;
  }

  /** A node; 0 when there are too many. */
  node(tag: number, a: number, b: number, c: number): number {
    const at = this.nodeEnd;
    if (at >= NODE_NUMBERS_MAX) return 0;
    const nodes = this.nodes;
    nodes[at] = tag;
    nodes[at + 1] = a;
    nodes[at + 2] = b;
    nodes[at + 3] = c;
    this.nodeEnd = at + 4;
    return at;
  }

  /** A node with the field d. */
  longNode(tag: number, a: number, b: number, c: number, d: number): number {
    const at = this.node(tag, a, b, c);
    if (at === 0) return 0;
    this.nodes[at + 4] = d;
    this.nodeEnd = at + 8;
    return at;
  }

  /** Adds to the list being read; false when it is too long. */
  push(node: number): boolean {
    if (node === 0 || this.top >= STACK_MAX) return false;
    this.stack[this.top++] = node;
    return true;
  }

  /** Ends the list that began at `mark`: its start in `lists`, and -1 when they are full. The caller keeps the count, `top - mark`, before. */
  closeList(mark: number): number {
    const count = this.top - mark;
    const start = this.listEnd;
    if (start + count > LIST_MAX) return -1;
    for (let i = 0; i < count; i++) this.lists[start + i] = this.stack[mark + i]!;
    this.listEnd = start + count;
    this.top = mark;
    return start;
  }

  /** Notes what the next `S_` stands for; answers the node, or 0. */
  substitute(node: number): number {
    if (node === 0 || this.substitutionCount >= SUBSTITUTIONS_MAX) return 0;
    this.substitutionScopes[this.substitutionCount] = this.usesParameters ? this.scope : 0;
    this.substitutions[this.substitutionCount++] = node;
    return node;
  }

  /** Notes what the next `T_` stands for. */
  addParameter(node: number): boolean {
    const at = this.parameterBase + this.parameterCount;
    if (node === 0 || at >= STACK_MAX) return false;
    this.parameters[at] = node;
    this.parameterCount++;
    return true;
  }

  /** A parameter whose argument comes later. */
  forward(tag: number, index: number): number {
    if (this.forwardCount >= this.forwards.length) return 0;
    const node = this.node(tag | IS_DYNAMIC, 0, index, 0);
    this.forwards[this.forwardCount++] = node;
    return node;
  }

  /** Takes `byte` if it is next. */
  take(byte: number): boolean {
    if (this.bytes[this.pos] !== byte) return false;
    this.pos++;
    return true;
  }

  /** Reads digits, of any count; false when there are none. */
  digits(): boolean {
    const from = this.pos;
    for (let byte = this.bytes[this.pos]!; byte >= 0x30 && byte <= 0x39; byte = this.bytes[this.pos]!) this.pos++;
    return this.pos > from;
  }

  /** Reads `r`, `V`, `K`; 0 when there is none. */
  qualifiers(): number {
    let bits = 0;
    if (this.take(0x72)) bits |= RESTRICT;
    if (this.take(0x56)) bits |= VOLATILE;
    if (this.take(0x4b)) bits |= CONST;
    return bits;
  }

  /** Reads decimal digits; -1 when there are none or the number is too large to be a length here. */
  number(): number {
    const from = this.pos;
    let value = 0;
    for (;;) {
      const digit = this.bytes[this.pos]! - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      if (value > 0xfffffff) return -1;
      this.pos++;
    }
    return this.pos === from ? -1 : value;
  }

  /** Reads `_` as 0 and `<number>_` as number + 1; -1 when neither is there. Of lambdas, unnamed types, parameters. */
  ordinal(): number {
    if (this.take(0x5f)) return 0;
    const value = this.number();
    return value >= 0 && this.take(0x5f) ? value + 1 : -1;
  }
}

/** The parse that all names use. */
export const parser = new Parser();

/** Puts a name, without its first `from` characters, into the parser; false when it is too long. The lengths in names count bytes of UTF-8. */
export function load(name: string, from: number, to: number): boolean {
  const size = to - from;
  if (size > INPUT_BYTES_MAX) return false;
  const { bytes } = parser;
  for (let i = 0; i < size; i++) {
    const unit = name.charCodeAt(from + i);
    if (unit > 0x7f) {
      const coded = Buffer.from(name.slice(from, to));
      if (coded.length > INPUT_BYTES_MAX) return false;
      bytes.set(coded);
      parser.start(coded.length);
      return true;
    }
    bytes[i] = unit;
  }
  parser.start(size);
  return true;
}
