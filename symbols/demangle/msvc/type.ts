// Types, as what stands before and behind the name they declare.
import { builtins } from "./operators.ts";
import { typeName } from "./name.ts";
import { type Declarator, NOTHING, type Reader, rules } from "./reader.ts";
import { whole } from "./template.ts";

/** Reads a type; `isQualified`: its qualifiers come first, as those of what a pointer points to. */
export function type(r: Reader, isQualified: boolean): Declarator {
  if (!r.enter()) return NOTHING;
  const cv = isQualified ? qualifiers(r) : "";
  const found = typeRule(r);
  r.leave();
  if (cv === "") return found;
  // An array's elements are qualified, not the array.
  return { left: r.bounded(found.left.endsWith("(") ? found.left : found.left + cv), right: found.right };
}

function typeRule(r: Reader): Declarator {
  const letter = r.peek();
  switch (letter) {
    case "T":
    case "U":
    case "V":
      r.pos++;
      return { left: typeName(r), right: "" };
    case "W":
      // The digit is the kind of integer below the enum.
      r.pos += 2;
      return { left: typeName(r), right: "" };
    case "A":
    case "B":
    case "P":
    case "Q":
    case "R":
    case "S":
      r.pos++;
      return pointer(r, letter === "A" || letter === "B" ? "&" : "*", letter === "Q" ? " const" : letter === "R" || letter === "B" ? " volatile" : letter === "S" ? " const volatile" : "");
    case "Y":
      r.pos++;
      return array(r);
    case "?":
      // A type by name only, or a result's qualifiers: `?A` and a type.
      r.pos++;
      return type(r, true);
    case "$":
      return marked(r);
    default: {
      const code = letter === "_" ? letter + r.peek(1) : letter;
      const name = builtins.get(code);
      if (name === undefined || r.failed) return r.fail(), NOTHING;
      r.pos += code.length;
      return { left: name, right: "" };
    }
  }
}

function marked(r: Reader): Declarator {
  if (r.take("$$Q")) return pointer(r, "&&", "");
  if (r.take("$$R")) return pointer(r, "&&", " volatile");
  if (r.take("$$T")) return { left: "std::nullptr_t", right: "" };
  if (r.take("$$A6")) return functionType(r, false);
  if (r.take("$$A8@@")) return functionType(r, true);
  if (r.take("$$C")) return type(r, true);
  r.fail();
  return NOTHING;
}

/** Reads `E`, `F`, `I`, which say nothing here but restrict, and `A` to `D`. */
export function qualifiers(r: Reader): string {
  extended(r);
  const letter = r.next();
  if (letter === "B") return " const";
  if (letter === "C") return " volatile";
  if (letter === "D") return " const volatile";
  return letter === "A" ? "" : r.fail();
}

function extended(r: Reader): void {
  while (r.peek() === "E" || r.peek() === "F" || r.peek() === "I") r.pos++;
}

const memberQualifiers: ReadonlyMap<string, string> = new Map([["Q", ""], ["R", " const"], ["S", " volatile"], ["T", " const volatile"]]);

function pointer(r: Reader, mark: string, own: string): Declarator {
  // Pointers to functions.
  if (r.take("6")) return around(functionType(r, false), mark + own);
  if (r.take("8")) {
    const owner = typeName(r);
    return around(functionType(r, true), `${owner}::${mark}${own}`);
  }
  extended(r);
  const cv = memberQualifiers.get(r.peek());
  if (cv !== undefined) {
    r.pos++;
    const owner = typeName(r);
    const member = type(r, false);
    return { left: r.bounded(`${member.left}${cv} ${owner}::${mark}${own}`), right: member.right };
  }
  const target = type(r, true);
  if (target.right.startsWith("[")) return { left: r.bounded(`${target.left} (${mark}${own}`), right: `) ${target.right}` };
  if (target.right.startsWith("(")) return around(target, mark + own);
  return { left: r.bounded(target.left + mark + own), right: target.right };
}

/** A pointer to a function. */
function around(target: Declarator, mark: string): Declarator {
  return { left: `${target.left}(${mark}`, right: `)${target.right}` };
}

function array(r: Reader): Declarator {
  const rank = Number(r.number());
  if (!(rank > 0 && rank <= 100)) return r.fail(), NOTHING;
  let dimensions = "";
  for (let i = 0; i < rank; i++) dimensions += `[${r.number()}]`;
  const element = type(r, r.take("$$C"));
  return { left: element.left, right: r.bounded(dimensions + element.right) };
}

/** Reads a function's type: `left` is its result and a space, `right` its parameters. */
function functionType(r: Reader, isMember: boolean): Declarator {
  const cv = isMember ? thisQualifiers(r) : "";
  const { result, parameters } = signature(r);
  return { left: result.right === "" ? `${result.left} ` : result.left, right: r.bounded(parameters + result.right + cv) };
}

/** Reads the qualifiers of `this`. */
export function thisQualifiers(r: Reader): string {
  extended(r);
  const reference = r.take("G") ? " &" : r.take("H") ? " &&" : "";
  return qualifiers(r) + reference;
}

/** Reads calling convention, result and parameters; no result is that of constructors. */
export function signature(r: Reader): { result: Declarator; parameters: string } {
  const convention = r.next();
  if (!(convention >= "A" && convention <= "Z")) r.fail();
  const result = r.take("@") ? NOTHING : type(r, false);
  const parameters = parameterList(r);
  // `_E` is noexcept, which is no part of a spelling here.
  if (!r.take("Z") && !r.take("_E")) r.fail();
  return { result, parameters };
}

function parameterList(r: Reader): string {
  if (r.take("X")) return "()";
  const parts: string[] = [];
  let length = 0;
  for (;;) {
    if (r.failed) break;
    if (r.take("@")) break;
    if (r.take("Z")) {
      parts.push("...");
      break;
    }
    const digit = r.peek();
    let part: Declarator;
    if (digit >= "0" && digit <= "9") {
      r.pos++;
      part = r.references.types[Number(digit)] ?? (r.fail(), NOTHING);
    } else {
      const from = r.pos;
      part = type(r, false);
      // One letter is as short as a reference.
      if (r.pos - from > 1) r.rememberType(part);
    }
    const text = whole(part);
    length += text.length;
    if (length > 1 << 16) r.fail();
    parts.push(text);
  }
  return `(${parts.join(", ")})`;
}

rules.type = type;
rules.typeName = typeName;
