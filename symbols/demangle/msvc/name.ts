// Names: the innermost part comes first, then what it is in, up to an `@`.
import { operators } from "./operators.ts";
import { type Reader, rules } from "./reader.ts";
import { templateArguments } from "./template.ts";

/** What a function's own name still needs. */
export type OwnName = {
  readonly text: string;
  /** `constructor` and `destructor` take the class's name, `conversion` the result's type. */
  readonly kind: "plain" | "constructor" | "destructor" | "conversion";
  /** Template arguments of such a name. */
  readonly suffix: string;
};

const NO_NAME: OwnName = { text: "", kind: "plain", suffix: "" };

function plain(text: string): OwnName {
  return { text, kind: "plain", suffix: "" };
}

/** Reads the name of the symbol itself, with its scope; `scope` is "" for global ones. */
export function symbolName(r: Reader): { own: OwnName; scope: string } {
  const own = ownName(r);
  return { own, scope: scopes(r) };
}

/** Reads a class's or enum's name with its scope. */
export function typeName(r: Reader): string {
  const own = piece(r);
  const scope = scopes(r);
  return scope === "" ? own : r.bounded(`${scope}::${own}`);
}

/** The last component of a scope, without arguments: the name of its constructor. */
export function classOf(scope: string): string {
  let depth = 0;
  let end = scope.length;
  for (let at = scope.length - 1; at >= 0; at--) {
    const letter = scope[at];
    // The marks of a lambda's own name are no arguments.
    if (letter === ">") depth++;
    else if (letter === "<" && --depth === 0 && at > 0 && scope[at - 1] !== ":") end = Math.min(end, at);
    else if (letter === ":" && depth === 0 && scope[at - 1] === ":") return scope.slice(at + 1, end);
  }
  return scope.slice(0, end);
}

function ownName(r: Reader): OwnName {
  if (r.peek() !== "?") return plain(piece(r));
  if (r.peek(1) === "$") return templateName(r);
  r.pos++;
  return specialName(r);
}

/** Reads the code behind `?`. */
function specialName(r: Reader): OwnName {
  let code = r.next();
  if (code === "_") code += r.next();
  if (code === "__") code += r.next();
  switch (code) {
    case "0":
      return { text: "", kind: "constructor", suffix: "" };
    case "1":
      return { text: "", kind: "destructor", suffix: "" };
    case "B":
      return { text: "operator ", kind: "conversion", suffix: "" };
    case "__K":
      return plain(`operator"" ${simpleName(r, false)}`);
    default: {
      const name = operators.get(code);
      return name === undefined ? (r.fail(), NO_NAME) : plain(name);
    }
  }
}

/** Reads `?$name arguments @`, which has references of its own. */
function templateName(r: Reader): OwnName {
  if (!r.enter()) return NO_NAME;
  r.pos += 2;
  const outer = r.references;
  r.references = { names: [], types: [] };
  let own: OwnName;
  if (r.take("?")) own = specialName(r);
  else own = plain(simpleName(r, true));
  const suffix = templateArguments(r, own.text);
  r.references = outer;
  r.leave();
  if (own.kind !== "plain") return { ...own, suffix };
  return plain(r.bounded(own.text + suffix));
}

/** Reads one component of a scope. */
function piece(r: Reader): string {
  if (!r.enter()) return "";
  const text = pieceRule(r);
  r.leave();
  return text;
}

function pieceRule(r: Reader): string {
  const first = r.peek();
  if (first >= "0" && first <= "9") {
    r.pos++;
    return r.references.names[Number(first)] ?? r.fail();
  }
  if (first !== "?") return simpleName(r, true);
  const second = r.peek(1);
  if (second === "$") {
    const own = templateName(r);
    const name = own.kind === "plain" ? own.text : r.fail();
    r.remember(name);
    return name;
  }
  if (second === "A") {
    // `?A0x1f2e3d4c@`: the number tells files apart, and changes.
    const end = r.text.indexOf("@", r.pos);
    if (end < 0) return r.fail();
    r.remember("(anonymous namespace)");
    r.pos = end + 1;
    return "(anonymous namespace)";
  }
  return localScope(r);
}

/** Reads `?number?symbol`: a block in a function. */
function localScope(r: Reader): string {
  r.pos++;
  const block = r.number();
  if (!r.take("?")) return r.fail();
  const owner = r.take("?") ? rules.symbol(r) : localName(r);
  return r.bounded(`\`${owner}'::\`${block}'`);
}

/** A block of what is known by name only. */
function localName(r: Reader): string {
  const { own, scope } = symbolName(r);
  return scope === "" ? own.text : `${scope}::${own.text}`;
}

function simpleName(r: Reader, isRemembered: boolean): string {
  const end = r.text.indexOf("@", r.pos);
  if (r.failed || end <= r.pos) return r.fail();
  const name = r.text.slice(r.pos, end);
  r.pos = end + 1;
  if (isRemembered) r.remember(name);
  return r.bounded(name);
}

/** Reads the scopes up to `@`, the outermost last. */
function scopes(r: Reader): string {
  let text = "";
  while (!r.failed && !r.take("@")) {
    if (r.pos >= r.text.length) return r.fail();
    const outer = piece(r);
    text = r.bounded(text === "" ? outer : `${outer}::${text}`);
  }
  return text;
}
