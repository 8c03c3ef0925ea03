// What the rest of the house knows of a walker. Which walker runs is decided
// in one place (workers/symbolicate); tests and the command line may choose.
import type { Report } from "./report.ts";

/** What identifies a module's symbols: the name of its debug file and its debug id (Breakpad form, upper case, GUID and age). */
export type SymbolKey = { readonly debugFile: string; readonly debugId: string; readonly codeFile: string; readonly codeId: string | null };

/** Finds symbol files for a walk. */
export type SymbolSource = {
  /** The path of a readable Breakpad `.sym` file for each module that has one, in the order of `keys`; null where there is none. */
  locate(keys: readonly SymbolKey[]): Promise<readonly (string | null)[]>;
};

/** Why a dump could not be walked: `not_a_minidump`, `truncated`, `no_threads`, `timeout`, `memory_limit`, `output_limit`, `walker_crashed`, `walker_missing`, `walker_refused` (the walker found the dump malformed), `cancelled` (by the caller's signal), `unreadable_output` (the walker's two outputs disagree; another try may help). */
export type WalkFailure = { readonly code: string; readonly message: string };

/** A finished walk: the report, and the modules of walked frames that had no symbols. `json` is the report's text where the walker made it anyhow; `report` is then parsed when it is first asked for. */
export type Walk = { readonly ok: true; readonly report: Report; readonly missing: readonly SymbolKey[]; readonly json?: string } | { readonly ok: false; readonly failure: WalkFailure };

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
