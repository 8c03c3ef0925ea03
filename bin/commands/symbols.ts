// `deadair symbols`: what can be done with symbol files; looking addresses up has
// a file of its own (symbols-lookup.ts).
//
// `deadair symbols upload`: brings a build's symbol files to the server.
//
// It is meant for the last step of a build: it takes whole folders, sends only
// what the server lacks, and fails the build when something that should have
// been uploaded was not.
import { parseArgs } from "node:util";
import { readSeconds, readServerUrl } from "../server-address.ts";
import { type OtherFile, type SymbolScanResult, scanForSymbols } from "../symbol-scan.ts";
import { type SymbolServer, type UploadResult, describeResults, uploadSymbols } from "../symbol-upload.ts";
import { type Terminal, counted, printable, processTerminal } from "../terminal.ts";

const help = `deadair symbols upload [options] PATH…

Uploads the Breakpad symbol files (.sym, also gzip or zstd) under each PATH.
Files are told by their contents. Those that the server has are not sent again.

  --url URL          address of the server             (env DEADAIR_URL)
  --token TOKEN      token that may upload symbols     (env DEADAIR_TOKEN)
  --project PROJECT  project's short name, "default" if not given
                                                       (env DEADAIR_PROJECT)
  --force            upload also what the server says it has
  --timeout SECONDS  silence after which the server counts as gone, 120
  --json             print the summary as JSON
  --help             print this

Exit code: 0 when everything is on the server, 1 when something failed or there
was nothing to upload, 2 when the command was not understood.
A token on the command line can be seen by other users; prefer DEADAIR_TOKEN.`;

/** Runs the command and returns its exit code. */
export async function symbols(args: string[], terminal: Terminal = processTerminal): Promise<number> {
  if (args[0] === "lookup") return (await import("./symbols-lookup.ts")).symbolsLookup(args.slice(1));
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
  if (scan.files.length > 0) terminal.err(`${counted(scan.files.length, "symbol file")} found`);
  const results = scan.files.length === 0 ? [] : await uploadSymbols(scan.files, command.server, command.force, terminal);
  if (command.json) terminal.out(JSON.stringify(summaryOf(scan, results), null, 2));
  else for (const line of describe(scan, results)) terminal.out(printable(line));
  const failed = scan.failures.length > 0 || results.some(({ state }) => state === "failed");
  return failed || results.length === 0 ? 1 : 0;
}

/** What the arguments ask for; a text says what is wrong with them. */
function readCommand(args: string[], env: NodeJS.ProcessEnv): { paths: string[]; server: SymbolServer; force: boolean; json: boolean } | string {
  const [action, ...rest] = args;
  if (action !== "upload") return action === undefined ? "Say what to do: deadair symbols upload PATH…, or deadair symbols lookup FILE." : `There is no "deadair symbols ${printable(action)}".`;
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
  if (positionals.length === 0) return "Name at least one file or folder.";
  const project = values.project ?? (env["DEADAIR_PROJECT"] || "default");
  return { paths: positionals, server: { url: server, token, project, idleMs }, force: values.force ?? false, json: values.json ?? false };
}

function parse(args: string[]) {
  try {
    const text = { type: "string" } as const;
    const flag = { type: "boolean" } as const;
    return parseArgs({ args, allowPositionals: true, options: { url: text, token: text, project: text, timeout: text, force: flag, json: flag } });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return error.message;
  }
}

/** The lines at the end: results, what could not be read, what this version does not take. */
function describe(scan: SymbolScanResult, results: readonly UploadResult[]): string[] {
  const lines = describeResults(results);
  for (const { path, reason } of scan.failures) lines.push(`failed         ${path}`, `    ${reason}`);
  const byKind = Map.groupBy(scan.others, (other) => other.kind);
  for (const others of byKind.values()) lines.push(...describeOthers(others));
  if (results.length === 0) lines.push("Nothing was uploaded: no Breakpad symbol file (first line `MODULE …`) was found.");
  return lines;
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
function summaryOf(scan: SymbolScanResult, results: readonly UploadResult[]) {
  const of = (state: UploadResult["state"]) => results.filter((result) => result.state === state).map(({ path, debug_file, debug_id, bytes, reason }) => ({ path, debug_file, debug_id, bytes, ...(reason === null ? {} : { reason }) }));
  return { uploaded: of("uploaded"), present: of("present"), failed: [...of("failed"), ...scan.failures], not_taken: scan.others };
}
