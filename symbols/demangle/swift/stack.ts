// The stack of Swift's mangling, and how its parts are put together again.
import { swiftNode, type SwiftKind, type SwiftNode } from "./nodes.ts";

/** Nodes on a stack, at most; real names have some tens. */
const depthMax = 1024;
/** Characters of one text. */
const textMax = 16_384;

/** Thrown within the reader for a name that is not understood; it never leaves it. */
export class NotUnderstood extends Error {}

/** Gives up. */
export function giveUp(): never {
  throw new NotUnderstood();
}

/** The stack. */
export class SwiftStack {
  private readonly nodes: SwiftNode[] = [];

  /** How many nodes there are. */
  get depth(): number {
    return this.nodes.length;
  }

  /** Puts a node on top. */
  push(node: SwiftNode): void {
    if (this.nodes.length >= depthMax || node.text.length + node.tail.length > textMax) giveUp();
    this.nodes.push(node);
  }

  /** Takes the top if it is of such a kind; null when it is not. */
  take(...kinds: readonly SwiftKind[]): SwiftNode | null {
    const top = this.nodes.at(-1);
    if (top === undefined || !kinds.includes(top.kind)) return null;
    this.nodes.pop();
    return top;
  }

  /** Takes the top, which is of such a kind. */
  pop(...kinds: readonly SwiftKind[]): SwiftNode {
    return this.take(...kinds) ?? giveUp();
  }

  /** Takes a type. */
  popType(): SwiftNode {
    return this.pop("type", "nominal", "protocol");
  }

  /** Takes a protocol, which in lists stands without the letter that says what it is. */
  popProtocol(): SwiftNode {
    const known = this.take("protocol");
    if (known !== null) return known;
    const name = this.popName();
    return swiftNode("protocol", "", memberOf(this.popContext(), name));
  }

  /** Takes a list of protocols. */
  popProtocols(): void {
    if (this.take("empty") !== null) return;
    for (let isFirst = false; !isFirst; ) {
      isFirst = this.take("first") !== null;
      this.popProtocol();
    }
  }

  /** Takes the arguments of a generic type, a list for each type that it is in. */
  popArguments(): void {
    for (;;) {
      while (this.take("type", "nominal", "protocol") !== null);
      if (this.take("empty") !== null) return;
      this.pop("first");
    }
  }

  /** Takes a name. */
  popName(): SwiftNode {
    return this.pop("identifier", "name");
  }

  /** Takes that in which something is declared. */
  popContext(): SwiftNode {
    return this.pop("module", "identifier", "nominal", "protocol", "entity", "extension", "type");
  }

  /** Takes the types of a list up to the mark of its first, or none. Returns how many. */
  popList(): number {
    if (this.take("empty") !== null) return 0;
    for (let count = 1; ; count++) {
      const isFirst = this.take("first") !== null;
      this.take("variadic");
      this.take("identifier");
      this.popType();
      if (isFirst) return count;
    }
  }

  /** Takes the parts of a function's type: its result and parameters, and what else is said of it. */
  popFunction(): SwiftNode {
    while (this.take("annotation") !== null);
    const parameters = this.take("empty") === null ? this.popType() : swiftNode("type", "", { count: 0 });
    if (this.take("empty") === null) this.popType();
    return swiftNode("type", "", { count: parameters.isFunction || parameters.count < 0 ? 1 : parameters.count, isFunction: true });
  }

  /** Takes the labels of a function's parameters; returns them as `(a:_:)`. "" for what is no function. */
  popLabels(type: SwiftNode): string {
    const isUnlabeled = this.take("empty") !== null;
    if (!type.isFunction) return "";
    if (isUnlabeled) return `(${"_:".repeat(Math.min(type.count, depthMax))})`;
    const labels: string[] = [];
    for (let i = 0; i < type.count; i++) labels.unshift(`${this.pop("identifier", "first").text || "_"}:`);
    return `(${labels.join("")})`;
  }
}

/** Something that is declared in something else. Names that are local to a function have it behind them. */
export function memberOf(context: SwiftNode, name: SwiftNode, labels = ""): { readonly text: string; readonly tail: string } {
  if (context.text === "") giveUp();
  if (context.kind === "entity" || context.isFunction) return { text: name.text + labels, tail: ` in ${context.text}${context.tail}` };
  return { text: `${context.text}.${name.text}${labels}`, tail: context.tail };
}
