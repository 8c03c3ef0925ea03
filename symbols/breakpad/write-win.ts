// STACK WIN records as text; compile-win.ts reads it.
import type { WinFrame } from "../cache/module-symbols.ts";
import { op, winVariable } from "../cache/unwind-rule.ts";

const operators: { readonly [operation: number]: string } = { [op.add]: "+", [op.subtract]: "-", [op.multiply]: "*", [op.divide]: "/", [op.modulo]: "%", [op.align]: "@", [op.dereference]: "^" };
const registers: ReadonlySet<string> = new Set(["eip", "esp", "ebp", "ebx", "esi", "edi"]);
/** By number: variables with a meaning of their own. */
const variableNames: readonly string[] = Object.entries(winVariable)
  .filter(([name]) => name !== "firstOther")
  .map(([name]) => (registers.has(name) ? `$${name}` : `.${name}`));

/** The line for a record, without its end. */
export function winText(frame: WinFrame, expressions: Int32Array): string {
  const sizes = [frame.start, frame.size, frame.prologBytes, frame.epilogBytes, frame.parameterBytes, frame.savedRegisterBytes, frame.localBytes, frame.maxStackBytes].map((value) => value.toString(16)).join(" ");
  if (frame.kind === "fpo") return `STACK WIN 0 ${sizes} 0 ${frame.allocatesBasePointer ? 1 : 0}`;
  return `STACK WIN 4 ${sizes} 1 ${programText(frame, expressions)}`;
}

/** A program in postfix form: each statement is its variable, its value, and `=`. One that could not be compiled becomes one that cannot either, and aligns if it did. */
function programText(frame: WinFrame, expressions: Int32Array): string {
  const statements: string[] = [];
  const stack: string[] = [];
  if (frame.program < 0) return frame.programAligns ? "@" : ".undef";
  for (let at = frame.program; at < expressions.length && expressions[at] !== op.end; at += 2) {
    const operation = expressions[at]!;
    const operand = expressions[at + 1] ?? 0;
    if (operation === op.assign) statements.push(`${variable(operand)} ${stack.pop() ?? ""} =`);
    else if (operation === op.forget) statements.push(`${variable(operand)} .undef =`);
    else if (operation === op.constant) stack.push(String(operand));
    else if (operation === op.variable) stack.push(variable(operand));
    else if (operation === op.fail) stack.push(".undef");
    else if (operation === op.dereference) stack.push(`${stack.pop() ?? ""} ^`);
    else {
      const right = stack.pop() ?? "";
      stack.push(`${stack.pop() ?? ""} ${right} ${operators[operation] ?? ""}`);
    }
  }
  return statements.join(" ");
}

function variable(number: number): string {
  return variableNames[number] ?? `$T${number - winVariable.firstOther}`;
}
