// The order of modules: what needs someone's attention first, what nobody
// needed last.
import type { Module, SymbolState } from "./report.ts";

/** A symbol state as the page prints it. */
export type SymbolStateText = { readonly label: string; readonly tone: "good" | "warn" | "bad" | "plain"; readonly explains: string; readonly rank: number };

const texts: { readonly [state in SymbolState]: SymbolStateText } = {
  corrupt: { rank: 0, tone: "bad", label: "corrupt", explains: "Symbols were found but could not be read. Upload them again." },
  missing: { rank: 1, tone: "warn", label: "missing", explains: "Frames needed these symbols and nobody uploaded them." },
  loaded: { rank: 2, tone: "good", label: "loaded", explains: "Symbols were found and used." },
  no_debug_id: { rank: 3, tone: "plain", label: "no debug id", explains: "The dump does not say which build this is: its symbols cannot be looked up." },
  unused: { rank: 4, tone: "plain", label: "unused", explains: "No frame is in this module, so its symbols were not looked for." },
};

/** The words for a symbol state; one that this page does not know is printed as it is. */
export function symbolStateText(state: string): SymbolStateText {
  return (texts as { readonly [state: string]: SymbolStateText })[state] ?? { rank: 3, tone: "plain", label: state, explains: "This page does not know this state." };
}

/** Modules in two lists: those that frames needed (worst first), and the rest by name. */
export function orderModules(modules: readonly Module[]): { readonly needed: readonly Module[]; readonly rest: readonly Module[] } {
  const rank = (module: Module) => symbolStateText(module.symbol_state).rank;
  const byName = (a: Module, b: Module) => a.filename.localeCompare(b.filename, "en");
  const isRest = (module: Module) => module.symbol_state === "unused" || module.symbol_state === "no_debug_id";
  return {
    needed: modules.filter((module) => !isRest(module)).sort((a, b) => rank(a) - rank(b) || byName(a, b)),
    rest: modules.filter(isRest).sort(byName),
  };
}
