// `deadair symbols`: what can be done with symbol files; looking addresses up,
// into files, and writing them out have files of their own (symbols-lookup.ts,
// symbols-inspect.ts, symbols-dump.ts).
//
// `deadair symbols upload`: brings a build's debug files to the server.
//
// It is meant for the last step of a build: it takes whole folders, finds what
// belongs together, sends only what the server lacks, and fails the build when
// something that should have been uploaded was not, or when what was found is
// not good enough (`--require`).
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { readSeconds, readServerUrl } from "../server-address.ts";
import { describeSources, makeSourceBundles, type MadeSources, type ModuleSources } from "../source-bundle.ts";
import { readSourceRoots, type SourceRoot } from "../source-choice.ts";
import { readUploadFiles, type UploadFiles } from "../upload-file.ts";
import { type ModuleWarning, type Requirement, type UnmetModule, chooseUploads, requirements, unmetModules } from "../symbol-modules.ts";
import { findSplitUploads } from "../split-uploads.ts";
import { type OtherFile, type ScanFailure, type SymbolFile, type SymbolScanResult, scanForSymbols } from "../symbol-scan.ts";
import { type SymbolServer, type UploadResult, describeResults, uploadSymbols } from "../symbol-upload.ts";
import { type Terminal, counted, printable, processTerminal } from "../terminal.ts";

const help = `deadair symbols upload [options] PATH…

Uploads the debug files under each PATH: PDBs with their DLLs and EXEs, dSYMs with the
programs and bundles they belong to, ELF programs and libraries with their .debug files,
and Breakpad symbol files (.sym, also gzip or zstd). Files are told by their contents.
Universal binaries are split; .dwp and .dwo files, and what dwz took out, go along with
the program that refers to them, from beside it or from where the compiler put them. Of
a plugin or a file that is named, a .dSYM or .debug beside it goes along too. What the
server has is not sent again. A DLL or EXE found in a folder goes along when its PDB (or
.sym) is there too, or when it has DWARF inside; name the file itself to upload it in
any case.

  --url URL          address of the server             (env DEADAIR_URL)
  --token TOKEN      token that may upload symbols     (env DEADAIR_TOKEN)
  --project PROJECT  project's short name, "default" if not given
                                                       (env DEADAIR_PROJECT)
  --require WHAT     upload nothing and fail when a module lacks WHAT, a list of
                     unwind, lines, names, inlines; all its files count together,
                     and only modules that would be uploaded are looked at
  --sources          upload the modules' source files too, so that frames show their
                     lines: those that debug information names and that are on this
                     machine, without the system's
  --source-root FROM=TO
                     sources whose paths begin with FROM lie in the folder TO; for
                     builds that map paths. May be given several times
  --force            upload also what the server says it has
  --timeout SECONDS  silence after which the server counts as gone, 120
  --json             print the summary as JSON
  --help             print this

Exit code: 0 when everything is on the server, 1 when something failed or lacked
what is required, or there was nothing to upload, 2 when the command was not
understood.
A token on the command line can be seen by other users; prefer DEADAIR_TOKEN.`;

type Command = { readonly paths: string[]; readonly server: SymbolServer; readonly required: readonly Requirement[]; readonly sources: boolean; readonly roots: readonly SourceRoot[]; readonly force: boolean; readonly json: boolean };

/** What came of a run. */
type Outcome = {
  readonly failures: readonly ScanFailure[];
  readonly others: readonly OtherFile[];
  readonly warnings: readonly ModuleWarning[];
  readonly unmet: readonly UnmetModule[];
  readonly sources: readonly ModuleSources[];
  readonly results: readonly UploadResult[];
};

