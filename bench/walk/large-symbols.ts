// A `.sym` of a real, large program: Debian's libjvm, with its debug file, as
// Breakpad's own dump_syms writes it (48 MB: 42,000 functions, 1.8 million
// lines, 108,000 inlines, 197,000 unwind rows).
import { execFileSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { debianLibjvm } from "../compile/debian-libjvm.ts";

const root = path.join(import.meta.dirname, "../..");

/** The file, made on the first call and kept in `folder`; or a sentence on why it cannot be made here. */
export function largeSymbols(folder: string): { readonly path: string } | { readonly missing: string } {
  const named = process.env["DEADAIR_BENCH_SYM"];
  if (named !== undefined) return { path: named };
  const kept = path.join(folder, "libjvm.so.sym");
  if (existsSync(kept)) return { path: kept };
  const libjvm = debianLibjvm(path.join(root, ".cache/bench/libjvm"));
  if ("missing" in libjvm) return { missing: `${libjvm.missing}; DEADAIR_BENCH_SYM names a .sym of your own instead` };
  mkdirSync(folder, { recursive: true });
  const made = `${kept}.making`;
  const out = openSync(made, "w");
  try {
    // -d: with inlines.
    execFileSync(path.join(root, "node_modules/minidump/bin/linux-x64/dump_syms"), ["-d", path.basename(libjvm.library), "."], { cwd: path.dirname(libjvm.library), stdio: ["ignore", out, "ignore"] });
  } finally {
    closeSync(out);
  }
  renameSync(made, kept);
  return { path: kept };
}

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
