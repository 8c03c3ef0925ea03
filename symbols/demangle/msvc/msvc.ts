// Microsoft's names: `?…`, of MSVC and clang-cl. There is no published grammar;
// what is known of it is in LLVM's and Wine's demanglers and in what the
// compilers write.
//
// A name is `?`, the symbol's own name and its scopes, and a letter for what it
// is: data, or a function of some access, whose type follows. Digits refer back
// to the first ten names and to the first ten parameters' types; templates have
// such references of their own. Texts are made while reading, with a type as the
// pair of what stands before and behind the declared name.
//
// The spelling is that of DIA's names in Breakpad's symbol files, with the
// spaces of our other languages: no access, no calling convention, no `class`,
// no result. Strings and the hashes of over-long names stay as they are.
import { classOf, type OwnName, symbolName } from "./name.ts";
import { type Declarator, NOTHING, Reader, rules } from "./reader.ts";
import { whole } from "./template.ts";
import { qualifiers, signature, thisQualifiers, type } from "./type.ts";

const NAME_CHARS_MAX = 1 << 16;

/** Demangles a name that begins with `?`; null when it is not understood. */
export function demangleMsvc(name: string): string | null {
  if (name.length > NAME_CHARS_MAX) return null;
  const reader = new Reader(name);
  reader.pos = 1;
  const text = symbol(reader);
  return reader.failed || reader.pos !== name.length || text === "" ? null : text;
}

/** Reads a symbol behind its first `?`. */
function symbol(r: Reader): string {
  if (!r.enter()) return "";
  const text = symbolRule(r);
  r.leave();
  return text;
}

function symbolRule(r: Reader): string {
  if (r.take("?_R")) return typeInformation(r);
  if (r.take("?__E")) return initializer(r, "dynamic initializer for");
  if (r.take("?__F")) return initializer(r, "dynamic atexit destructor for");
  const { own, scope } = symbolName(r);
  return encoded(r, own, scope);
}

/** Reads what a symbol of this name is. */
function encoded(r: Reader, own: OwnName, scope: string): string {
  const letter = r.peek();
  if (letter >= "0" && letter <= "4") {
    r.pos++;
    // The variable's type, which is not shown.
    type(r, false);
    qualifiers(r);
    return joined(r, own, scope, NOTHING);
  }
  if (letter === "5" || letter === "8") {
    r.pos++;
    // A guard has the number of its scope.
    if (letter === "5") r.number();
    return joined(r, own, scope, NOTHING);
  }
  if (letter === "6" || letter === "7") return table(r, own, scope);
  if (letter === "9") {
    r.pos++;
    return joined(r, own, scope, NOTHING);
  }
  return functionOf(r, own, scope);
}

function joined(r: Reader, own: OwnName, scope: string, result: Declarator): string {
  let text = own.text;
  if (own.kind === "constructor") text = classOf(scope);
  else if (own.kind === "destructor") text = `~${classOf(scope)}`;
  else if (own.kind === "conversion") text = `operator ${whole(result)}`;
  text += own.suffix;
  return r.bounded(scope === "" ? text : `${scope}::${text}`);
}

/** Reads `6` or `7`, qualifiers, and for whose base a table is. */
function table(r: Reader, own: OwnName, scope: string): string {
  r.pos++;
  qualifiers(r);
  let text = joined(r, own, scope, NOTHING);
  while (!r.failed && !r.take("@")) {
    const target = symbolName(r);
    text = r.bounded(`${text}{for \`${joined(r, target.own, target.scope, NOTHING)}'}`);
  }
  return text;
}

/** Functions without `this`: static members, and those outside of classes. */
const withoutThis = new Set(["C", "D", "K", "L", "S", "T", "Y", "Z"]);
/** Thunks that move `this` by a number. */
const adjustors = new Set(["G", "H", "O", "P", "W", "X"]);

function functionOf(r: Reader, own: OwnName, scope: string): string {
  r.take("$$J0");
  let thunk = "";
  let letter = r.next();
  if (letter === "$") {
    if (r.take("B")) return virtualCall(r, own, scope);
    const isExtended = r.take("R");
    const kind = r.next();
    if (!(kind >= "0" && kind <= "5")) return r.fail();
    // Offsets of 32 bits, written without a sign.
    const numbers = Array.from({ length: isExtended ? 4 : 2 }, () => String(Number(r.number()) | 0));
    thunk = `\`vtordisp${isExtended ? "ex" : ""}{${numbers.join(", ")}}'`;
    letter = "A";
  } else if (!(letter >= "A" && letter <= "Z")) return r.fail();
  else if (adjustors.has(letter)) thunk = `\`adjustor{${r.number()}}'`;
  const cv = withoutThis.has(letter) ? "" : thisQualifiers(r);
  const { result, parameters } = signature(r);
  const name = joined(r, own, scope, result);
  return r.bounded(`${thunk === "" ? "" : "[thunk]: "}${name}${thunk}${parameters}${cv}`);
}

/** Reads `$B number A convention`: a call through a table. */
function virtualCall(r: Reader, own: OwnName, scope: string): string {
  const offset = r.number();
  if (!r.take("A")) return r.fail();
  r.next();
  return r.bounded(`[thunk]: ${joined(r, own, scope, NOTHING)}{${offset}, {flat}}`);
}

/** Reads what initialises a variable, or destroys it. */
function initializer(r: Reader, what: string): string {
  let name = "";
  if (r.take("?")) {
    // A member, with its whole symbol and one or two ends.
    name = symbol(r);
    r.take("@");
    r.take("@");
  } else {
    const { own, scope } = symbolName(r);
    name = joined(r, own, scope, NOTHING);
  }
  return functionOf(r, { text: `\`${what} '${name}''`, kind: "plain", suffix: "" }, "");
}

function typeInformation(r: Reader): string {
  const kind = r.next();
  if (kind === "0") {
    const of = whole(type(r, false));
    return r.take("@8") ? `${of} \`RTTI Type Descriptor'` : r.fail();
  }
  let label = "";
  if (kind === "1") label = `\`RTTI Base Class Descriptor at (${[r.number(), r.number(), r.number(), r.number()].join(", ")})'`;
  else if (kind === "2") label = "`RTTI Base Class Array'";
  else if (kind === "3") label = "`RTTI Class Hierarchy Descriptor'";
  else if (kind === "4") label = "`RTTI Complete Object Locator'";
  else return r.fail();
  const { own, scope } = symbolName(r);
  const owner = joined(r, own, scope, NOTHING);
  if (kind !== "4") return r.take("8") ? `${owner}::${label}` : r.fail();
  return r.peek() === "6" ? table(r, { text: label, kind: "plain", suffix: "" }, owner) : r.fail();
}

rules.symbol = symbol;
