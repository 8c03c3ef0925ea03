// How nodes are printed from anywhere: through two functions that print-type.ts
// puts here, since names hold types and types names.
import { HAS_RIGHT } from "./node-kinds.ts";
import type { Output } from "../output.ts";
import { shape } from "./pack.ts";

type Print = (o: Output, node: number) => void;

const missing: Print = () => {
  throw new Error("a printer is used before its file is loaded");
};

/** Print what stands before and behind the name that a type declares. */
export const printer: { left: Print; right: Print } = { left: missing, right: missing };

/** Prints a type, a name or an expression. */
export function printType(o: Output, node: number): void {
  printer.left(o, node);
  if ((shape(o, node) & HAS_RIGHT) !== 0) printer.right(o, node);
}
