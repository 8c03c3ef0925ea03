// `deadair symbols lookup`: names addresses of one module from its symbol files.
//
// It says what llvm-symbolizer says, so that a symbol file and this program can
// be checked against the original with `diff`. Addresses stream through: a
// million of them need no more memory than one.
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { parseArgs } from "node:util";
import { openSymbolFiles } from "../../symbols/symbol-file.ts";
import { SymbolAnswers } from "../symbol-answer.ts";
import { readingProgress } from "../reading-progress.ts";
import { printable, redrawing } from "../terminal.ts";

const help = `deadair symbols lookup FILE [--with FILE]… [--arch ARCH] [ADDRESS…|-]

Names addresses with the symbols of a module: function, source file and line, and what was
inlined there, innermost first. One line of JSON per address, as llvm-symbolizer
--relative-address --output-style=JSON prints it.

  FILE        a PDB; a program or library of Windows, Linux or macOS; a .debug file,
              a dSYM or a plugin's bundle; a Breakpad .sym file (also gzip or zstd);
              or a symbol cache of Deadair. Split DWARF is found beside it.
  --with FILE another file of the same module
  --arch ARCH the part of a universal binary: x86_64, arm64, arm64e
  ADDRESS     relative to the module's base: hex with 0x, else decimal (and octal
              with a leading zero, as llvm-symbolizer reads it)
  -           read addresses from standard input, one a line; the same without ADDRESS
  --help      print this

Exit code: 0 when the file could be read, whatever is known of the addresses, 1 when
it could not, 2 when the command was not understood.
`;

/** Where the command reads and writes. */
export type LookupStreams = { readonly in: Readable; readonly out: Writable; readonly err: Writable };

/** Text gathered before it is written: a write for each line would be most of the work. */
const gatherChars = 64 * 1024;
/** Characters of a line that are looked at; an address has 66 at most. */
const lineChars = 1024;

/** Runs the command and returns its exit code. */
export async function symbolsLookup(args: string[], streams: LookupStreams = { in: process.stdin, out: process.stdout, err: process.stderr }): Promise<number> {
  const asked = readCommand(args);
  if (asked === "help") {
    streams.out.write(help);
    return 0;
  }
  if (typeof asked === "string") {
    streams.err.write(`deadair symbols lookup: ${asked}\n\n${help}`);
    return 2;
  }
  const progress = readingProgress(redrawing(streams.err).redraw);
  const opened = openSymbolFiles([asked.file, ...asked.others], asked.arch, progress?.report);
  progress?.end();
  if (!opened.ok) {
    const { message, hint } = opened.problem;
    streams.err.write(printable(`deadair symbols lookup: ${message.startsWith(asked.file) ? "" : `${asked.file}: `}${message} ${hint}`) + "\n");
    return 1;
  }
  const answers = new SymbolAnswers(opened.value, asked.file);
  let gathered = "";
  for await (const batch of asked.addresses === null ? linesOf(streams.in) : [asked.addresses]) {
    for (const line of batch) {
      gathered += answers.answer(line) + "\n";
      if (gathered.length < gatherChars) continue;
      await write(streams.out, gathered);
      gathered = "";
    }
    // Who asks one by one, and waits for each answer, gets it.
    if (gathered !== "") await write(streams.out, gathered);
    gathered = "";
  }
  return 0;
}

function readCommand(args: string[]): { file: string; others: readonly string[]; arch: string | null; addresses: readonly string[] | null } | string {
  try {
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { with: { type: "string", multiple: true, default: [] }, arch: { type: "string" }, help: { type: "boolean", short: "h", default: false } } });
    if (values.help) return "help";
    const [file, ...addresses] = positionals;
    if (file === undefined) return "name a symbol file.";
    const fromInput = addresses.length === 0 || addresses.includes("-");
    if (fromInput && addresses.length > 1) return "give addresses, or - to read them; not both.";
    return { file, others: values.with, arch: values.arch ?? null, addresses: fromInput ? null : addresses };
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
}

/** Lines as they arrive, a batch for each chunk of the input. What is past the first characters of a line is dropped. */
async function* linesOf(input: Readable): AsyncGenerator<string[]> {
  let rest = "";
  for await (const chunk of input as AsyncIterable<Buffer | string>) {
    const lines = (rest + (typeof chunk === "string" ? chunk : chunk.toString("latin1"))).split("\n");
    rest = lines.pop()!.slice(0, lineChars);
    yield lines;
  }
  if (rest !== "") yield [rest];
}

async function write(out: Writable, text: string): Promise<void> {
  if (!out.write(text)) await once(out, "drain");
}
