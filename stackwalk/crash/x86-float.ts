// The x87 instructions, opcodes d8 to df: names by opcode and ModRM. yaxpeax
// spells out st(0) where Intel's assemblers leave it.
import { plainMemory, operandOf, type X86Operand } from "./x86-operands.ts";
import type { X86Reader } from "./x86-reader.ts";

const sums = "add mul com comp sub subr div divr";

/** Names by ModRM.reg with an operand in memory, and the letters of its size; one of them for all or one each. */
const inMemory: readonly (readonly [names: string, sizes: string])[] = [
  [`f: ${sums}`, "d"],
  ["f: ld - st stp ldenv ldcw nstenv nstcw", "d- ddxwxw"],
  [`fi: ${sums}`, "d"],
  ["f: ild isttp ist istp - ld - stp", "dddd-t-t"],
  [`f: ${sums}`, "q"],
  ["f: ld isttp st stp rstor - nsave nstsw", "qqqqx-xw"],
  [`fi: ${sums}`, "w"],
  ["f: ild isttp ist istp bld ild bstp istp", "wwwwtqtq"],
];

/** Names by ModRM.reg between registers: with st(0) first, with st(0) last, or not at all. */
const between: readonly (readonly [form: "first" | "last" | "alone", names: string])[] = [
  ["first", "fadd fmul fcom fcomp fsub fsubr fdiv fdivr"],
  ["first", "fld fxch - - - - - -"],
  ["first", "fcmovb fcmove fcmovbe fcmovu - - - -"],
  ["first", "fcmovnb fcmovne fcmovnbe fcmovnu - fucomi fcomi -"],
  ["last", "fadd fmul - - fsubr fsub fdivr fdiv"],
  ["last", "ffree - fst fstp fucom fucomp - -"],
  ["last", "faddp fmulp - - fsubrp fsubp fdivrp fdivp"],
  ["first", "ffreep - - - - fucomip fcomip -"],
];

/** Whole instructions by opcode and ModRM. */
const whole: { readonly [code: number]: string } = {
  0xd9d0: "fnop", 0xd9e0: "fchs", 0xd9e1: "fabs", 0xd9e4: "ftst", 0xd9e5: "fxam", 0xd9e8: "fld1", 0xd9e9: "fldl2t", 0xd9ea: "fldl2e", 0xd9eb: "fldpi", 0xd9ec: "fldlg2", 0xd9ed: "fldln2", 0xd9ee: "fldz",
  0xd9f0: "f2xm1", 0xd9f1: "fyl2x", 0xd9f2: "fptan", 0xd9f3: "fpatan", 0xd9f4: "fxtract", 0xd9f5: "fprem1", 0xd9f6: "fdecstp", 0xd9f7: "fincstp", 0xd9f8: "fprem", 0xd9f9: "fyl2xp1", 0xd9fa: "fsqrt",
  0xd9fb: "fsincos", 0xd9fc: "frndint", 0xd9fd: "fscale", 0xd9fe: "fsin", 0xd9ff: "fcos", 0xdae9: "fucompp", 0xdbe2: "fnclex", 0xdbe3: "fninit", 0xded9: "fcompp", 0xdfe0: "fnstsw ax",
}; // prettier-ignore

/** Instructions with an operand in memory that do not use st(0), and those that store it. */
const withoutStack = /^f(ldenv|ldcw|nstenv|nstcw|rstor|nsave|nstsw)$/;
const stores = /^f(st|stp|ist|istp|isttp|bstp)$/;

/** A decoded x87 instruction; null for none. */
export function floatInstruction(opcode: number, reader: X86Reader): { readonly name: string; readonly operands: readonly X86Operand[] } | null {
  const table = opcode - 0xd8;
  if (reader.mod !== 3) return withMemory(table, reader);
  const exact = whole[(opcode << 8) | 0xc0 | (reader.reg << 3) | reader.rm];
  const register = (name: string): X86Operand => ({ kind: "register", name, suffix: "" });
  if (exact !== undefined) {
    const [name, operand] = exact.split(" ");
    return { name: name!, operands: operand === undefined ? [] : [register(operand)] };
  }
  const [form, names] = between[table]!;
  const name = names.split(" ")[reader.reg]!;
  if (name === "-") return null;
  const [top, other] = [register("st(0)"), register(`st(${reader.rm})`)];
  return { name, operands: name.startsWith("ffree") ? [other] : form === "first" || name.startsWith("fucom") ? [top, other] : [other, top] };
}

function withMemory(table: number, reader: X86Reader): ReturnType<typeof floatInstruction> {
  const [names, sizes] = inMemory[table]!;
  const [prefix, ...list] = names.split(" ");
  const stem = list[reader.reg]!;
  const size = sizes.length === 1 ? sizes : sizes.replace(" ", "")[reader.reg]!;
  if (stem === "-" || size === "-") return null;
  const name = `${prefix!.slice(0, -1)}${stem}`;
  const operand = operandOf(`E${size}`, reader, 0);
  if (!operand) return null;
  const top: X86Operand = { kind: "register", name: "st(0)", suffix: "" };
  if (withoutStack.test(name)) return { name, operands: [operand] };
  return { name, operands: stores.test(name) ? [operand, top] : [top, operand] };
}

/** Operands of the string instructions, by name: where they read and write. */
export function stringOperands(name: string, opcode: number, reader: X86Reader): X86Operand[] {
  const size = (opcode & 1) === 0 ? 1 : name === "ins" || name === "outs" ? Math.min(reader.operandSize, 4) : reader.operandSize;
  const at = (letters: string, segment: string | null): X86Operand => plainMemory(reader, size, { base: `${reader.addressSize === 8 ? "r" : reader.addressSize === 4 ? "e" : ""}${letters}`, segment });
  const usual = plainMemory(reader, size, {}).segment;
  const value = (letter: string): X86Operand => ({ kind: "register", name: letter === "d" ? "dx" : size === 1 ? "al" : size === 2 ? "ax" : size === 4 ? "eax" : "rax", suffix: "" });
  switch (name) {
    case "movs":
      return [at("di", "es"), at("si", usual ?? "ds")];
    case "cmps":
      return [at("si", usual ?? "ds"), at("di", "es")];
    case "stos":
    case "scas":
      return [at("di", "es"), value("a")];
    case "lods":
      return [value("a"), at("si", usual)];
    case "ins":
      return [at("di", usual), value("d")];
    default:
      return [value("d"), at("si", usual)];
  }
}
