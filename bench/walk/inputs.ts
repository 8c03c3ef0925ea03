// What the benchmark walks: dumps and symbols, made on the first run and kept
// in `.cache/bench/walk` of the checkout.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { largeSymbols, storeSymbols, writeSlice } from "./large-symbols.ts";
import { type DumpPlan, planDump } from "./planned-dump.ts";
import { readSymbolText } from "./symbol-text.ts";

const root = path.join(import.meta.dirname, "../..");

/** One dump with the symbols that it is walked with. */
export type Input = {
  readonly name: string;
  readonly dump: string;
  /** The `.sym` of its frames. */
  readonly sym: string;
  /** A store that has it. */
  readonly symbols: string;
  /** Frames and inlined functions that a walk must find; null where nothing was planned. */
  readonly expected: { readonly frames: number; readonly inlines: number } | null;
};

/** All inputs; the large ones are null with a sentence on why where they cannot be made. */
export type Inputs = {
  readonly small: Input;
  readonly large: { readonly medium: Input; readonly large: Input; readonly deep: Input } | null;
  readonly missing: string | null;
};

/** The dump that engine research compares by: 11 threads, 78 frames, 112 inlines. */
const typical: DumpPlan = { threads: [20, 6, 6, 6, 6, 6, 6, 6, 6, 5, 5], inlines: 112, frameBytes: 160, stackBytes: 0, otherModules: 58 };
/** A megabyte of stack. */
const deep: DumpPlan = { threads: [250], inlines: 250, frameBytes: 160, stackBytes: 1 << 20, otherModules: 58 };
/** Bytes of the smaller `.sym`. */
const MEDIUM_BYTES = 3_800_000;

/** Makes what is not there yet. */
export function makeInputs(): Inputs {
  const folder = path.join(root, ".cache/bench/walk");
  mkdirSync(folder, { recursive: true });
  const made = largeSymbols(folder);
  if ("missing" in made) return { small: fixture(), large: null, missing: made.missing };
  const slice = path.join(folder, "slice.sym");
  if (!existsSync(slice)) writeSlice(made.path, slice, MEDIUM_BYTES);
  return {
    small: fixture(),
    large: {
      medium: planned(folder, "medium", slice, typical),
      large: planned(folder, "large", made.path, typical),
      deep: planned(folder, "deep", made.path, deep),
    },
    missing: null,
  };
}

function planned(folder: string, name: string, sym: string, plan: DumpPlan): Input {
  const dump = path.join(folder, `${name}.dmp`);
  const facts = path.join(folder, `${name}.json`);
  if (!existsSync(facts)) {
    const made = planDump(readSymbolText(readFileSync(sym, "latin1")), plan);
    writeFileSync(dump, made.bytes);
    const frames = made.threads.flat();
    writeFileSync(facts, JSON.stringify({ frames: frames.length, inlines: frames.reduce((sum, frame) => sum + frame.inlines, 0) }));
  }
  const expected = JSON.parse(readFileSync(facts, "utf8")) as NonNullable<Input["expected"]>;
  return { name, dump, sym, symbols: storeSymbols(path.join(folder, `${name}-symbols`), sym), expected };
}

/** A crash of our own plugin, as Crashpad wrote it. */
function fixture(): Input {
  const out = path.join(root, "fixtures/out");
  return {
    name: "small",
    dump: path.join(out, "dumps/1.4.2/crashpad-null-write.dmp"),
    sym: path.join(out, "sym/halcyon.so/A2935692699494EF8BC86F6E5537ABE20/halcyon.so.sym"),
    symbols: path.join(out, "sym"),
    expected: null,
  };
}
