// A `.sym` of a real, large program: Debian's libjvm, with its debug file, as
// Breakpad's own dump_syms writes it (48 MB: 42,000 functions, 1.8 million
// lines, 108,000 inlines, 197,000 unwind rows).
//
// Two obstacles on the way: Debian compresses debug sections, which dump_syms
// does not read, and it wants the checksum of the debug file that the library
// names. So the sections are decompressed, and the library's link is made anew.
import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, mkdtempSync, openSync, closeSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";

const root = path.join(import.meta.dirname, "../..");
/** Debian's releases of the last years have one of these; any of them is large enough. */
const versions = [17, 21, 25];

/** The file, made on the first call and kept in `folder`; or a sentence on why it cannot be made here. */
export function largeSymbols(folder: string): { readonly path: string } | { readonly missing: string } {
  const named = process.env["DEADAIR_BENCH_SYM"];
  if (named !== undefined) return { path: named };
  const kept = path.join(folder, "libjvm.so.sym");
  if (existsSync(kept)) return { path: kept };
  if (process.platform !== "linux" || process.arch !== "x64" || process.getuid?.() !== 0) return { missing: "large symbols are made from Debian's packages, by root on Linux x64; DEADAIR_BENCH_SYM names a .sym of your own instead" };
  const tool = ["apt-get", "dpkg-deb", "objcopy"].find((name) => !onPath(name));
  if (tool !== undefined) return { missing: `large symbols need ${tool} (apt-get install binutils); DEADAIR_BENCH_SYM names a .sym of your own instead` };
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(path.join(folder, "making-"));
  try {
    renameSync(make(work), kept);
    return { path: kept };
  } catch (error) {
    return { missing: `large symbols could not be made: ${error instanceof Error ? error.message.split("\n", 1)[0] : String(error)}` };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function make(work: string): string {
  process.stderr.write("deadair: making large symbols from Debian's libjvm; a minute, and 1 GB for a while\n");
  const run = (command: string, ...args: string[]) => execFileSync(command, args, { cwd: work, stdio: ["ignore", "ignore", "ignore"] });
  if (!versions.some((version) => download(run, version))) {
    run("apt-get", "update");
    if (!versions.some((version) => download(run, version))) throw new Error("apt-get download has no openjdk-N-dbg of this system");
  }
  for (const file of globSync("*.deb", { cwd: work })) run("dpkg-deb", "-x", file, "unpacked");
  const library = only("unpacked/**/server/libjvm.so", work);
  // Debug files lie by build id; the library's own link names them otherwise.
  const id = /Build ID: ([0-9a-f]{40})/.exec(execFileSync("readelf", ["-n", library], { cwd: work }).toString())?.[1] ?? "";
  const debug = only(`unpacked/**/.build-id/${id.slice(0, 2)}/${id.slice(2)}.debug`, work);
  run("objcopy", "--decompress-debug-sections", debug, "libjvm.debug");
  mkdirSync(path.join(work, "linked"));
  run("objcopy", "--remove-section", ".gnu_debuglink", "--add-gnu-debuglink=libjvm.debug", library, "linked/libjvm.so");
  const made = path.join(work, "libjvm.so.sym");
  const out = openSync(made, "w");
  try {
    // -d: with inlines.
    execFileSync(path.join(root, "node_modules/minidump/bin/linux-x64/dump_syms"), ["-d", "linked/libjvm.so", "."], { cwd: work, stdio: ["ignore", out, "ignore"] });
  } finally {
    closeSync(out);
  }
  return made;
}

function download(run: (command: string, ...args: string[]) => unknown, version: number): boolean {
  try {
    run("apt-get", "download", `openjdk-${version}-jre-headless`, `openjdk-${version}-dbg`);
    return true;
  } catch {
    return false;
  }
}

function only(pattern: string, cwd: string): string {
  const [found] = globSync(pattern, { cwd });
  if (found === undefined) throw new Error(`the packages have no ${pattern}`);
  return found;
}

const onPath = (name: string): boolean => (process.env["PATH"] ?? "").split(path.delimiter).some((folder) => existsSync(path.join(folder, name)));

/** Writes functions from the middle of a `.sym`, with all that belongs to them, until the text has about `bytes` bytes. */
export function writeSlice(from: string, to: string, bytes: number): void {
  const lines = readFileSync(from, "latin1").split("\n");
  const kept: string[] = [];
  const files = new Set<string>();
  const origins = new Set<string>();
  let size = 0;
  let first = Number.POSITIVE_INFINITY;
  let end = 0;
  let isFull = false;
  for (const line of lines.slice(lines.findIndex((one, i) => i > lines.length * 0.4 && one.startsWith("FUNC ")))) {
    if (/^(MODULE|INFO|FILE|INLINE_ORIGIN|PUBLIC|STACK) /.test(line) || line === "") continue;
    const parts = line.split(" ");
    if (parts[0] === "FUNC") {
      // Unwind rows and names take another fifth.
      isFull ||= size > bytes * 0.8;
      if (isFull) break;
      const [, start = "", length = ""] = parts[1] === "m" ? parts.slice(1) : parts;
      first = Math.min(first, hex(start));
      end = Math.max(end, hex(start) + hex(length));
    } else if (parts[0] === "INLINE") {
      files.add(parts[3] ?? "");
      origins.add(parts[4] ?? "");
    } else files.add(parts[3] ?? "");
    kept.push(line);
    size += line.length + 1;
  }
  const head: string[] = [];
  const tail: string[] = [];
  let isKept = false;
  const isInside = (address: string | undefined): boolean => first <= hex(address) && hex(address) < end;
  for (const line of lines) {
    const parts = line.split(" ", 4);
    if (parts[0] === "MODULE" || parts[0] === "INFO") head.push(line);
    else if (parts[0] === "FILE" && files.has(parts[1] ?? "")) head.push(line);
    else if (parts[0] === "INLINE_ORIGIN" && origins.has(parts[1] ?? "")) head.push(line);
    else if (parts[0] === "PUBLIC" && isInside(parts[1] === "m" ? parts[2] : parts[1])) tail.push(line);
    else if (parts[0] === "STACK") {
      if (parts[2] === "INIT") isKept = isInside(parts[3]);
      if (isKept) tail.push(line);
    }
  }
  writeFileSync(to, `${[...head, ...kept, ...tail].join("\n")}\n`, "latin1");
}

/** Puts a `.sym` where stores have it, below `folder`, and answers `folder`. */
export function storeSymbols(folder: string, symbols: string): string {
  const [, , , id = "", ...name] = firstLine(symbols).split(" ");
  const place = path.join(folder, name.join(" "), id);
  mkdirSync(place, { recursive: true });
  const link = path.join(place, `${name.join(" ")}.sym`);
  rmSync(link, { force: true });
  symlinkSync(path.resolve(symbols), link);
  return folder;
}

const firstLine = (file: string): string => /^[^\r\n]*/.exec(readFileSync(file, "latin1"))?.[0] ?? "";
const hex = (text: string | undefined): number => Number.parseInt(text ?? "", 16);
