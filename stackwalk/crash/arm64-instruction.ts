// arm64
import type { Instruction, InstructionInput } from "./instruction.ts";
/** none yet. */
export function arm64Instruction(_input: InstructionInput): Instruction | null {
  return null;
}
