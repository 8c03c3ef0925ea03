// Compares what caches say of addresses with what LLVM's tools said of every
// instruction, as fixtures/out has it.
import { readFileSync } from "node:fs";
import { readLines } from "../../fixtures/windows/expected-files.ts";
import { frameName } from "../../signature/frame-name.ts";
import type { Frame } from "../../stackwalk/report.ts";
import { ruleText } from "../../stackwalk/unwind/rule-text.ts";
import type { SourcePlace } from "../../symbols/cache/module-symbols.ts";
import type { SymbolCache } from "../../symbols/cache/symbol-cache.ts";
import { type Arch, registerFiles, registerNumber } from "../../symbols/registers.ts";
import { emptyPlace } from "./cache/cached-symbols.ts";

/** What was compared, and all that differs. */
export type Agreement = { readonly same: number; readonly different: readonly string[] };

/** What is said of a place: functions, innermost first. */
type Chain = readonly { readonly name: string; readonly file: string; readonly line: number }[];

const normal = (name: string): string => frameName({ function: name, file: null, line: null, module: null, offset: "0" } as unknown as Frame, false).text;

/** The same function: as signatures compare them. LLVM has a bare name where the linker has none, and ours, which has its scopes, ends in it. */
export function isSameName(ours: string, theirs: string): boolean {
  // A copy that the compiler made has what it is for in brackets.
  const plain = theirs.replace(/ \(\.[\w.]+\)$/, "");
  // A label of the assembler's that was left in the symbol table (i686), which LLVM takes for a function.
  if (ours === plain || plain.startsWith(".L")) return true;
  const [mine, other] = [normal(ours), normal(plain)];
  return mine === other || mine.endsWith(`::${other}`);
}

/** Functions begin at multiples of it, and there is less than that between two. */
const alignment = 16;

/** LLVM's name for what no function has: the symbol before it, however far away, where symbols have no end. Only our assembly is known by symbols alone. */
const isNearest = ({ name, file }: Chain[number]): boolean => file === "" && !/^_?(odd|edge)_/.test(name);

const text = (chain: Chain): string => chain.map(({ name, file, line }) => `${name} ${file}:${line}`).join(" < ");

function chainOf(cache: SymbolCache, rva: number, place: SourcePlace): Chain {
  if (!cache.lookUp(rva, place)) return [];
  return [...place.inlines, place].map(({ name, file, line }) => ({ name, file: file ?? "", line }));
}

/** Compares all instructions of a `.lines.txt`. `isKnown` says of a function whether the files tell of it; `withLines` whether they have more than names. */
export function compareLines(cache: SymbolCache, linesPath: string, withLines = true, isKnown: (name: string) => boolean = () => true): Agreement {
  const runs = readLines(readFileSync(linesPath, "utf8"));
  const place = emptyPlace();
  const different: string[] = [];
  let same = 0;
  let lastKnown = 0;
  for (const [i, { rva, answer }] of runs.entries()) {
    const all = answer.map(({ function: name, file, line }) => ({ name, file, line }));
    // Names alone: of the function around, and no line.
    const theirs = withLines ? all : all.slice(-1).map(({ name }) => ({ name, file: "", line: 0 }));
    if (theirs.length > 0 && !isKnown(theirs.at(-1)!.name)) continue;
    for (let at = rva; at < (runs[i + 1]?.rva ?? rva + 1); at++) {
      const ours = chainOf(cache, at, place);
      if (ours.length > 0) lastKnown = at;
      // What is between functions is nobody's; a symbol without an end may reach over it, here as for LLVM.
      if (theirs.length === 0 && (ours.length === 0 || place.isPublic)) continue;
      if (ours.length === 0 && theirs.length === 1 && (isNearest(all[0]!) || at - lastKnown < alignment)) continue;
      const isSame = ours.length === theirs.length && ours.every(({ name, file, line }, k) => file === theirs[k]!.file && line === theirs[k]!.line && isSameName(name, theirs[k]!.name));
      if (isSame) same++;
      else different.push(`${at.toString(16)}: ${text(ours)} and not ${text(theirs)}`);
    }
  }
  return { same, different };
}

/** A run of a `.unwind.txt`: LLVM's row, null where no row is. */
type RowRun = { readonly rva: number; readonly row: string | null };

