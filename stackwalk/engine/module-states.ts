// Which modules of a dump were asked for symbols, and what came of it. A walk
// asks for a module only when a frame first falls into it: of the hundreds of
// modules in a process a stack visits a dozen.
import type { ModuleSymbols } from "../../symbols/cache/module-symbols.ts";
import { identifies } from "../minidump/code-view.ts";
import type { DumpModule } from "../minidump/model.ts";
import type { SymbolState } from "../report.ts";
import type { Arch } from "../../symbols/registers.ts";
import type { MissingSymbols, SymbolKey } from "../stackwalker.ts";
import { keyName, symbolKey } from "../symbol-key.ts";

/** Answers what a module's symbols are; `corrupt` is a file that was there and is no good. */
export type SymbolAnswer = ModuleSymbols | "missing" | "corrupt";

/** The symbols of a dump's modules, asked for once each. */
export class ModuleStates {
  private readonly modules: readonly DumpModule[];
  private readonly ask: (key: SymbolKey, module: DumpModule) => SymbolAnswer;
  private readonly answers: (ModuleSymbols | null | undefined)[];
  private readonly states: SymbolState[];
  private readonly keys: (SymbolKey | null | undefined)[];

  constructor(modules: readonly DumpModule[], ask: (key: SymbolKey, module: DumpModule) => SymbolAnswer) {
    this.modules = modules;
    this.ask = ask;
    this.answers = Array.from({ length: modules.length });
    this.states = modules.map(() => "unused");
    this.keys = Array.from({ length: modules.length });
  }

  /** The symbols of a module; null when there are none. */
  symbols(index: number): ModuleSymbols | null {
    const known = this.answers[index];
    if (known !== undefined) return known;
    const module = this.modules[index]!;
    const key = this.key(index);
    const answer = key === null ? "no_debug_id" : this.ask(key, module);
    this.states[index] = typeof answer === "string" ? answer : "loaded";
    return (this.answers[index] = typeof answer === "string" ? null : answer);
  }

  /** What is known of a module's symbols so far. */
  state(index: number): SymbolState {
    // Whether a module could be looked up is told of all of them, also of those that nobody asked for.
    if (this.states[index] === "unused" && !identifies(this.modules[index]!.debugId) && this.key(index) === null) return "no_debug_id";
    return this.states[index]!;
  }

  /** What the symbols of modules lack that were asked for, each module once. */
  missing(arch: Arch | null): MissingSymbols[] {
    const found = new Map<string, MissingSymbols>();
    for (const [index, state] of this.states.entries()) {
      const lacks = state === "missing" ? "all" : state === "loaded" ? lackOf(this.answers[index]!, arch) : null;
      const key = lacks === null ? null : this.key(index);
      if (key !== null && lacks !== null) found.set(keyName(key), { ...key, lacks });
    }
    return [...found.values()];
  }

  private key(index: number): SymbolKey | null {
    const known = this.keys[index];
    return known === undefined ? (this.keys[index] = symbolKey(this.modules[index]!)) : known;
  }
}

/** What loaded symbols lack; null when nothing. Only 32-bit Windows code can be unwound by frame programs. */
function lackOf(symbols: ModuleSymbols, arch: Arch | null): "names" | "unwind" | null {
  if (!symbols.hasLines || symbols.lacksCompanion) return "names";
  return symbols.hasUnwindRows || (arch === "x86" && symbols.hasWinFrames) ? null : "unwind";
}
