// Template arguments.
import { type Declarator, type Reader, rules } from "./reader.ts";

/** Reads arguments up to `@`, and gives them in brackets, fit to stand behind `name`. */
export function templateArguments(r: Reader, name: string): string {
  const parts: string[] = [];
  while (!r.failed && !r.take("@")) {
    const part = argument(r);
    if (part !== null) parts.push(part);
  }
  const inner = parts.join(", ");
  const before = name.endsWith("<") ? " <" : "<";
  return r.bounded(`${before}${inner}${inner.endsWith(">") ? " >" : ">"}`);
}

/** One argument; null for the mark of an empty pack or of a pack's end. */
function argument(r: Reader): string | null {
  if (r.take("$$$V") || r.take("$$V") || r.take("$$Z") || r.take("$S")) return null;
  if (r.take("$$Y")) return rules.typeName(r);
  if (r.take("$$B")) return whole(rules.type(r, false));
  if (r.take("$$C")) return whole(rules.type(r, true));
  if (r.take("$0")) return r.number();
  if (r.take("$M")) {
    rules.type(r, false);
    return r.take("0") ? r.number() : constant(r);
  }
  if (r.peek() === "$" && r.peek(1) !== "$") {
    r.pos++;
    return constant(r);
  }
  return whole(rules.type(r, false));
}

/** A pointer or reference to a symbol, or to a member. */
function constant(r: Reader): string {
  const letter = r.next();
  switch (letter) {
    case "1":
      return `&${symbol(r)}`;
    case "E":
      return symbol(r);
    case "H":
    case "I":
    case "J": {
      const name = r.peek() === "?" ? `&${symbol(r)}` : "";
      const numbers = Array.from({ length: letter.charCodeAt(0) - 0x47 }, () => r.number());
      return `{${[name, ...numbers].filter((part) => part !== "").join(", ")}}`;
    }
    case "F":
    case "G":
      return `{${Array.from({ length: letter === "F" ? 2 : 3 }, () => r.number()).join(", ")}}`;
    default:
      return r.fail();
  }
}

function symbol(r: Reader): string {
  return r.take("?") ? rules.symbol(r) : r.fail();
}

/** A type without a name in it. */
export function whole(type: Declarator): string {
  return type.left + type.right;
}
