// What the walk passes over where an entry says which one is next, and what it
// finds nevertheless. Code where a compiler puts none shows what was not read.
import { expect, test } from "vitest";
import { dwarfAnswers } from "./dwarf-answers.ts";
import { type Die, DwarfWriter, type FormValue, die, imageBase } from "./dwarf-writer.ts";

const gcc = "GNU C++17 12.2.0 -g";
const clang = "clang version 19.1.7";
const code = imageBase + 0x100;
const text = (value: string): FormValue => ["string", value];
const fn = (attributes: Die["attributes"], children: readonly Die[] = []): Die => die("subprogram", { lowPc: ["addr", code], highPc: ["data1", 16], ...attributes }, children);
const inner = fn({ name: text("inner"), lowPc: ["addr", code + 16] });
const outer = fn({ name: text("outer") });
/** An entry that says that the one of a label is next. */
const leading = (itsTag: Die["tag"], name: string, next: string, children: readonly Die[], attributes: Die["attributes"] = {}): Die => die(itsTag, { name: text(name), ...attributes, sibling: ["ref4", next] }, children, name);
const last = die(0x24, {}, [], "next");
const declared: Die["attributes"] = { declaration: ["flagPresent", 1] };

const both = "100 outer, 110 C::inner, 120";
const rows: [what: string, expected: string, producer: string, children: Die[]][] = [
  ["a class of GCC is passed over", "100 outer, 110", gcc, [leading("classType", "C", "next", [inner]), last, outer]],
  ["so it is in namespaces", "100 outer, 110", gcc, [leading("namespace", "n", "next", [leading("namespace", "m", "", [leading("structureType", "C", "there", [inner]), die(0x24, {}, [], "there")])]), last, outer]],
  ["a class of another compiler is not", both, clang, [leading("classType", "C", "next", [inner]), last, outer]],
  ["nor is one of a compiler without a name", both, "", [leading("classType", "C", "next", [inner]), last, outer]],
  ["nor is a class in a function of GCC", "100 outer, 110 outer::C::inner, 120", gcc, [fn({ name: text("outer") }, [die(0x0b, {}, [leading("classType", "C", "next", [inner]), last])])]],
  ["nor is one in a function without code", "110 g::C::inner, 120", gcc, [die("subprogram", { name: text("g") }, [leading("classType", "C", "next", [inner]), last])]],
  ["nor is one after a namespace's end, in a function", "110 g::C::inner, 120", gcc, [die("namespace", { name: text("n") }, [last]), die("subprogram", { name: text("g") }, [leading("classType", "C", "there", [inner]), die(0x24, {}, [], "there")])]],
  ["a declared function is passed over for every compiler", "100 outer, 110", clang, [leading("subprogram", "f", "next", [inner], declared), last, outer]],
  ["a function with code is not", "100 f, 110 f::inner, 120", clang, [fn({ name: text("f"), ...declared, sibling: ["ref4", "next"] }, [inner]), last]],
  ["an enumeration is passed over", "100 outer, 110", clang, [leading("enumerationType", "e", "next", [inner]), last, outer]],
  ["names in what was passed over are whole", "100 n::C::D::f, 110 n::C::g, 120", gcc, [
    leading("namespace", "n", "next", [leading("classType", "C", "there", [leading("structureType", "D", "g", [die("subprogram", { name: text("f"), ...declared }, [], "f")]), die("subprogram", { name: text("g"), ...declared }, [], "g")]), die(0x24, {}, [], "there")]),
    last, fn({ specification: ["ref4", "f"] }), fn({ specification: ["ref4", "g"], lowPc: ["addr", code + 16] }),
  ]],
  ["what leads back is read", both, gcc, [last, leading("classType", "C", "next", [inner]), outer]],
  ["what leads to itself is read", both, gcc, [leading("classType", "C", "C", [inner]), outer]],
  ["what leads out of the unit is read", both, gcc, [leading("classType", "C", "nowhere", [inner]), outer]],
];

test.each(rows)("%s", (_, expected, producer, children) => {
  for (const little of [true, false]) {
    for (const form of ["string", "strp"] as const) {
      const dwarf = new DwarfWriter({ little }).unit(die("compileUnit", { producer: [form, producer] }, children));
      expect(dwarfAnswers(dwarf.sections()).join(", ")).toBe(expected);
    }
  }
});
