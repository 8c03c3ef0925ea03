// Which letter of Swift's mangling does what ("Mangling.rst" of the Swift
// project). Digits begin identifiers.
import { SwiftCursor } from "./cursor.ts";
import { operatorLetters, swiftNode } from "./nodes.ts";
import type { SwiftReader } from "./reader.ts";
import { giveUp, type SwiftStack } from "./stack.ts";

type Operator = (reader: SwiftReader, stack: SwiftStack, cursor: SwiftCursor) => void;

/** Replaces the type on top by one that nobody spells. */
const ofType: Operator = (_, stack) => {
  const { count, isFunction } = stack.popType();
  stack.push(swiftNode("type", "", isFunction ? { count, isFunction } : {}));
};
/** Keeps the type on top as it is, whatever is said of it. */
const sameType: Operator = (_, stack) => stack.push(stack.popType());
const functionType: Operator = (_, stack) => stack.push(stack.popFunction());
const annotation: Operator = (_, stack) => stack.push(swiftNode("annotation"));
/** By letter. */
export const operators: { readonly [letter: string]: Operator } = {
  A: (reader) => reader.substitute(),
  B: (_, stack, cursor) => {
    const letter = cursor.next();
    if (letter === "v") stack.popType();
    if ("fiv".includes(letter) && letter !== "") {
      if (cursor.natural() < 0 || !cursor.take("_")) giveUp();
    } else if (!"bBcDdeIjPOoptw".includes(letter) || letter === "") giveUp();
    stack.push(swiftNode("type"));
  },
  C: (reader) => reader.nominal("nominal", true),
  V: (reader) => reader.nominal("nominal"),
  O: (reader) => reader.nominal("nominal"),
  a: (reader) => reader.nominal("nominal"),
  P: (reader) => reader.nominal("protocol"),
  E: (_, stack) => {
    stack.take("signature");
    stack.pop("module", "identifier");
    const { text, tail, isClass } = stack.pop("nominal", "protocol");
    stack.push(swiftNode("extension", text, { tail, isClass }));
  },
  F: (reader) => reader.function(),
  G: (reader, stack) => {
    stack.popArguments();
    const { text, tail, isClass } = stack.pop("nominal", "protocol");
    reader.remember(swiftNode("nominal", text, { tail, isClass }));
  },
  K: annotation,
  L: (_, stack, cursor) => {
    if (cursor.take("L")) {
      stack.pop("identifier");
      stack.push(swiftNode("name", stack.popName().text));
    } else if (cursor.take("l")) {
      stack.pop("identifier");
      stack.push(swiftNode("file"));
    } else if (/[a-jA-J]/.test(cursor.peek())) {
      cursor.next();
      stack.push(swiftNode("name", stack.pop("identifier").text));
    } else {
      const index = cursor.index();
      stack.push(swiftNode("name", index < 0 ? giveUp() : `${stack.popName().text} #${index + 1}`));
    }
  },
  M: (_, stack, cursor) => {
    const what = { a: "type metadata accessor for", r: "type metadata completion function for", i: "type metadata instantiation function for", U: "ObjC metadata update function for" }[cursor.next()];
    const { text, tail } = stack.popType();
    if (what === undefined || text === "") giveUp();
    stack.push(swiftNode("entity", `${what} ${text}`, { tail }));
  },
  Q: (reader, stack, cursor) => {
    const letter = cursor.next();
    if (letter === "r") stack.push(swiftNode("type"));
    else if (letter === "O") {
      // What a declaration returns without saying its type.
      stack.popContext();
      stack.push(swiftNode("type"));
    } else if (letter === "R") {
      reader.index();
      stack.push(swiftNode("type"));
    } else {
      if (letter === "o") {
        reader.index();
        stack.popArguments();
        stack.popType();
      } else if (letter === "a") {
        stack.pop("identifier");
        stack.popType();
      } else if (letter === "y" || letter === "z") {
        if (letter === "y") reader.parameter();
        reader.associated();
      } else if (letter === "Y" || letter === "Z") {
        if (letter === "Y") reader.parameter();
        reader.associatedList();
      } else if (letter === "x") {
        reader.associated();
        stack.popType();
      } else giveUp();
      reader.remember(swiftNode("type"));
    }
  },
  R: (reader) => reader.requirement(),
  S: (reader) => reader.known(),
  T: (reader) => reader.thunk(),
  W: (reader) => reader.outlined(),
  X: (_, stack, cursor) => {
    const letter = cursor.next();
    if ("fUKBLCAE".includes(letter) && letter !== "") stack.push(stack.popFunction());
    else if ("oubwDp".includes(letter) && letter !== "") ofType(_, stack, cursor);
    else if (letter === "M" || letter === "m") {
      cursor.next();
      ofType(_, stack, cursor);
    } else if (letter === "l" || letter === "c") {
      if (letter === "c") stack.popType();
      stack.popProtocols();
      stack.push(swiftNode("type"));
    } else giveUp();
  },
  Y: (_, stack, cursor) => {
    const letter = cursor.next();
    if (letter === "c" || letter === "K") stack.popType();
    if (letter === "j") cursor.next();
    if ("abcKjTA".includes(letter) && letter !== "") stack.push(swiftNode("annotation"));
    else if ("ikut".includes(letter) && letter !== "") sameType(_, stack, cursor);
    else giveUp();
  },
  Z: (_, stack) => {
    const { text, tail } = stack.pop("entity");
    stack.push(swiftNode("entity", `static ${text}`, { tail }));
  },
  c: functionType,
  d: (_, stack) => stack.push(swiftNode("variadic")),
  f: (reader) => reader.special(),
  h: sameType,
  i: (reader) => reader.accessor(true),
  l: (reader) => reader.signature(false),
  m: ofType,
  n: sameType,
  o: (_, stack, cursor) => {
    const letters = [...stack.pop("identifier").text].map((letter) => operatorLetters[letter] ?? giveUp());
    const fixity = { p: "prefix", P: "postfix", i: "infix" }[cursor.next()];
    stack.push(swiftNode("name", `${letters.join("")} ${fixity ?? giveUp()}`));
  },
  p: (_, stack) => {
    stack.popProtocols();
    stack.push(swiftNode("type"));
  },
  q: (reader, stack) => {
    reader.parameter();
    stack.push(swiftNode("type"));
  },
  r: (reader) => reader.signature(true),
  s: (_, stack) => stack.push(swiftNode("module", "Swift")),
  t: (_, stack) => stack.push(swiftNode("type", "", { count: stack.popList() })),
  u: (_, stack) => {
    stack.pop("signature");
    sameType(_, stack, new SwiftCursor("", 0));
  },
  v: (reader) => reader.accessor(false),
  x: (_, stack) => stack.push(swiftNode("type")),
  y: (_, stack) => stack.push(swiftNode("empty")),
  z: sameType,
  _: (_, stack) => stack.push(swiftNode("first")),
};
