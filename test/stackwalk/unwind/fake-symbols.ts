// Symbols of one module, made by hand: what a symbol cache would answer, from
// lists. Rules are written in the postfix form of STACK CFI records, so that
// tests read like the files they stand for.
import { registerFiles, registerNumber, type Arch } from "../../../symbols/registers.ts";
import type { ModuleSymbols, SourcePlace, WinFrame } from "../../../symbols/cache/module-symbols.ts";
import { ARM64_FIRST_SLOT, cfaKind, interruptedFlag, op, raKind, RULE_SLOT_WORDS, RULE_WORDS, saveKind, winVariable } from "../../../symbols/cache/unwind-rule.ts";

/** A function or, with `isPublic`, a bare linker symbol. */
export type FakeFunction = { start: number; size: number; name: string; parameterBytes?: number; isPublic?: true; file?: string; line?: number };

/** A row of call frame information: `.cfa`, `.ra` and registers, each with an expression; "end" for the outermost frame. `interrupted` says that the caller did not call. */
export type FakeRow = { start: number; size: number; entry?: boolean; interrupted?: true; rule: { [register: string]: string } | "end" };

/** A STACK WIN record. `program` is its text; FPO without. */
export type FakeWin = Partial<Omit<WinFrame, "program" | "kind">> & { start: number; size: number; program?: string };

export type FakeModule = { functions?: FakeFunction[]; rows?: FakeRow[]; win?: FakeWin[]; leafWithoutRow?: boolean };

const operations: { [token: string]: number } = { "+": op.add, "-": op.subtract, "*": op.multiply, "/": op.divide, "%": op.modulo, "@": op.align, "^": op.dereference, ".cfa": op.cfa, ".undef": op.fail };

/** Compiles the tokens of an expression; unknown ones fail when they are run. */
export function compileExpression(arch: Arch, text: string): number[] {
  const code = text.split(" ").flatMap((token) => {
    if (operations[token] !== undefined) return [operations[token], 0];
    if (/^-?\d+$/.test(token)) return [op.constant, Number(token)];
    const register = registerNumber(registerFiles[arch], token);
    return register === undefined ? [op.fail, 0] : [op.register, register];
  });
  return [...code, op.end, 0];
}

/** Compiles a STACK WIN program: `$T0 $ebp = $eip $T0 4 + ^ =`. */
export function compileProgram(text: string): number[] {
  const numbers = new Map<string, number>(Object.entries(winVariable).map(([name, number]) => [/^(ra|cb)/.test(name) ? `.${name}` : `$${name}`, number]));
  const variable = (name: string): number => {
    if (!numbers.has(name)) numbers.set(name, winVariable.firstOther + numbers.size);
    return numbers.get(name)!;
  };
  const code: number[] = [];
  // The variable that is assigned to stands first in its statement.
  let target: string | null = null;
  for (const token of text.trim().split(/ +/)) {
    if (token === "=") {
      code.push(op.assign, variable(target!));
      target = null;
    } else if (target === null) target = token;
    else if (operations[token] !== undefined) code.push(operations[token], 0);
    else if (/^-?\d+$/.test(token)) code.push(op.constant, Number(token));
    else code.push(op.variable, variable(token));
  }
  return [...code, op.end, 0];
}

/** Answers for a module. */
export function fakeSymbols(arch: Arch, { functions = [], rows = [], win = [], leafWithoutRow = false }: FakeModule): ModuleSymbols {
  const rules: number[] = [];
  const expressions: number[] = [];
  const add = (code: number[]): number => expressions.push(...code) - code.length;
  for (const row of rows) rules.push(...compileRule(arch, row, add));
  const frames = win.map((record) => winFrame(record, add));
  const functionAt = (rva: number): FakeFunction | undefined => functions.find(({ start, size }) => rva >= start && rva < start + size);
  const holds = ({ start, size }: { start: number; size: number }, rva: number): boolean => rva >= start && rva < start + size;
  return {
    hasUnwindRows: rows.length > 0,
    leafWithoutRow,
    lacksCompanion: false,
    hasLines: true,
    hasWinFrames: win.length > 0,
    hasNames: functions.length > 0,
    lookUp(rva, place) {
      const found = functionAt(rva);
      Object.assign(place, { name: "", linkageName: null, start: 0, isPublic: false, file: null, line: 0, lineStart: 0, inlines: [] } satisfies SourcePlace);
      if (found === undefined) return false;
      Object.assign(place, { name: found.name, start: found.start, isPublic: found.isPublic ?? false, file: found.file ?? null, line: found.line ?? 0 });
      return true;
    },
    hasName: (rva) => (functionAt(rva)?.name ?? "") !== "",
    parameterBytes: (rva) => functionAt(rva)?.parameterBytes ?? 0,
    unwindRow: (rva) => rows.findIndex((row) => holds(row, rva)),
    rowStart: (row) => rows[row]?.start ?? 0xffff_ffff,
    rowIsEntry: (row) => rows[row]?.entry ?? false,
    rowRule: (row) => row,
    rules: Int32Array.from(rules),
    expressions: Int32Array.from(expressions),
    winFrame: (rva) => frames.find((frame) => frame.kind === "program" && holds(frame, rva)) ?? frames.find((frame) => holds(frame, rva)) ?? null,
  };
}

function compileRule(arch: Arch, { rule, interrupted }: FakeRow, add: (code: number[]) => number): number[] {
  const words = Array.from({ length: RULE_WORDS }, () => 0);
  if (rule === "end") {
    words[0] = cfaKind.end;
    return words;
  }
  for (const [name, text] of Object.entries(rule)) {
    const plus = /^(\S+) (-?\d+) \+( \^)?$/.exec(text);
    const register = plus === null ? undefined : registerNumber(registerFiles[arch], plus[1]!);
    const atCfa = plus !== null && plus[1] === ".cfa" && plus[3] !== undefined ? Number(plus[2]) : null;
    if (name === ".cfa") {
      if (register !== undefined && plus![3] === undefined) words.splice(0, 2, cfaKind.register | (register << 8), Number(plus![2]));
      else words.splice(0, 2, cfaKind.expression, add(compileExpression(arch, text)));
    } else if (name === ".ra") {
      const whole = registerNumber(registerFiles[arch], text);
      if (atCfa !== null) words.splice(2, 2, raKind.atCfa, atCfa);
      else if (whole !== undefined) words.splice(2, 2, raKind.register, whole);
      else words.splice(2, 2, raKind.expression, add(compileExpression(arch, text)));
    } else {
      const slot = registerNumber(registerFiles[arch], name)! - (arch === "arm64" ? ARM64_FIRST_SLOT : 0);
      const kind = text === ".undef" ? saveKind.undefined : atCfa !== null ? saveKind.atCfa : saveKind.expression;
      words[4]! |= kind << (slot * 2);
      words[RULE_SLOT_WORDS + slot] = kind === saveKind.atCfa ? atCfa! : kind === saveKind.expression ? add(compileExpression(arch, text)) : 0;
    }
  }
  if (interrupted) words[0]! |= interruptedFlag;
  return words;
}

function winFrame({ program, ...record }: FakeWin, add: (code: number[]) => number): WinFrame {
  const sizes = { prologBytes: 0, epilogBytes: 0, parameterBytes: 0, savedRegisterBytes: 0, localBytes: 0, maxStackBytes: 0, allocatesBasePointer: false };
  if (program === undefined) return { ...sizes, ...record, kind: "fpo", program: -1, programAligns: false };
  return { ...sizes, ...record, kind: "program", program: add(compileProgram(program)), programAligns: program.includes("@") };
}
