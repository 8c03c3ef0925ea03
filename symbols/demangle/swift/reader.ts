// What the letters of Swift's mangling do that do more than one thing
// (operators.ts has which letter is which).
import { SwiftCursor } from "./cursor.ts";
import { SwiftIdentifiers } from "./identifiers.ts";
import { accessors, knownProtocols, knownTasks, knownTypes, type SwiftNode, swiftNode, thunks } from "./nodes.ts";
import { giveUp, memberOf, SwiftStack } from "./stack.ts";

/** What optimisers did to the arguments of a copy, where no types are needed to say it: dead, exploded, owned and so on. */
const simpleSpecialization = /^[mqa]*\d[ndgoxesi]*_[ndgoxesi]$/;

/** Reads one name. */
export class SwiftReader {
  readonly cursor: SwiftCursor;
  readonly stack = new SwiftStack();
  private readonly identifiers = new SwiftIdentifiers();
  private readonly substitutions: SwiftNode[] = [];

  constructor(name: string) {
    this.cursor = new SwiftCursor(name, 2);
  }

  /** Takes the identifier here. */
  identifier(): void {
    const text = this.identifiers.read(this.cursor);
    if (text === "") giveUp();
    this.remember(swiftNode("identifier", text));
  }

  /** Pushes what a later part of the name may refer to. */
  remember(node: SwiftNode): void {
    this.substitutions.push(node);
    this.stack.push(node);
  }

  /** Takes what is remembered without pushing it. */
  note(): void {
    this.substitutions.push(swiftNode("type"));
  }

  /** A type, class, enum or protocol that is declared here. */
  nominal(kind: "nominal" | "protocol", isClass = false): void {
    const name = this.stack.popName();
    const context = this.stack.popContext();
    this.remember(swiftNode(kind, "", { ...memberOf(context, name), isClass }));
  }

  /** `A`: things from before, several of them as letters, the last a capital. */
  substitute(): void {
    const { cursor, stack, substitutions } = this;
    for (let repeat = -1; ; ) {
      const letter = cursor.next();
      if (letter === "_") {
        stack.push(substitutions[repeat + 27] ?? giveUp());
        return;
      }
      if (/[a-zA-Z]/.test(letter)) {
        const isLast = letter < "a";
        const found = substitutions[letter.charCodeAt(0) - (isLast ? 0x41 : 0x61)] ?? giveUp();
        for (let i = Math.max(1, repeat); i > 0; i--) stack.push(found);
        if (isLast) return;
        repeat = -1;
      } else {
        if (!/[1-9]/.test(letter)) giveUp();
        const more = cursor.peek() >= "0" && cursor.peek() <= "9" ? cursor.natural() : -1;
        repeat = more < 0 ? Number(letter) : Number(`${letter}${more}`);
      }
    }
  }

  /** `S`: types of the standard library, and modules, that are known by a letter. */
  known(): void {
    const { cursor, stack } = this;
    if (cursor.take("o")) stack.push(swiftNode("module", "__C"));
    else if (cursor.take("C")) stack.push(swiftNode("module", "__C_Synthesized"));
    else if (cursor.take("g")) {
      stack.popType();
      this.remember(swiftNode("type"));
    } else {
      const repeat = Math.max(1, cursor.natural());
      const name = (cursor.take("c") ? knownTasks : knownTypes)[cursor.next()] ?? giveUp();
      const node = swiftNode(knownProtocols.has(name) ? "protocol" : "nominal", `Swift.${name}`);
      for (let i = 0; i < repeat; i++) stack.push(node);
    }
  }

  /** `F`: a function. */
  function(): void {
    const { stack } = this;
    stack.take("signature");
    const type = stack.popFunction();
    const labels = stack.popLabels(type);
    const name = stack.popName();
    stack.push(swiftNode("entity", "", memberOf(stack.popContext(), name, labels)));
  }

  /** `v` and `i`: what reads and writes a variable, or elements. */
  accessor(isSubscript: boolean): void {
    const { stack, cursor } = this;
    if (isSubscript) stack.take("file");
    const type = stack.popType();
    const labels = stack.popLabels(type);
    const name = isSubscript ? swiftNode("name", "subscript") : stack.popName();
    const { text, tail } = memberOf(stack.popContext(), name, isSubscript ? labels : "");
    const letter = cursor.next();
    // The storage itself.
    if (letter === "p") {
      stack.push(swiftNode("entity", text, { tail }));
      return;
    }
    let what = accessors[letter];
    if (letter === "a" || letter === "l") {
      if (!cursor.take("u")) giveUp();
      what = letter === "a" ? "unsafeMutableAddressor" : "unsafeAddressor";
    }
    stack.push(swiftNode("entity", `${text}.${what ?? giveUp()}`, { tail }));
  }

  /** `f`: what has no name of its own. */
  special(): void {
    const { stack, cursor } = this;
    const letter = cursor.next();
    const bare = { D: "__deallocating_deinit", d: "deinit", E: "__ivar_destroyer", e: "__ivar_initializer" }[letter];
    if (bare !== undefined) stack.push(swiftNode("entity", "", memberOf(stack.popContext(), swiftNode("name", bare))));
    else if (letter === "C" || letter === "c") {
      stack.take("file");
      const labels = stack.popLabels(stack.popType());
      const context = stack.popContext();
      stack.push(swiftNode("entity", "", memberOf(context, swiftNode("name", letter === "C" && context.isClass ? "__allocating_init" : "init"), labels)));
    } else if (letter === "U" || letter === "u") {
      const index = this.index() + 1;
      stack.popType();
      this.wrap(`${letter === "u" ? "implicit " : ""}closure #${index} in`);
    } else if (letter === "A") this.wrap(`default argument ${this.index()} of`);
    else if (letter === "i") this.wrap("variable initialization expression of");
    else if (letter === "P") this.wrap("property wrapper backing initializer of");
    else if (letter === "W") this.wrap("property wrapper init from projected value of");
    else giveUp();
  }

