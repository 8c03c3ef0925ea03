// Whether others say the same of addresses as we do: function, file and line,
// and of each inlined call. Names are compared in our spelling of the linker's;
// where they have only the plain one, ours, with its scopes, has to end in it.
import type { SourcePlace } from "../../symbols/cache/module-symbols.ts";
import type { SymbolCache } from "../../symbols/cache/symbol-cache.ts";
import { demangle } from "../../symbols/demangle/demangle.ts";

/** A function at an address, innermost first. */
export type Frame = { readonly name: string; readonly file: string; readonly line: number };

/** How many answers were the same, and what differs, as text. */
export type Agreement = { readonly same: number; readonly all: number; readonly different: readonly string[] };

/** Compares our answers with those of others, one for each address. */
export function agreementOf(cache: SymbolCache, addresses: readonly number[], theirs: readonly (readonly Frame[])[]): Agreement {
  const place: SourcePlace = { name: "", linkageName: null, start: 0, isPublic: false, file: null, line: 0, lineStart: 0, inlines: [] };
  const different: string[] = [];
  for (const [i, rva] of addresses.entries()) {
    const ours = cache.lookUp(rva, place) ? [...place.inlines, place].map(({ name, file, line }) => ({ name, file: plain(file ?? ""), line })) : [];
    const their = theirs[i] ?? [];
    if (ours.length === their.length && ours.every((frame, k) => isSame(frame, their[k]!))) continue;
    const at = ours.findIndex((frame, k) => their[k] === undefined || !isSame(frame, their[k]));
    different.push(`0x${rva.toString(16)}: ${text(ours.slice(at, at + 1))} and not ${text(their.slice(at, at + 1))}, ${ours.length} and ${their.length} deep`);
  }
  return { same: addresses.length - different.length, all: addresses.length, different };
}

type LlvmAnswer = { readonly Symbol?: readonly { readonly FunctionName: string; readonly FileName: string; readonly Line: number }[] };

/** What llvm-symbolizer printed with --output-style=JSON --no-demangle. */
export function llvmFrames(output: string): Frame[][] {
  return output
    .trimEnd()
    .split("\n")
    .map((line) => ((JSON.parse(line) as LlvmAnswer).Symbol ?? []).map(({ FunctionName, FileName, Line }) => ({ name: readable(FunctionName), file: plain(FileName), line: Line })));
}

/** What addr2line -a -f -i printed: the address, then two lines for each function. */
export function binutilsFrames(output: string): Frame[][] {
  const answers: Frame[][] = [];
  const lines = output.trimEnd().split("\n");
  for (let i = 0; i < lines.length; ) {
    if (lines[i]!.startsWith("0x")) {
      answers.push([]);
      i++;
      continue;
    }
    const [, file = "", line = "0"] = /^(.*):(\d+|\?)/.exec(lines[i + 1] ?? "") ?? [];
    answers.at(-1)!.push({ name: readable(lines[i]!), file: file === "??" ? "" : plain(file), line: Number(line) || 0 });
    i += 2;
  }
  return answers;
}

/** In our spelling. We do not say of a function that it is a part or a copy that the compiler made. */
const readable = (name: string): string => demangle(name.replace(/\..*$/, "")) ?? name;
const text = (frames: readonly Frame[]): string => frames.map(({ name, file, line }) => `${name} ${file}:${line}`).join(" < ");

/** A path without its detours: some print them as they are, some do not. addr2line writes a relative folder twice. */
function plain(file: string): string {
  let path = file.replaceAll("/./", "/").replace(/^([^/].*\/)\1/, "$1");
  for (;;) {
    const shorter = path.replace(/[^/]+\/\.\.\//, "");
    if (shorter === path) return path;
    path = shorter;
  }
}

function isSame(ours: Frame, theirs: Frame): boolean {
  if (ours.file !== theirs.file || ours.line !== theirs.line) return false;
  const bare = ours.name.replace(/\(.*$/, "");
  return ours.name === theirs.name || ours.name.endsWith(`::${theirs.name}`) || bare === theirs.name || bare.endsWith(`::${theirs.name}`) || ((theirs.name === "" || theirs.name === "??") && ours.name === "<name omitted>");
}
