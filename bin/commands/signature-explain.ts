// `deadair signature explain REPORT.json [--json]`: why a crash has the
// signature it has. Prints each frame with its verdict and the list line that
// decided it, what the rules changed, and the result.
//
// Reads a report as `deadair walk --json` and rust-minidump's minidump-stackwalk
// print it. Fields that are missing are taken for unknown.
import fs from "node:fs";
import { text as readAll } from "node:stream/consumers";
import { ok, refuse, type Result } from "../../config/problem.ts";
import { sign, type Signature } from "../../signature/signature.ts";
import type { Frame, InlineFrame, Module, Report, Thread } from "../../stackwalk/report.ts";

const usage = "usage: deadair signature explain REPORT.json|- [--json]";

/** Runs the command; returns the exit code: 0, 1 when the report cannot be read, 2 for wrong arguments. */
export async function signatureExplain(args: string[]): Promise<number> {
  const files = args.filter((arg) => arg !== "--json");
  const file = files[0];
  if (file === undefined || files.length > 1 || (file.startsWith("-") && file !== "-")) {
    process.stderr.write(`${usage}\n`);
    return 2;
  }
  let text: string;
  try {
    text = file === "-" ? await readAll(process.stdin) : fs.readFileSync(file, "utf8");
  } catch (error) {
    process.stderr.write(`deadair signature explain: cannot read ${file}: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
  const report = parseReport(text);
  if (!report.ok) {
    process.stderr.write(`deadair signature explain: ${file}: ${report.problem.message}\n${report.problem.hint}\n`);
    return 1;
  }
  const signature = sign(report.value);
  process.stdout.write(`${args.includes("--json") ? JSON.stringify(signature, null, 2) : printSignature(signature, report.value)}\n`);
  return 0;
}

const meaning = {
  "before-sentinel": "dropped, above sentinel",
  sentinel: "SENTINEL, stack starts here",
  irrelevant: "skipped, irrelevant",
  prefix: "USED, goes on",
  stop: "USED, stops here",
  repeat: "skipped, same again",
  empty: "skipped, no name",
  unused: "not reached",
} as const;

/** The explanation as text: one line a frame, then notes and the result. */
function printSignature(signature: Signature, report: Report): string {
  const rows = signature.frames.map((frame) => [
    frame.inline === null ? String(frame.frame) : `${frame.frame}.${frame.inline} inlined`,
    meaning[frame.verdict] + (frame.verdict === "sentinel" ? (frame.used ? ", used" : ", itself irrelevant") : ""),
    frame.rule ?? "",
    clip(frame.name),
  ]);
  const head = ["frame", "verdict", "decided by", "name"];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]): string => row.map((cell, column) => (column === 3 ? cell : cell.padEnd(widths[column] ?? 0))).join("  ").trimEnd();
  const thread = report.crash_info.crashing_thread;
  const total = report.threads[thread ?? 0]?.frames.length ?? 0;
  const last = signature.frames.at(-1)?.frame ?? -1;
  return [
    `reason       ${report.crash_info.type ?? "unknown"}`,
    `thread       ${thread ?? "unknown"}`,
    "",
    ...(rows.length === 0 ? ["no frames"] : [line(head), ...rows.map(line)]),
    ...(total > last + 1 ? [`${total - last - 1} more frames are not considered`] : []),
    "",
    ...(signature.notes.length === 0 ? [] : ["notes", ...signature.notes.map((note) => `  ${note}`), ""]),
    `signature    ${signature.signature}`,
    `fingerprint  ${signature.fingerprint} (version ${signature.version})`,
  ].join("\n");
}

function clip(name: string): string {
  return name.length <= 120 ? name : `${name.slice(0, 117)}...`;
}

type Json = { readonly [key: string]: unknown };

/** Reads a report's JSON; whatever is missing or of another type is null or empty. Only the threads must be there. */
function parseReport(text: string): Result<Report> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refuse(400, "not_json", `this is not JSON: ${error instanceof Error ? error.message : String(error)}`, "Give the output of `deadair walk --json`.");
  }
  const root = object(value);
  if (!Array.isArray(root["threads"])) return refuse(400, "not_a_report", "this JSON has no list `threads`", "Give the output of `deadair walk --json`.");
  const crash = object(root["crash_info"]);
  const system = object(root["system_info"]);
  const threads = list(root["threads"]).map(readThread);
  return ok({
    status: "OK",
    walker: string(root["walker"]) ?? "unknown",
    pid: number(root["pid"]),
    crash_info: {
      type: string(crash["type"]),
      address: string(crash["address"]),
      crashing_thread: number(crash["crashing_thread"]),
      assertion: string(crash["assertion"]),
    },
    system_info: {
      os: string(system["os"]),
      os_ver: string(system["os_ver"]),
      cpu_arch: string(system["cpu_arch"]),
      cpu_info: string(system["cpu_info"]),
      cpu_count: number(system["cpu_count"]),
    },
    process_uptime: number(root["process_uptime"]),
    main_module: number(root["main_module"]),
    modules: list(root["modules"]).map(readModule),
    unloaded_modules: [],
    thread_count: threads.length,
    threads,
    annotations: Object.fromEntries(Object.entries(object(root["annotations"])).filter((entry): entry is [string, string] => typeof entry[1] === "string")),
  });
}

function readThread(json: Json): Thread {
  const frames = list(json["frames"]).map(readFrame);
  return {
    thread_id: number(json["thread_id"]),
    thread_name: string(json["thread_name"]),
    last_error_value: string(json["last_error_value"]),
    frame_count: frames.length,
    frames,
  };
}

function readFrame(json: Json, index: number): Frame {
  const inlines = list(json["inlines"]).map((one): InlineFrame => ({ function: string(one["function"]) ?? "", file: string(one["file"]), line: number(one["line"]) }));
  const unloaded = list(json["unloaded_modules"]).map((one) => ({ module: string(one["module"]) ?? "", offsets: [] }));
  return {
    frame: index,
    offset: string(json["offset"]) ?? "",
    module: string(json["module"]),
    module_offset: string(json["module_offset"]),
    function: string(json["function"]),
    function_offset: string(json["function_offset"]),
    file: string(json["file"]),
    line: number(json["line"]),
    inlines: inlines.length === 0 ? null : inlines,
    unloaded_modules: unloaded.length === 0 ? null : unloaded,
    missing_symbols: json["missing_symbols"] === true,
    trust: "none",
  };
}

function readModule(json: Json): Module {
  const filename = string(json["filename"]) ?? "";
  return {
    filename,
    code_file: string(json["code_file"]) ?? filename,
    base_addr: string(json["base_addr"]) ?? "0x0",
    end_addr: string(json["end_addr"]) ?? "0x0",
    debug_file: string(json["debug_file"]),
    debug_id: string(json["debug_id"]),
    code_id: string(json["code_id"]),
    version: string(json["version"]),
    loaded_symbols: json["loaded_symbols"] === true,
    missing_symbols: json["missing_symbols"] === true,
    corrupt_symbols: json["corrupt_symbols"] === true,
    symbol_state: "unused",
  };
}

function object(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {};
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(object) : [];
}

function string(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function number(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
