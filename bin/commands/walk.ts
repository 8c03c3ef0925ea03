// deadair walk: one minidump to frames on this machine, without a server.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readLimits } from "../../config/limits.ts";
import { breakpadStackwalker } from "../../stackwalk/breakpad/breakpad-stackwalker.ts";
import { symTree } from "../../stackwalk/breakpad/sym-tree.ts";
import { machineText } from "../../stackwalk/machine-text.ts";
import type { Report } from "../../stackwalk/report.ts";
import type { Walk } from "../../stackwalk/stackwalker.ts";
import { textReport } from "../../stackwalk/text-report.ts";

const usage = `Usage: deadair walk DUMP [--symbols DIR]... [--text | --json | --machine]

  --symbols DIR   a folder tree with Breakpad .sym files in any layout; may be given more than once
  --text          a stack for people (default)
  --json          the whole report
  --machine       what minidump_stackwalk -m prints
`;

type Format = "text" | "json" | "machine";

/** Runs the command; 0 is success, 1 a dump or folder that cannot be read, 2 wrong usage. */
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
  const workDir = await mkdtemp(join(tmpdir(), "deadair-walk-"));
  try {
    const result = await walkDump(asked, workDir);
    if (!result.ok) {
      process.stderr.write(`deadair walk: ${asked.dump}: ${result.failure.message}\n`);
      return 1;
    }
    process.stdout.write(printed(result.report, asked.format));
    return 0;
  } catch (error) {
    const told = fileError(error, asked.dump);
    if (told === null) throw error;
    process.stderr.write(`deadair walk: ${told}\n`);
    return 1;
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

type Asked = { readonly dump: string; readonly symbols: readonly string[]; readonly format: Format };

async function walkDump({ dump, symbols: folders, format }: Asked, workDir: string): Promise<Walk> {
  const limits = readLimits(process.env);
  const symbols = await symTree(folders);
  // Programs that compare with the peer's output want all of it.
  const whole = format === "machine";
  return breakpadStackwalker().walk(dump, symbols, {
    timeoutMs: limits.WALK_SECONDS * 1000,
    outputBytes: limits.WALK_OUTPUT_BYTES,
    maxFrames: whole ? Number.MAX_SAFE_INTEGER : limits.THREAD_FRAMES_COUNT,
    maxThreads: whole ? Number.MAX_SAFE_INTEGER : limits.THREADS_COUNT,
    workDir,
  });
}

function printed(report: Report, format: Format): string {
  if (format === "json") return `${JSON.stringify(report, null, 2)}\n`;
  return format === "machine" ? machineText(report) : textReport(report);
}

/** What was asked for, `help`, or a sentence about what is wrong with it. */
function parseWalkArgs(args: string[]): Asked | string {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        symbols: { type: "string", multiple: true, default: [] },
        text: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        machine: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) return "help";
    const formats = (["text", "json", "machine"] as const).filter((format) => values[format]);
    const [dump] = positionals;
    if (dump === undefined || positionals.length > 1) return "name exactly one minidump.";
    if (formats.length > 1) return "choose one of --text, --json and --machine.";
    return { dump, symbols: values.symbols, format: formats[0] ?? "text" };
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