  /** `T`: what leads to a function, or was made of it. */
  thunk(): void {
    const { stack, cursor } = this;
    const letter = cursor.next();
    const what = thunks[`T${letter}`];
    if (what !== undefined) this.wrap(what);
    else if (letter === "Q" || letter === "Y") this.wrap(`(${this.index()}) ${letter === "Q" ? "await" : "suspend"} resume partial function for`);
    else if (letter === "W") {
      const { text, tail } = stack.pop("entity");
      // The type, the protocol, and the module that says that one is the other.
      stack.take("signature");
      stack.pop("module", "identifier");
      stack.popProtocol();
      const type = stack.popType();
      stack.push(swiftNode("entity", `protocol witness for ${text}`, { tail: type.text === "" ? tail : `${tail} in conformance ${type.text}${type.tail}` }));
    } else if (letter === "w") this.wrap(cursor.take("b") ? "back deployment thunk for" : cursor.take("B") ? "back deployment fallback for" : giveUp());
    else if (letter === "f") {
      if (!simpleSpecialization.test(cursor.rest)) giveUp();
      cursor.slice(cursor.rest.length);
      this.wrap("specialized");
    } else if (/[gGBsi]/.test(letter)) {
      while (/[mqa]/.test(cursor.peek())) cursor.next();
      if (!/[0-9]/.test(cursor.next())) giveUp();
      stack.popList();
      this.wrap("specialized");
    } else if (letter === "p" || letter === "P") {
      while (/[mqa]/.test(cursor.peek())) cursor.next();
      if (!/[0-9]/.test(cursor.next())) giveUp();
      stack.popType();
      this.wrap("specialized");
    } else giveUp();
  }

  /** `W`: what compilers make by themselves. */
  outlined(): void {
    const { stack, cursor } = this;
    const letter = cursor.next();
    if (letter === "Z") {
      // Of all variables that are initialized together, the first is named.
      let name = swiftNode("name");
      while (stack.take("first") !== null) name = stack.popName();
      if (name.text === "") giveUp();
      const { text, tail } = memberOf(stack.popContext(), name);
      stack.push(swiftNode("entity", `one-time initialization function for ${text}`, { tail }));
      return;
    }
    if (letter !== "O") giveUp();
    const what = { y: "copy", e: "consume", r: "retain", s: "release", b: "init with take", c: "init with copy", d: "assign with take", f: "assign with copy", h: "destroy" }[cursor.next()];
    stack.take("signature");
    const type = stack.popType();
    // Of a type that is not spelled here it is at least known what is done.
    stack.push(swiftNode("entity", `outlined ${what ?? giveUp()}${type.text === "" ? "" : ` of ${type.text}`}`, { tail: type.tail }));
  }

  /** `R`: a constraint of a generic parameter. */
  requirement(): void {
    const { stack, cursor } = this;
    const kinds = "cCbBtTsSmMlLpPQvh";
    const kind = kinds.includes(cursor.peek()) && cursor.peek() !== "" ? cursor.next() : "";
    if ("BSLQ".includes(kind) && kind !== "") stack.popType();
    else if ("ctmp".includes(kind) && kind !== "") {
      this.associated();
      this.parameter();
      this.note();
    } else if ("CTMP".includes(kind) && kind !== "") {
      this.associatedList();
      this.parameter();
      this.note();
    } else this.parameter();
    if (kind === "v") return;
    if (kind === "" || "pPQ".includes(kind)) stack.popProtocol();
    else if (!"mMlLh".includes(kind)) stack.popType();
    else if (kind === "h") stack.popType();
    if ("mMlL".includes(kind) && kind !== "") this.layout();
    stack.push(swiftNode("requirement"));
  }

  private layout(): void {
    const letter = this.cursor.next();
    if ("EM".includes(letter) && letter !== "") {
      this.index();
      this.index();
    } else if ("em".includes(letter) && letter !== "") this.index();
    else if (!"NRTCDUBS".includes(letter) || letter === "") giveUp();
  }

  /** `l` and `r`: the generic parameters of something, which begin with their constraints. */
  signature(hasCounts: boolean): void {
    const { stack, cursor } = this;
    while (hasCounts && !cursor.take("l")) if (!cursor.take("z")) this.index();
    while (stack.take("requirement") !== null);
    stack.push(swiftNode("signature"));
  }

  /** The number of a generic parameter. */
  parameter(): void {
    const { cursor } = this;
    if (cursor.take("z") || cursor.take("s")) return;
    if (cursor.take("d")) this.index();
    this.index();
  }

  /** The name of an associated type, with its protocol or without. */
  associated(): void {
    this.stack.take("protocol");
    this.stack.pop("identifier");
  }

  associatedList(): void {
    for (let isFirst = false; !isFirst; ) {
      isFirst = this.stack.take("first") !== null;
      this.associated();
    }
  }

  index(): number {
    const index = this.cursor.index();
    return index < 0 ? giveUp() : index;
  }

  /** Puts words before the thing on top. */
  private wrap(words: string): void {
    const { text, tail } = this.stack.pop("entity");
    this.stack.push(swiftNode("entity", `${words} ${text}`, { tail }));
  }
}
