// STACK WIN records of a symbol file (cache/win-records.ts says what they mean):
//
//     STACK WIN TYPE RVA CODE PROLOG EPILOG PARAMS SAVED LOCALS MAX 1 PROGRAM
//     STACK WIN TYPE RVA CODE PROLOG EPILOG PARAMS SAVED LOCALS MAX 0 BASEPTR
//
// All numbers but the flag are hex. Type 4 has a program, type 0 (FPO) none;
// other types say nothing that a walk could use.
import type { WinOutcome, WinRecords, WinSizes } from "../cache/win-records.ts";
import { type FieldCursor, noField } from "./field-cursor.ts";

/** Takes the record whose fields after `STACK WIN` begin at the cursor. */
export function takeWin(win: WinRecords, bytes: Uint8Array, cursor: FieldCursor): WinOutcome | "malformed" | "other_type" {
  const type = cursor.hex(bytes);
  const start = cursor.hex(bytes);
  const size = cursor.hex(bytes);
  const sizes: number[] = [];
  for (let i = 0; i < 6; i++) sizes.push(cursor.hex(bytes));
  const hasProgram = cursor.decimal(bytes);
  if (type === noField || start === noField || size === noField || hasProgram === noField || sizes.some((value) => value === noField || value > 0x7fffffff)) return "malformed";
  if (type !== 0 && type !== 4) return "other_type";
  // Where type and flag disagree, nobody knows which is right.
  if ((type === 4) !== (hasProgram === 1) || cursor.atEnd(bytes)) return "malformed";
  if (size === 0 || start + size > 0xffffffff) return "malformed";
  const six = sizes as unknown as WinSizes;
  return type === 4 ? win.addProgram(start, size, six, cursor.text(bytes)) : win.addFpo(start, size, six, cursor.hex(bytes) === 1);
}