/** Runs the command and returns its exit code. */
export async function symbols(args: string[], terminal: Terminal = processTerminal): Promise<number> {
  if (args[0] === "lookup") return (await import("./symbols-lookup.ts")).symbolsLookup(args.slice(1));
  if (args[0] === "inspect") return (await import("./symbols-inspect.ts")).symbolsInspect(args.slice(1), terminal);
  if (args[0] === "dump") return (await import("./symbols-dump.ts")).symbolsDump(args.slice(1));
  if (args.includes("--help") || args.includes("-h")) {
    terminal.out(help);
    return 0;
  }
  const command = readCommand(args, terminal.env);
  if (typeof command === "string") {
    terminal.err(command);
    terminal.err("`deadair symbols upload --help` lists what there is.");
    return 2;
  }
  const scan = await scanForSymbols(command.paths);
  const outcome = await bring(scan, command, terminal);
  if (command.json) terminal.out(JSON.stringify(summaryOf(outcome), null, 2));
  else for (const line of describe(outcome)) terminal.out(printable(line));
  const failed = outcome.failures.length > 0 || outcome.results.some(({ state }) => state === "failed");
  return failed || outcome.results.length === 0 ? 1 : 0;
}

/** Uploads what was found, unless a module lacks what is required. */
async function bring(scan: SymbolScanResult, command: Command, terminal: Terminal): Promise<Outcome> {
  const choice = chooseUploads(scan.files);
  const split = findSplitUploads(choice.files, scan, terminal);
  const files = [...choice.files, ...split.files];
  const found = { failures: scan.failures, others: [...scan.others, ...choice.others], warnings: [...choice.warnings, ...split.warnings] };
  if (files.length === 0) return { ...found, unmet: [], sources: [], results: [] };
  terminal.err(`${counted(files.length, "symbol file")} found`);
  const read = await readUploadFiles(files);
  const unmet = unmetModules(read.good, command.required);
  if (unmet.length > 0) return { ...found, unmet, sources: [], results: [] };
  const made = command.sources ? makeSourceBundles(files, command.roots, terminal) : null;
  try {
    const results = await uploadAll(files, read, made, command, terminal);
    return { ...found, unmet, sources: made?.modules ?? [], results };
  } finally {
    made?.remove();
  }
}

/** Uploads files, and bundles of sources, whose paths are nobody's business once they are gone. */
async function uploadAll(files: readonly SymbolFile[], read: UploadFiles, made: MadeSources | null, { server, force }: Command, terminal: Terminal): Promise<UploadResult[]> {
  const bundles = made?.files ?? [];
  const both = bundles.length === 0 ? read : await readUploadFiles(bundles);
  const all = bundles.length === 0 ? read : { good: [...read.good, ...both.good], bad: new Map([...read.bad, ...both.bad]) };
  const results = await uploadSymbols([...files, ...bundles], all, server, force, terminal);
  return results.map((result) => (bundles.some(({ path: at }) => at === result.path) ? { ...result, path: basename(result.path), shown: basename(result.path) } : result));
}

/** What the arguments ask for; a text says what is wrong with them. */
function readCommand(args: string[], env: NodeJS.ProcessEnv): Command | string {
  const [action, ...rest] = args;
  if (action !== "upload") return action === undefined ? "Say what to do: deadair symbols upload PATH…, or inspect, dump or lookup FILE." : `There is no "deadair symbols ${printable(action)}".`;
  const parsed = parse(rest);
  if (typeof parsed === "string") return parsed;
  const { values, positionals } = parsed;
  const url = values.url ?? env["DEADAIR_URL"] ?? "";
  if (url === "") return "Say which server: --url or DEADAIR_URL.";
  const server = readServerUrl(url);
  if (server === null) return `"${printable(url)}" is not an http address.`;
  const token = values.token ?? env["DEADAIR_TOKEN"] ?? "";
  if (token === "") return "A token is needed: --token or DEADAIR_TOKEN.";
  if (!/^[\u0021-\u007e]+$/.test(token)) return "The token holds characters that no token has; was it copied whole?";
  const idleMs = readSeconds(values.timeout ?? "120");
  if (idleMs === null) return "--timeout must be a number of seconds.";
  const required = readRequirements(values.require ?? []);
  if (typeof required === "string") return required;
  const roots = readSourceRoots(values["source-root"] ?? []);
  if (typeof roots === "string") return printable(roots);
  if (roots.length > 0 && values.sources !== true) return "--source-root says where sources lie; say --sources too.";
  if (positionals.length === 0) return "Name at least one file or folder.";
  const project = values.project ?? (env["DEADAIR_PROJECT"] || "default");
  return { paths: positionals, server: { url: server, token, project, idleMs }, required, sources: values.sources ?? false, roots, force: values.force ?? false, json: values.json ?? false };
}

