// What the rest of the house knows of a walker. Which walker runs is decided
// in one place (workers/symbolicate); tests and the command line may choose.
import type { Report } from "./report.ts";

/** What identifies a module's symbols: the name of its debug file and its debug id (Breakpad form, upper case, GUID and age), or, where the dump does not know those, the name of its code file and its code id. One of the ids is there. Names are without folders. */
export type SymbolKey = { readonly debugFile: string | null; readonly debugId: string | null; readonly codeFile: string; readonly codeId: string | null };

/** A module of walked frames, and what its symbols lack: `all` of them, `names` (there are no source lines), or `unwind` (nothing says how its frames unwind). */
export type MissingSymbols = SymbolKey & { readonly lacks: "all" | "names" | "unwind" };

/** Finds the debug files of modules for a walk. */
export type SymbolSource = {
  /** For each key, in the order of `keys`, the paths of the module's debug files: one, or several that complete each other, as a PDB and its program; null where there is none. */
  locate(keys: readonly SymbolKey[]): Promise<readonly LocatedFiles[]>;
};

/** Paths of the debug files of a module, at least one; null where there is none. */
export type LocatedFiles = readonly string[] | null;

/** Why a dump could not be walked: `not_a_minidump`, `truncated`, `no_threads`, `timeout`, `memory_limit`, `output_limit`, `walker_crashed`, `walker_missing`, `walker_refused` (the walker found the dump malformed), `cancelled` (by the caller's signal), `unreadable_output` (the walker's two outputs disagree; another try may help). */
export type WalkFailure = { readonly code: string; readonly message: string };

/** A finished walk: the report, and the modules of walked frames whose symbols lack something. `json` is the report's text where the walker made it anyhow; `report` is then parsed when it is first asked for. */
export type Walk = { readonly ok: true; readonly report: Report; readonly missing: readonly MissingSymbols[]; readonly json?: string } | { readonly ok: false; readonly failure: WalkFailure };

/** Turns a minidump into a report. Never throws for what is in the dump. */
export type Stackwalker = {
  /** Name and version, as reports carry it. */
  readonly name: string;
  walk(dumpPath: string, symbols: SymbolSource, options: WalkOptions): Promise<Walk>;
};

/** Bounds of one walk. */
export type WalkOptions = {
  readonly timeoutMs: number;
  readonly outputBytes: number;
  readonly maxFrames: number;
  readonly maxThreads: number;
  /** A folder of this walk's own, that the caller removes. */
  readonly workDir: string;
  readonly signal?: AbortSignal;
};