/** The runs of a `.unwind.txt`, and where calls return to, where it has that. */
export function readRows(path: string): { readonly runs: readonly RowRun[]; readonly returns: readonly number[] } {
  const runs: RowRun[] = [];
  let returns: number[] = [];
  for (const line of readFileSync(path, "utf8").trimEnd().split("\n")) {
    if (line.startsWith("#")) continue;
    const at = line.indexOf(" ");
    if (line.startsWith("CALLS ")) returns = line.slice(at + 1).split(" ").filter((one) => one !== "").map((one) => Number.parseInt(one, 16));
    else runs.push({ rva: Number.parseInt(line.slice(0, at), 16), row: line.slice(at + 1) === "-" ? null : line.slice(at + 1) });
  }
  return { runs, returns };
}

/** What a cache says of how to unwind, as `ours` spells LLVM's rows; null for no row, or one that says nothing. */
export function rowOf(cache: SymbolCache, rva: number): string | null {
  const row = cache.unwindRow(rva);
  const rule = row < 0 ? 0 : cache.rowRule(row);
  return rule === 0 ? null : ruleText(registerFiles[cache.arch!], cache.rules, rule, cache.expressions) || "end";
}

/** Compares all rows of a `.unwind.txt`, at every byte that they hold for. */
export function compareRows(cache: SymbolCache, unwindPath: string): Agreement {
  const { runs } = readRows(unwindPath);
  const different: string[] = [];
  let same = 0;
  for (const [i, { rva, row }] of runs.entries()) {
    const theirs = row === null ? null : spelled(cache.arch!, row);
    // 32-bit ARM's tables go on to the next function, over what call frames leave out between two.
    if (row === null && cache.arch === "arm") continue;
    for (let at = rva; at < (runs[i + 1]?.rva ?? rva + 1); at++) {
      const ours = rowOf(cache, at);
      if (ours === theirs) same++;
      else different.push(`${at.toString(16)}: ${ours} and not ${theirs} (${row})`);
    }
  }
  return { same, different };
}

/** One of LLVM's rows in the words of ours. */
export function spelled(arch: Arch, row: string): string {
  const file = registerFiles[arch];
  const returnNumber = file.lr >= 0 ? file.lr : file.pc;
  const [, cfa = "", saved = ""] = /^CFA=([^:]*)(?:: (.*))?$/.exec(row)!;
  let ra = file.lr >= 0 ? `ra = ${file.names[returnNumber]!}` : "";
  const others: [number, string][] = [];
  for (const [, name = "", value = ""] of saved.matchAll(/(\w+)=(\[[^\]]*\]|[^,\]]+)/g)) {
    const number = numberOf(arch, name);
    if (number === null) continue;
    if (number === returnNumber && value === "undefined") return "end";
    // The CFA is the caller's stack pointer whether or not a row says so.
    if (value === "same" || (number === file.sp && value === "CFA")) continue;
    const words = value === "undefined" ? " is lost" : ` = ${value.startsWith("[") ? `[${expression(arch, value.slice(1, -1))}]` : expression(arch, value)}`;
    if (number === returnNumber) ra = `ra${words}`;
    else others.push([number, `${file.names[number]!}${words}`]);
  }
  const rest = others.sort(([a], [b]) => a - b).map(([, one]) => one);
  return [`cfa = ${expression(arch, cfa)}`, ...(ra === "" ? [] : [ra]), ...rest].join(", ");
}

/** The number of a register by LLVM's name; null for one that a rule has no room for. */
function numberOf(arch: Arch, name: string): number | null {
  const bare = name.toLowerCase().replace(/^[wx](?=\d+$)/, arch === "arm64" ? "x" : "$&").replace(/^wsp$/, "sp");
  const number = registerNumber(registerFiles[arch], bare);
  return number === undefined || (arch === "arm64" && number < 16) ? null : number;
}

/** `RSP+8`, `CFA-16`, and the few expressions that our code has. */
function expression(arch: Arch, written: string): string {
  const operation = /^DW_OP_breg\d+ (\w+)([+-]\d+)(, DW_OP_deref)?$/.exec(written);
  if (operation !== null) {
    const inner = expression(arch, `${operation[1]}${operation[2]}`);
    return operation[3] === undefined ? inner : `[${inner}]`;
  }
  const [, name = "", sign, digits] = /^(\w+?)(?:([+-])(\d+))?$/.exec(written) ?? [];
  const number = numberOf(arch, name);
  const term = name === "CFA" ? "cfa" : number === null ? `?${written}` : registerFiles[arch].names[number]!;
  return digits === undefined || digits === "0" ? term : `${term} ${sign} ${digits}`;
}
