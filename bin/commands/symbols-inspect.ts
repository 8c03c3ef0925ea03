// `deadair symbols inspect`: what symbol files are, what they hold and lack, why
// that matters and what to do about it.
//
// It answers the question before every upload: with these files, will a crash
// have names, lines and a stack that is not guessed?
import { parseArgs } from "node:util";
import { readingProgress } from "../reading-progress.ts";
import { type Holdings, type InspectedFile, type InspectedModule, type Inspection, type SplitState, type UnreadableFile, inspectFiles, shortNames } from "../symbol-inspection.ts";
import { type Terminal, megabytes, printable, processTerminal } from "../terminal.ts";
import type { DebugFileLack } from "../../symbols/debug-file.ts";

const help = `deadair symbols inspect [--json] PATH…

Says what each symbol file is: its format, whose it is, how much it holds, and what it
lacks. Of several files of one module it says what they give together.

  PATH        a PDB; a program or library of Windows, Linux or macOS; a .debug file,
              a dSYM or a plugin's bundle; a Breakpad .sym file (also gzip or zstd);
              or a symbol cache of Deadair. Of a universal binary each part is shown.
  --json      print it as JSON
  --help      print this

Exit code: 0 when every file could be read, 1 when one could not, 2 when the command
was not understood.`;

const formats: { readonly [format in InspectedFile["format"]]: string } = {
  breakpad: "Breakpad symbol file",
  pdb: "PDB",
  pe: "Windows program or DLL (PE)",
  elf: "program or library of Linux (ELF)",
  "elf-debug": "debug file of Linux (ELF without code)",
  macho: "program or library of Apple's systems (Mach-O)",
  dsym: "dSYM (Mach-O with DWARF)",
  dwp: "split DWARF",
  sources: "source files of a module",
  cache: "symbol cache",
};

/** Columns of a line, and those before its text. */
const lineColumns = 92;
const labelColumns = 17;

/** Runs the command and returns its exit code. */
export async function symbolsInspect(args: string[], terminal: Terminal = processTerminal): Promise<number> {
  const asked = readCommand(args);
  if (asked === "help") {
    terminal.out(help);
    return 0;
  }
  if (typeof asked === "string") {
    terminal.err(`deadair symbols inspect: ${printable(asked)}`);
    terminal.err("`deadair symbols inspect --help` lists what there is.");
    return 2;
  }
  const progress = readingProgress(terminal.redraw);
  const inspection = inspectFiles(asked.files, progress?.report);
  progress?.end();
  if (asked.json) terminal.out(JSON.stringify(asJson(inspection), null, 2));
  else for (const line of describe(inspection)) terminal.out(printable(line));
  return inspection.files.every(({ ok }) => ok) ? 0 : 1;
}

function describe({ files, modules }: Inspection): string[] {
  const blocks = [...files.map((file) => (file.ok ? describeFile(file) : describeUnreadable(file))), ...modules.map(describeModule)];
  return blocks.flatMap((block, i) => (i === 0 ? block : ["", ...block]));
}

function describeFile({ path, isPart, bytes, format, facts, split, holds, lacks, warnings }: InspectedFile): string[] {
  const isForm = format === "breakpad" || format === "cache";
  return [
    isPart ? `${path} (${facts.archName})` : path,
    ...field("format", `${formats[format]}, ${megabytes(bytes)}${facts.generator === null ? "" : `, written by ${facts.generator}`}`),
    ...field("for", `${facts.platform ?? (facts.os || "an unknown system")}, ${facts.archName || "an unknown processor"}`),
    ...field("debug id", `${facts.debugId ?? "none"}${facts.debugFile === null ? "" : `, ${facts.debugFile}`}`),
    ...field("code id", facts.codeId === null ? (format === "pdb" ? "only its DLL or EXE has one" : isForm || format === "dwp" ? "not said" : "none") : `${facts.codeId}${facts.codeFile === null ? "" : `, ${facts.codeFile}`}`),
    ...(split === null ? [] : field("split DWARF", describeSplit(split))),
    ...(facts.supplement === undefined ? [] : field("dwz", `a part of its debug information is in ${facts.supplement.file}, debug id ${facts.supplement.debugId}`)),
    ...describeHoldings(holds),
    ...describeLacks(lacks),
    ...describeWarnings(warnings),
  ];
}

