// What Swift's mangling builds on its stack.

/** What a node is. */
export type SwiftKind =
  | "identifier"
  | "module"
  /** A name that is local to a function or a file, or an operator. */
  | "name"
  /** The mark of a file, for something without a name. */
  | "file"
  | "nominal"
  | "protocol"
  /** Any other type. */
  | "type"
  /** A function, variable or another thing in which things may be declared. */
  | "entity"
  /** An extension of a type. */
  | "extension"
  /** `y`: no elements. */
  | "empty"
  /** `_`: before it is the first element of a list. */
  | "first"
  /** `d`: the element before it may come any number of times. */
  | "variadic"
  /** What a function type says beside its parameters and its result. */
  | "annotation"
  | "requirement"
  | "signature";

/** One node. */
export type SwiftNode = {
  readonly kind: SwiftKind;
  /** How it is shown; "" for types whose spelling nobody asks for. */
  readonly text: string;
  /** Where it is, which is shown behind all that belongs to it: ` in f()`. */
  readonly tail: string;
  /** Of a tuple its elements, of a function its parameters; -1 for others. */
  readonly count: number;
  readonly isFunction: boolean;
  readonly isClass: boolean;
};

/** Makes a node. */
export function swiftNode(kind: SwiftKind, text = "", more: Partial<SwiftNode> = {}): SwiftNode {
  return { kind, text, tail: "", count: -1, isFunction: false, isClass: false, ...more };
}

/** Types that have a letter (`S` and the letter), all of module Swift. */
export const knownTypes: { readonly [letter: string]: string } = {
  A: "AutoreleasingUnsafeMutablePointer",
  a: "Array",
  B: "BinaryFloatingPoint",
  b: "Bool",
  D: "Dictionary",
  d: "Double",
  E: "Encodable",
  e: "Decodable",
  F: "FloatingPoint",
  f: "Float",
  G: "RandomNumberGenerator",
  H: "Hashable",
  h: "Set",
  I: "DefaultIndices",
  i: "Int",
  J: "Character",
  j: "Numeric",
  K: "BidirectionalCollection",
  k: "RandomAccessCollection",
  L: "Comparable",
  l: "Collection",
  M: "MutableCollection",
  m: "RangeReplaceableCollection",
  N: "ClosedRange",
  n: "Range",
  O: "ObjectIdentifier",
  P: "UnsafePointer",
  p: "UnsafeMutablePointer",
  Q: "Equatable",
  q: "Optional",
  R: "UnsafeBufferPointer",
  r: "UnsafeMutableBufferPointer",
  S: "String",
  s: "Substring",
  T: "Sequence",
  t: "IteratorProtocol",
  U: "UnsignedInteger",
  u: "UInt",
  V: "UnsafeRawPointer",
  v: "UnsafeMutableRawPointer",
  W: "UnsafeRawBufferPointer",
  w: "UnsafeMutableRawBufferPointer",
  X: "RangeExpression",
  x: "Strideable",
  Y: "RawRepresentable",
  y: "StringProtocol",
  Z: "SignedInteger",
  z: "BinaryInteger",
};

/** Those that have two (`Sc` and the letter). */
export const knownTasks: { readonly [letter: string]: string } = {
  A: "Actor",
  C: "CheckedContinuation",
  c: "UnsafeContinuation",
  E: "CancellationError",
  e: "UnownedSerialExecutor",
  F: "Executor",
  f: "SerialExecutor",
  G: "TaskGroup",
  g: "ThrowingTaskGroup",
  I: "AsyncIteratorProtocol",
  i: "AsyncSequence",
  J: "UnownedJob",
  M: "MainActor",
  P: "TaskPriority",
  S: "AsyncStream",
  s: "AsyncThrowingStream",
  T: "Task",
  t: "UnsafeCurrentTask",
};

/** Which of those are protocols. */
export const knownProtocols = new Set([..."BEFGHjKkLlMmQTtUXxYyZz"].map((letter) => knownTypes[letter]!).concat("Actor", "Executor", "SerialExecutor", "AsyncIteratorProtocol", "AsyncSequence"));

/** What operators are spelled by: `a` for `&` and so on. */
export const operatorLetters: { readonly [letter: string]: string } = { a: "&", c: "@", d: "/", e: "=", g: ">", l: "<", m: "*", n: "!", o: "|", p: "+", q: "?", r: "%", s: "-", t: "~", x: "^", z: "." };

/** What reads and writes a variable. */
export const accessors: { readonly [letter: string]: string } = { m: "materializeForSet", s: "setter", g: "getter", G: "getter", w: "willset", W: "didset", r: "read", M: "modify", y: "read", x: "modify" };

/** What a name that ends with a thunk's letters is. */
export const thunks: { readonly [letters: string]: string } = {
  To: "@objc",
  TO: "@nonobjc",
  TA: "partial apply for",
  Ta: "partial apply ObjC for",
  TD: "dynamic",
  Td: "super",
  Tm: "merged",
  Tj: "dispatch thunk of",
  Tc: "curry thunk of",
  TI: "dynamically replaceable implementation of",
  TE: "distributed thunk",
  TF: "distributed accessor for",
};
