// What types and functions are called, from records made by hand.
import { describe, expect, it } from "vitest";
import { ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { FunctionNames } from "../../../symbols/pdb/function-names.ts";
import { openMsf } from "../../../symbols/pdb/msf.ts";
import { TypeNames } from "../../../symbols/pdb/type-names.ts";
import { TypeStream } from "../../../symbols/pdb/types.ts";
import { buildPdb, halves, nulText, words } from "../../support/pdb-builder.ts";

const [int, char, wchar, uint64, double, charPointer, voidPointer64, nullPointer] = [0x74, 0x70, 0x71, 0x23, 0x41, 0x470, 0x603, 0x103];
const [pointer, reference, dataMember, methodMember, rvalue] = [0, 1, 2, 3, 4];
const [isVolatile, isConst] = [1 << 9, 1 << 10];

/** Records, each a leaf's kind and its content. */
const leaf = {
  modifier: (type: number, flags: number) => Buffer.concat([halves(0x1001), words(type), halves(flags)]),
  pointer: (type: number, mode = pointer, flags = 0, ...owner: number[]) => Buffer.concat([halves(0x1002), words(type, 0x0c | (mode << 5) | flags | (8 << 13), ...owner), halves(...(owner.length > 0 ? [0] : []))]),
  procedure: (result: number, list: number) => Buffer.concat([halves(0x1008), words(result), halves(0, 0), words(list)]),
  method: (result: number, owner: number, thisType: number, list: number) => Buffer.concat([halves(0x1009), words(result, owner, thisType), halves(0, 0), words(list, 0)]),
  list: (...types: number[]) => Buffer.concat([halves(0x1201), words(types.length, ...types)]),
  array: (element: number, bytes: number) => Buffer.concat([halves(0x1503), words(element, 0x22), halves(bytes), nulText("")]),
  /** A class whose size is a numeric leaf that is given. */
  class: (name: string, size: Buffer = halves(8)) => Buffer.concat([halves(0x1504, 0, 0), words(0, 0, 0), size, nulText(name)]),
  union: (name: string) => Buffer.concat([halves(0x1506, 0, 0), words(0), halves(4), nulText(name)]),
  enumeration: (name: string) => Buffer.concat([halves(0x1507, 0, 0), words(int, 0), nulText(name)]),
  bitField: (type: number) => Buffer.concat([halves(0x1205), words(type), Buffer.of(3, 0)]),
  newClass: (name: string) => Buffer.concat([halves(0x1608), words(0, 0, 0, 0), halves(2), halves(16), nulText(name)]),
};
const id = {
  text: (text: string, list = 0) => Buffer.concat([halves(0x1605), words(list), nulText(text)]),
  texts: (...ids: number[]) => Buffer.concat([halves(0x1604), words(ids.length, ...ids)]),
  function: (name: string, scope: number, type: number) => Buffer.concat([halves(0x1601), words(scope, type), nulText(name)]),
  method: (name: string, owner: number, type: number) => Buffer.concat([halves(0x1602), words(owner, type), nulText(name)]),
};

function namesOf(types: readonly Buffer[], ids: readonly Buffer[] = []): TypeNames {
  const msf = openMsf(bytesOf(buildPdb({ types, ids })));
  if (!msf.ok) throw new Error(msf.problem.message);
  return new TypeNames(TypeStream.open(msf.value, 2), TypeStream.open(msf.value, 4));
}

/** What a function is called of whose parameters the last record is the type. */
const parameter = (...types: readonly Buffer[]): string => {
  const last = 0x1000 + types.length - 1;
  return namesOf([...types, leaf.list(last), leaf.procedure(3, last + 1)]).signature(last + 2);
};

describe("parameters", () => {
  it.each([
    ["none", [], "()"],
    ["simple types and pointers to them", [int, char, wchar, uint64, double, charPointer, voidPointer64], "(int, char, wchar_t, unsigned long long, double, char*, void*)"],
    ["a null pointer is no pointer to void", [nullPointer], "(std::nullptr_t)"],
    ["no type at the end stands for more arguments", [charPointer, 0], "(char*, ...)"],
    ["no type elsewhere is a damage", [0, int], "(?, int)"],
    ["a number that no record has", [0x9999], "(?)"],
  ] as const)("%s", (_, types, text) => {
    expect(namesOf([leaf.list(...types), leaf.procedure(3, 0x1000)]).signature(0x1001)).toBe(text);
  });

  it.each([
    ["a class", [leaf.class("ns::A<int,char>")], "ns::A<int,char>"],
    ["a large class, whose size has a leaf of its own", [leaf.class("A", Buffer.concat([halves(0x8004), words(70_000)]))], "A"],
    ["the record of classes that newer compilers have", [leaf.newClass("A")], "A"],
    ["a union", [leaf.union("U")], "U"],
    ["an enumeration", [leaf.enumeration("E")], "E"],
    ["bits of a type", [leaf.bitField(int)], "int"],
    ["a namespace without name", [leaf.class("ns::`anonymous namespace'::A")], "ns::(anonymous namespace)::A"],
    ["const before a value", [leaf.modifier(int, 1)], "const int"],
    ["both", [leaf.modifier(int, 3)], "const volatile int"],
    ["const behind a simple pointer", [leaf.modifier(charPointer, 1)], "char* const"],
    ["const behind what is pointed to", [leaf.modifier(char, 1), leaf.pointer(0x1000)], "char const*"],
    ["a pointer that is const", [leaf.pointer(char, pointer, isConst)], "char* const"],
    ["a pointer that is volatile, to a const pointer", [leaf.pointer(char, pointer, isConst), leaf.pointer(0x1000, pointer, isVolatile)], "char* const* volatile"],
    ["a reference", [leaf.class("A"), leaf.modifier(0x1000, 1), leaf.pointer(0x1001, reference)], "A const&"],
    ["an rvalue reference to a pointer", [leaf.pointer(int), leaf.pointer(0x1000, rvalue)], "int*&&"],
    ["an array, whose size is in bytes", [leaf.array(int, 136)], "int[34]"],
    ["an array of arrays", [leaf.array(int, 136), leaf.array(0x1000, 136 * 3)], "int[3][34]"],
    ["a pointer to an array of pointers", [leaf.pointer(int), leaf.array(0x1000, 24), leaf.pointer(0x1001)], "int*[3]*"],
    ["an array of what has no size", [leaf.class("Empty", halves(0)), leaf.array(0x1000, 0)], "Empty[]"],
    ["an array of classes", [leaf.class("A"), leaf.array(0x1000, 16)], "A[2]"],
    ["a pointer to a function", [leaf.list(int), leaf.procedure(3, 0x1000), leaf.pointer(0x1001)], "void (*)(int)"],
    ["a const pointer to a pointer to a function", [leaf.list(), leaf.procedure(3, 0x1000), leaf.pointer(0x1001), leaf.pointer(0x1002, pointer, isConst)], "void (** const)()"],
    ["a pointer to a method", [leaf.class("A"), leaf.pointer(0x1000), leaf.list(int), leaf.method(int, 0x1000, 0x1001, 0x1002), leaf.pointer(0x1003, methodMember, 0, 0x1000)], "int (A::*)(int)"],
    ["a pointer to a member", [leaf.class("A"), leaf.pointer(int, dataMember, 0, 0x1000)], "int A::*"],
    ["a record that is cut", [halves(0x1002)], "?"],
    ["a record of another kind", [Buffer.concat([halves(0x1203), words(1, 2, 3)])], "?"],
  ] as const)("%s", (_, types, text) => {
    expect(parameter(...types)).toBe(`(${text})`);
  });
});

describe("methods", () => {
  const owner = leaf.class("A");
  const constOwner = leaf.modifier(0x1000, 1);
  it.each([
    ["without this are static, which is not said", [owner, leaf.list(int), leaf.method(3, 0x1000, 0, 0x1001)], "(int)"],
    ["with it have it not among their parameters", [owner, leaf.pointer(0x1000, pointer, isConst), leaf.list(), leaf.method(3, 0x1000, 0x1001, 0x1002)], "()"],
    ["of a const object", [owner, constOwner, leaf.pointer(0x1001), leaf.list(), leaf.method(3, 0x1000, 0x1002, 0x1003)], "() const"],
    ["of Rust have another type in its place", [owner, leaf.pointer(char), leaf.list(int), leaf.method(3, 0x1000, 0x1001, 0x1002)], "(char*, int)"],
  ] as const)("%s", (_, types, text) => {
    expect(namesOf(types).signature(0x1000 + types.length - 1)).toBe(text);
  });

  it("a type that is none of a function adds nothing", () => expect(namesOf([owner]).signature(0x1000)).toBe(""));
});

describe("ids", () => {
  const types = [leaf.list(int), leaf.procedure(3, 0x1000), leaf.class("ns::A"), leaf.method(3, 0x1002, 0, 0x1000), leaf.class("ns::B<ns::A>")];
  /** The name of the last id's function. */
  const functionOfId = (list: readonly Buffer[]): string => {
    const builder = new ModuleBuilder();
    const names = new FunctionNames(builder, namesOf(types, list));
    names.parameterBudget = 10_000;
    return Buffer.from(builder.strings.bytesOf(builder.origins.data[names.originOf(0x1000 + list.length - 1)]!)).toString();
  };
  it.each([
    ["a function", [id.function("f", 0, 0x1001)], "f(int)"],
    ["in a namespace", [id.text("ns::inner"), id.function("f", 0x1000, 0x1001)], "ns::inner::f(int)"],
    ["in one without name, in the linker's spelling", [id.text("?A0x12ab34cd"), id.function("f", 0x1000, 0x1001)], "(anonymous namespace)::f(int)"],
    ["in one without name, in the compiler's", [id.text("ns::`anonymous namespace'"), id.function("f", 0x1000, 0x1001)], "ns::(anonymous namespace)::f(int)"],
    ["in one whose name is in pieces", [id.text("ns::"), id.text("more::"), id.texts(0x1000, 0x1001), id.text("last", 0x1002), id.function("f", 0x1003, 0x1001)], "ns::more::last::f(int)"],
    ["in a function", [id.function("outer", 0, 0x1001), id.function("f", 0x1000, 0x1001)], "outer(int)::f(int)"],
    ["a method", [id.method("f", 0x1002, 0x1003)], "ns::A::f(int)"],
    ["a constructor, as Microsoft's compiler has it", [id.method("{ctor}", 0x1004, 0x1003)], "ns::B<ns::A>::B<ns::A>(int)"],
    ["a destructor", [id.method("{dtor}", 0x1002, 0x1003)], "ns::A::~A(int)"],
    ["of a class that is not there", [id.method("f", 0x9999, 0x1003)], "?::f(int)"],
    ["in the linker's spelling", [id.function("?f@@YAXXZ", 0, 0x1001)], "?f@@YAXXZ"],
    ["a text is no function", [id.text("ns")], "<name omitted>"],
  ] as const)("%s", (_, ids, text) => {
    expect(functionOfId(ids)).toBe(text);
  });

  it("a function that is declared in itself has a name that ends", () => {
    expect(functionOfId([id.function("f", 0x1000, 0x1001)])).toMatch(/^\?(::f\(int\)){2,100}$/);
  });
});

describe("hostile types", () => {
  it("that refer to themselves end", () => {
    expect(parameter(leaf.pointer(0x1000))).toBe("(?)");
    expect(parameter(leaf.modifier(0x1000, 1)).length).toBeLessThan(300);
    expect(parameter(leaf.array(0x1000, 8)).length).toBeLessThan(5000);
    expect(parameter(leaf.list(0x1001), leaf.procedure(0x1001, 0x1000), leaf.pointer(0x1001)).length).toBeLessThan(20_000);
  });

  it("that double their text at each step stay short, and are soon done", () => {
    const types: Buffer[] = [leaf.pointer(int)];
    for (let i = 0; i < 60; i++) types.push(leaf.list(0x1000 + types.length - 1, 0x1000 + types.length - 1), leaf.procedure(0x74, 0x1000 + types.length), leaf.pointer(0x1000 + types.length + 1));
    const start = performance.now();
    expect(parameter(...types).length).toBeLessThan(10_000);
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it("wide and deep ones are soon done", () => {
    const types: Buffer[] = [leaf.pointer(int)];
    for (let i = 0; i < 30; i++) types.push(leaf.list(...Array.from({ length: 200 }, (_, k) => 0x1000 + Math.max(0, types.length - 1 - 3 * (k % 7)))), leaf.procedure(0x74, 0x1000 + types.length), leaf.pointer(0x1000 + types.length + 1));
    const names = namesOf([...types, leaf.list(0x1000 + types.length - 1), leaf.procedure(3, 0x1000 + types.length)]);
    names.budget = 100_000;
    const start = performance.now();
    expect(names.signature(0x1001 + types.length).length).toBeLessThan(10_000);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it("lists of empty lists are soon done", () => {
    const ids: Buffer[] = [id.text("")];
    for (let i = 0; i < 22; i++) ids.push(id.texts(...Array.from({ length: 200 }, () => 0x1000 + ids.length - 1)), id.text("", 0x1000 + ids.length));
    const names = namesOf([], [...ids, id.function("f", 0x1000 + ids.length - 1, 0)]);
    const start = performance.now();
    expect([names.findFunction(0x1000 + ids.length), names.own]).toEqual([true, "f"]);
    expect(performance.now() - start).toBeLessThan(4000);
  });

  it("a stream that ends within a record has those before it", () => {
    const pdb = buildPdb({ types: [leaf.list(int), leaf.procedure(3, 0x1000), leaf.class("A")] });
    const msf = openMsf(bytesOf(pdb));
    if (!msf.ok) throw new Error(msf.problem.message);
    const cut = { ...msf.value, size: (stream: number) => msf.value.size(stream) - (stream === 2 ? 4 : 0) };
    const types = TypeStream.open(cut, 2)!;
    expect([types.count, types.find(0x1001), types.find(0x1002), types.find(0xfff)]).toEqual([2, 0x1008, 0, 0]);
  });
});