function describeSplit({ units, files, missing }: SplitState): string {
  if (missing === units) return `${counted(units, "unit")}, whose .dwo or .dwp files are not here`;
  return `${counted(units, "unit")}, found in ${counted(files, "file")}${missing === 0 ? "" : `, but for ${quantity(missing)}`}`;
}

function describeUnreadable({ path, problem }: UnreadableFile): string[] {
  return [path, ...field("cannot be used", problem.message), ...field("", `→ ${problem.hint}`)];
}

function describeModule({ debugId, paths, holds, lacks }: InspectedModule): string[] {
  return [`${shortNames(paths).join(" + ")}, together`, ...field("debug id", debugId), ...describeHoldings(holds), ...describeLacks(lacks)];
}

function describeHoldings(holds: Holdings): string[] {
  const unwind = [holds.unwindRows > 0 ? counted(holds.unwindRows, "row") : "", holds.framePrograms > 0 ? counted(holds.framePrograms, "frame program") : ""].filter((text) => text !== "");
  return [
    ...field("functions", quantity(holds.functions)),
    ...field("linker symbols", quantity(holds.publics)),
    ...field("source lines", quantity(holds.lines)),
    ...field("inlined calls", quantity(holds.inlines)),
    ...field("unwind data", unwind.length === 0 ? "none" : unwind.join(", ")),
  ];
}

function describeLacks(lacks: readonly DebugFileLack[]): string[] {
  return lacks.length === 0 ? field("missing", "nothing") : lacks.flatMap(({ message, hint }, i) => [...field(i === 0 ? "missing" : "", message), ...field("", `→ ${hint}`)]);
}

function describeWarnings(warnings: InspectedFile["warnings"]): string[] {
  return Object.entries(warnings).flatMap(([reason, times], i) => field(i === 0 ? "notes" : "", `${reasonText(reason)}: ${quantity(times)}`));
}

/** A reason as words: `overlappingLine` and `malformed_pdb` alike. */
function reasonText(reason: string): string {
  return reason.replaceAll("_", " ").replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** A label and its text, on as many lines as it takes. */
function field(label: string, text: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && labelColumns + line.length + 1 + word.length > lineColumns) {
      lines.push(line);
      line = text.startsWith("→") ? "  " : "";
    }
    line += line === "" || line === "  " ? word : ` ${word}`;
  }
  return [...lines, line].map((part, i) => `  ${(i === 0 ? label : "").padEnd(labelColumns - 2)}${part}`);
}

function quantity(count: number): string {
  return count === 0 ? "none" : count.toLocaleString("en-US");
}

function counted(count: number, noun: string): string {
  return `${quantity(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** The inspection for programs. */
function asJson({ files, modules }: Inspection) {
  const holdings = ({ functions, publics, lines, inlines, unwindRows, framePrograms }: Holdings) => ({ functions, publics, lines, inlines, unwind_rows: unwindRows, frame_programs: framePrograms });
  return {
    files: files.map((file) => {
      if (!file.ok) return { path: file.path, error: file.problem.code, message: file.problem.message, hint: file.problem.hint };
      const { path, bytes, format, facts, split, holds, lacks, warnings } = file;
      const { os, archName, debugId, debugFile, codeId, codeFile, generator, platform, supplement } = facts;
      const needs = { ...(split === null ? {} : { split }), ...(supplement === undefined ? {} : { supplement: { debug_id: supplement.debugId, file: supplement.file } }) };
      return { path, bytes, format, os, ...(platform === undefined ? {} : { platform }), arch: archName, debug_id: debugId, debug_file: debugFile, code_id: codeId, code_file: codeFile, generator, ...needs, holds: holdings(holds), lacks, warnings };
    }),
    modules: modules.map(({ debugId, paths, holds, lacks }) => ({ debug_id: debugId, paths, holds: holdings(holds), lacks })),
  };
}

/** What is asked for, `help`, or a sentence about what is wrong with it. */
function readCommand(args: string[]): { readonly files: readonly string[]; readonly json: boolean } | string {
  try {
    const flag = { type: "boolean", default: false } as const;
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { json: flag, help: { ...flag, short: "h" } } });
    if (values.help) return "help";
    return positionals.length === 0 ? "name at least one symbol file." : { files: positionals, json: values.json };
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
}
