// deadair walk: one minidump to frames on this machine, without a server.
//
// Our engine walks here, in this thread: the person at the keyboard is the
// limit of time. Symbol files are compiled on first use into the user's cache
// folder, so that the next walk with them starts at once.
import { statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { crc32 } from "node:zlib";
import { readLimits } from "../../config/limits.ts";
import type { Report } from "../../stackwalk/report.ts";
import type { SymbolSource, WalkFailure } from "../../stackwalk/stackwalker.ts";
import { symbolTree } from "../../stackwalk/symbol-tree.ts";
import { fileOfPath } from "../../symbols/file-bytes.ts";
import { userSymbolCache } from "../cache-folder.ts";
import { printable } from "../terminal.ts";

const usage = `Usage: deadair walk DUMP [--symbols DIR]... [--text | --json | --machine] [--why]

  --symbols DIR   a folder tree with debug files in any layout: PDBs, dSYMs, .debug and
                  .dwp files, and the programs they belong to; Breakpad .sym files; may
                  be given more than once
  --text          a stack for people (default)
  --json          the whole report
  --machine       what minidump_stackwalk -m prints
  --why           say of each frame how it was found and what was considered and rejected
  --engine NAME   who walks: deadair (default), or breakpad for a second opinion
  --cache DIR     where compiled symbols are kept (default: the user's cache folder)
`;

const formats = ["text", "json", "machine"] as const;
const engines = ["deadair", "breakpad"] as const;
const interrupts = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

type Asked = {
  readonly dump: string;
  readonly symbols: readonly string[];
  readonly format: (typeof formats)[number];
  readonly engine: (typeof engines)[number];
  readonly why: boolean;
  readonly cacheDir: string;
};

/** What is printed, or why there is nothing. */
type Printed = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly failure: WalkFailure };

/** Runs the command; 0 is success, 1 a dump or folder that cannot be read, 2 wrong usage, 130 when it was interrupted. */
export async function walk(args: string[]): Promise<number> {
  const asked = parseWalkArgs(args);
  if (asked === "help") {
    process.stdout.write(usage);
    return 0;
  }
  if (typeof asked === "string") {
    process.stderr.write(`deadair walk: ${asked}\n\n${usage}`);
    return 2;
  }
  try {
    const kind = statSync(asked.dump);
    if (!kind.isFile() && !kind.isDirectory()) {
      // To open a pipe waits for its writer, and a dump is read by turns from its start and its end.
      process.stderr.write(`deadair walk: ${asked.dump} is a pipe or a device; save the dump to a file, and name that.\n`);
      return 1;
    }
    const source = await symbolTree(asked.symbols);
    const printed = asked.engine === "breakpad" ? await walkWithBreakpad(asked, source) : await walkWithDeadair(asked, source);
    if (!printed.ok) {
      process.stderr.write(`deadair walk: ${asked.dump}: ${printed.failure.message}\n`);
      return printed.failure.code === "cancelled" ? 130 : 1;
    }
    process.stdout.write(printed.text);
    return 0;
  } catch (error) {
    const told = fileError(error, asked.dump);
    if (told === null) throw error;
    process.stderr.write(`deadair walk: ${told}\n`);
    return 1;
  }
}

/** How much is kept. Programs that compare with the peer's output want all of it. */
function keptCounts(asked: Asked): { readonly maxFrames: number; readonly maxThreads: number } {
  const limits = readLimits(process.env);
  const isWhole = asked.format === "machine";
  return { maxFrames: isWhole ? Number.MAX_SAFE_INTEGER : limits.THREAD_FRAMES_COUNT, maxThreads: isWhole ? Number.MAX_SAFE_INTEGER : limits.THREADS_COUNT };
}

// Each engine is loaded only when it walks: to load code is a good part of what a single walk takes.