function parse(args: string[]) {
  try {
    const text = { type: "string" } as const;
    const flag = { type: "boolean" } as const;
    return parseArgs({ args, allowPositionals: true, options: { url: text, token: text, project: text, timeout: text, require: { type: "string", multiple: true }, sources: flag, "source-root": { type: "string", multiple: true }, force: flag, json: flag } });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return error.message;
  }
}

/** The words of `--require`, which may be given as a list or several times. */
function readRequirements(given: readonly string[]): Requirement[] | string {
  const words = given.flatMap((list) => list.split(",")).map((word) => word.trim());
  const odd = words.find((word) => !requirements.some((known) => known === word));
  if (odd !== undefined) return `--require "${printable(odd)}": say ${requirements.join(", ")}, or several of them with commas.`;
  return requirements.filter((known) => words.includes(known));
}

/** The lines at the end: results, what is odd, what could not be read, what this version does not take. */
function describe({ failures, others, warnings, unmet, sources, results }: Outcome): string[] {
  const lines = [...describeResults(results), ...describeSources(sources)];
  for (const { path, reason } of failures) lines.push(`failed         ${path}`, `    ${reason}`);
  for (const module of unmet) lines.push(...describeUnmet(module));
  // What a module is refused for need not be warned of too.
  const refused = new Set(unmet.flatMap(({ paths }) => paths));
  for (const some of Map.groupBy(warnings.filter(({ path }) => !refused.has(path)), ({ code }) => code).values()) lines.push(...describeWarnings(some));
  const byKind = Map.groupBy(others, (other) => other.kind);
  for (const some of byKind.values()) lines.push(...describeOthers(some));
  if (unmet.length > 0) lines.push(`Nothing was uploaded: ${counted(unmet.length, "module")} lack${unmet.length === 1 ? "s" : ""} what --require asks for.`);
  else if (results.length === 0) lines.push("Nothing was uploaded: no PDB or program with its PDB, no dSYM, no program or .debug file of Linux or macOS, and no Breakpad symbol file (first line `MODULE …`) was found.");
  return lines;
}

function describeUnmet({ module, debug_id, code_id, paths, lacks }: UnmetModule): string[] {
  return [`lacking        ${module} ${debug_id ?? code_id ?? ""} (${paths.join(", ")})`, ...lacks.flatMap(({ what, reason, remedy }) => [`    ${what}: ${reason}`, `        ${remedy}`])];
}

/** Warnings shown of one kind: a build folder may hold a hundred programs of others. */
const warningsShown = 5;

function describeWarnings(some: readonly ModuleWarning[]): string[] {
  const more = some.length - warningsShown;
  return [...some.slice(0, warningsShown).flatMap(({ path, message }) => [`warning        ${path}`, `    ${message}`]), ...(more > 0 ? [`warning        and ${more} more of this kind; --json lists them`] : [])];
}

/** One kind of file, with a few examples: a build folder can hold thousands. */
function describeOthers(others: readonly OtherFile[]): string[] {
  const first = others[0];
  if (first === undefined) return [];
  const shown = others.slice(0, 3).map(({ path }) => path);
  const more = others.length > shown.length ? `, and ${others.length - shown.length} more` : "";
  return [`not taken      ${counted(others.length, "file")} of another kind (${first.description}): ${shown.join(", ")}${more}`, `    ${first.hint}`];
}

/** The summary for programs. */
function summaryOf({ failures, others, warnings, unmet, sources, results }: Outcome) {
  const of = (state: UploadResult["state"]) => results.filter((result) => result.state === state).map(({ path, kind, debug_file, debug_id, arch, bytes, reason }) => ({ path, kind, debug_file, debug_id, arch, bytes, ...(reason === null ? {} : { reason }) }));
  return { uploaded: of("uploaded"), present: of("present"), failed: [...of("failed"), ...failures], lacking: unmet, warnings, ...(sources.length === 0 ? {} : { sources }), not_taken: others };
}
