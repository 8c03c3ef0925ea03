// Names: which of an entry, of what it refers to and of what that lies in counts.
import { describe, expect, test } from "vitest";
import { dwarfAnswers } from "./dwarf-answers.ts";
import { type Die, DwarfWriter, type FormValue, die, imageBase } from "./dwarf-writer.ts";

const code = imageBase + 0x100;
const fn = (attributes: Die["attributes"], children: readonly Die[] = []): Die => die("subprogram", { lowPc: ["addr", code], highPc: ["data1", 16], ...attributes }, children);
const text = (value: string): FormValue => ["string", value];

/** The name of the function at `code`, and what was left out. */
function nameIn(...children: Die[]): string {
  return dwarfAnswers(new DwarfWriter().unit(die("compileUnit", {}, children)).sections())
    .filter((line) => line !== "110")
    .join(", ");
}

describe("the name of a function", () => {
  const rows: [what: string, expected: string, entries: Die[]][] = [
    ["is the linker's before the plain one", "100 _Z1fv", [fn({ name: text("f"), linkageName: text("_Z1fv") })]],
    ["is the linker's as compilers wrote it before DWARF 4", "100 _Z1fv", [fn({ name: text("f"), mipsLinkageName: text("_Z1fv") })]],
    ["is the plain one", "100 f", [fn({ name: text("f") })]],
    ["is that of the abstract function", "100 f", [fn({ abstractOrigin: ["ref4", "x"] }), die("subprogram", { name: text("f") }, [], "x")]],
    ["is the linker's of the declaration, two references away", "100 _ZN1C1fEv", [
      fn({ abstractOrigin: ["ref4", "x"] }), die("subprogram", { specification: ["ref4", "y"] }, [], "x"), die("classType", { name: text("C") }, [die("subprogram", { name: text("f"), linkageName: text("_ZN1C1fEv") }, [], "y")]),
    ]],
    ["is the linker's of the copy itself before that of its origin", "100 _ZN1CC2Ev", [fn({ abstractOrigin: ["ref4", "x"], linkageName: text("_ZN1CC2Ev") }), die("subprogram", { linkageName: text("_ZN1CC4Ev") }, [], "x")]],
    ["has the scopes that it was declared in, not those that it stands in", "100 n::C::f", [
      die("namespace", { name: text("other") }, [fn({ specification: ["ref2", "y"] })]), die("namespace", { name: text("n") }, [die("classType", { name: text("C") }, [die("subprogram", { name: text("f") }, [], "y")])]),
    ]],
    ["has nameless scopes by what they are", "100 (anonymous namespace)::{unnamed type}::f", [die("namespace", {}, [die("structureType", {}, [fn({ name: text("f") })])])]],
    ["of a lambda says so", "100 n::g::{lambda(...)}::operator()", [die("namespace", { name: text("n") }, [die("subprogram", { name: text("g") }, [die("structureType", {}, [fn({ name: text("operator()") })])])])]],
    ["has the plain name of the function around it", "100 C::g::L::f", [
      die("classType", { name: text("C") }, [die("subprogram", { name: text("g"), linkageName: text("_ZN1C1gEv") }, [], "g")]), die("subprogram", { specification: ["ref4", "g"], linkageName: text("_ZN1C1gEv") }, [die(0x0b, {}, [die("classType", { name: text("L") }, [fn({ name: text("f") })])])]),
    ]],
    ["has no scope that is closed", "100 f", [die("namespace", { name: text("n") }, [die("classType", { name: text("C") }, [die(0x0d, {})])]), fn({ name: text("f") })]],
    ["has every kind of scope", "100 n::c::s::u::e::i::m::f", [
      die("namespace", { name: text("n") }, [die("classType", { name: text("c") }, [die("structureType", { name: text("s") }, [die("unionType", { name: text("u") }, [die("enumerationType", { name: text("e") }, [die("interfaceType", { name: text("i") }, [die("module", { name: text("m") }, [fn({ name: text("f") })])])])])])])]),
    ]],
    ["is the plain one alone for what C sees in a namespace", "100 f", [die("namespace", { name: text("n") }, [fn({ name: text("f"), external: ["flagPresent", 1] })])]],
    ["is said to be missing", "100 <name omitted>", [fn({})]],
    ["is not looked for in circles", "100 <name omitted>, brokenReference 1", [fn({ abstractOrigin: ["ref4", "x"] }), die("subprogram", { abstractOrigin: ["ref4", "x"] }, [], "x")]],
    ["is not looked for outside of the file", "100 <name omitted>, brokenReference 1", [fn({ abstractOrigin: ["ref4", "nowhere"] })]],
    ["is not looked for in another file", "100 <name omitted>, brokenReference 1", [fn({ abstractOrigin: ["gnuRefAlt", 11] })]],
    ["is not taken from another file", "100 <name omitted>, missingString 1", [fn({ name: ["strpSup", 1] })]],
    ["is not taken from behind a section", "100 <name omitted>, missingString 1", [fn({ name: ["strp", 0x7fffffff] })]],
    ["has no line's end", "100 a b c", [fn({ name: text("a\nb\rc") })]],
    ["is cut when it is longer than any compiler's", `100 _${"x".repeat(65_534)}`, [fn({ linkageName: text(`_${"x".repeat(70_000)}`) })]],
  ];
  test.each(rows)("%s", (_, expected, entries) => {
    expect(nameIn(...entries)).toBe(expected);
  });

  test("may be in another unit, before or after", () => {
    const dwarf = new DwarfWriter();
    const at = (offset: number, origin: string): Die => fn({ lowPc: ["addr", code + offset], abstractOrigin: ["refAddr", origin] });
    dwarf.unit(die("partialUnit", {}, [die("namespace", { name: text("early") }, [die("subprogram", { name: text("f") }, [], "f")])]));
    dwarf.unit(die("compileUnit", {}, [at(0, "f"), at(16, "g"), at(32, "f")]));
    dwarf.unit(die("compileUnit", {}, [die("namespace", { name: text("late") }, [die("subprogram", { name: text("g") }, [], "g"), die("subprogram", { name: text("h"), linkageName: text("_Z1hv") }, [], "h")])]));
    dwarf.unit(die("compileUnit", {}, [at(48, "h")]));
    expect(dwarfAnswers(dwarf.sections())).toEqual(["100 early::f", "110 late::g", "120 early::f", "130 _Z1hv", "140"]);
  });

  test("follows references of every size", () => {
    for (const form of ["ref1", "ref2", "ref4", "ref8", "refUdata", "refAddr"] as const) {
      const dwarf = new DwarfWriter();
      // Behind another unit, so that offsets into the unit and into the section differ.
      dwarf.unit(die("compileUnit", { name: text("x") }));
      dwarf.unit(die("compileUnit", {}, [die("subprogram", { name: text("f") }, [], "f"), fn({ abstractOrigin: [form, "f"] })]));
      expect(dwarfAnswers(dwarf.sections())).toEqual(["100 f", "110"]);
    }
  });
});