async function walkWithDeadair(asked: Asked, symbols: SymbolSource): Promise<Printed> {
  const { walkHere } = await import("../../stackwalk/pool/walk-here.ts");
  const walked = await walkHere(asked.dump, symbols, {
    ...keptCounts(asked),
    why: asked.why,
    cacheDir: asked.cacheDir,
    cacheBytes: readLimits(process.env).SYMBOL_CACHE_BYTES,
    digest: looseFileDigest,
    onUnusable: (path, reason) => process.stderr.write(printable(`deadair walk: ${path}: ${reason}`) + "\n"),
  });
  if (!walked.ok) return walked;
  const { report, stacks } = walked.walk;
  if (!asked.why) return { ok: true, text: await printedReport(report, asked.format) };
  const { whyText } = await import("../../stackwalk/why-text.ts");
  return { ok: true, text: whyText(report, stacks) };
}

async function walkWithBreakpad(asked: Asked, symbols: SymbolSource): Promise<Printed> {
  const { breakpadStackwalker } = await import("../../stackwalk/breakpad/breakpad-stackwalker.ts");
  const limits = readLimits(process.env);
  // An interrupted walk must not leave its folder behind, nor a walker that still runs.
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  for (const signal of interrupts) process.once(signal, interrupt);
  const workDir = await mkdtemp(join(tmpdir(), "deadair-walk-"));
  try {
    const walked = await breakpadStackwalker().walk(asked.dump, symbols, { ...keptCounts(asked), timeoutMs: limits.WALK_SECONDS * 1000, outputBytes: limits.WALK_OUTPUT_BYTES, workDir, signal: interrupted.signal });
    return walked.ok ? { ok: true, text: await printedReport(walked.report, asked.format) } : walked;
  } finally {
    for (const signal of interrupts) process.off(signal, interrupt);
    await rm(workDir, { recursive: true, force: true });
  }
}

async function printedReport(report: Report, format: Asked["format"]): Promise<string> {
  switch (format) {
    case "json":
      return `${(await import("../../stackwalk/report-json.ts")).reportJson(report, { pretty: true })}\n`;
    case "machine":
      return (await import("../../stackwalk/machine-text.ts")).machineText(report);
    case "text":
      return (await import("../../stackwalk/text-report.ts")).textReport(report);
  }
}

/** A digest that changes when a file does, without reading it. */
function looseFileDigest(path: string): string {
  const { size, mtimeMs } = statSync(fileOfPath(path));
  // A checksum of the path is enough beside the two, and spares loading node:crypto, which takes longer than a walk.
  return `loose-${crc32(resolve(path)).toString(16)}-${size.toString(16)}-${Math.round(mtimeMs * 1000).toString(16)}`;
}

/** What was asked for, `help`, or a sentence about what is wrong with it. */
function parseWalkArgs(args: string[]): Asked | string {
  try {
    const flag = { type: "boolean", default: false } as const;
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        symbols: { type: "string", multiple: true, default: [] },
        text: flag,
        json: flag,
        machine: flag,
        why: flag,
        engine: { type: "string", default: "deadair" },
        cache: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) return "help";
    const chosen = formats.filter((format) => values[format]);
    const [dump] = positionals;
    const engine = engines.find((name) => name === values.engine);
    if (dump === undefined || positionals.length > 1) return "name exactly one minidump.";
    if (chosen.length > 1) return "choose one of --text, --json and --machine.";
    if (engine === undefined) return "--engine is deadair or breakpad.";
    if (values.why && (engine !== "deadair" || (chosen[0] ?? "text") !== "text")) return "--why goes with our own engine and text only.";
    return { dump, symbols: values.symbols, format: chosen[0] ?? "text", engine, why: values.why, cacheDir: values.cache ?? userSymbolCache(process.env) };
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
}

/** A sentence for an error of the file system; null for anything else, which is a bug. Reading an open folder names no path: that is the dump. */
function fileError(error: unknown, dump: string): string | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  const path = "path" in error ? String(error.path) : dump;
  if (error.code === "ENOENT") return `there is no ${path}; check the path.`;
  if (error.code === "EACCES") return `${path} may not be read; check its rights.`;
  if (error.code === "ENOTDIR") return `${path} is not a folder; --symbols takes folders.`;
  if (error.code === "EISDIR") return `${path} is a folder; name a minidump file.`;
  return null;
}
