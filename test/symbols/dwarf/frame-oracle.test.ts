// Our rows of call frames against those of llvm-dwarfdump, row by row, and
// against the records of Breakpad's dump_syms: on the checked-in plugins, and on
// code that the compilers of this machine make here, where there are any.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type Arch, registerFiles, registerNumber } from "../../../symbols/registers.ts";
import { cacheOf } from "../cache/cached-symbols.ts";
import { cacheOfFrames, frameSections, rowAt } from "./frame-sections.ts";

const folder = mkdtempSync(path.join(tmpdir(), "deadair-frames-"));
afterAll(() => rmSync(folder, { recursive: true }));

const has = (command: string): boolean => spawnSync(command, ["--version"]).status === 0;
const fixtures = path.resolve(import.meta.dirname, "../../../fixtures/out");
const dumpSyms = path.resolve(import.meta.dirname, "../../../node_modules/minidump/bin", `${process.platform}-${process.arch}`, "dump_syms");
const canAskLlvm = has("llvm-dwarfdump-19");

/** From LLVM's name of a register to ours; null for one that a rule has no room for. */
function registerName(arch: Arch, name: string): string | null {
  const bare = name.toLowerCase().replace(/^[wx](?=\d+$)/, arch === "arm64" ? "x" : "$&").replace(/^wsp$/, "sp");
  const file = registerFiles[arch];
  const number = registerNumber(file, bare);
  if (number === undefined || (arch === "arm64" && number < 16)) return null;
  return file.names[number]!;
}

/** One of LLVM's rows in the words of ours; null for one with an expression, which LLVM does not translate. */
function rowText(arch: Arch, cfa: string, saved: string): string | null {
  if (/DW_OP/.test(cfa + saved)) return null;
  const spaced = (text: string): string => text.replace(/^(\w+)$/, "$1").replace(/([+-])(\d+)$/, " $1 $2").replace(/ [+-] 0$/, "");
  const file = registerFiles[arch];
  const returnName = file.names[file.lr >= 0 ? file.lr : file.pc]!;
  const named = (text: string): string => text.replace(/^\w+/, (name) => registerName(arch, name) ?? "?");
  let ra = file.lr >= 0 ? `ra = ${returnName}` : "";
  const others: [number, string][] = [];
  for (const [, name = "", value = ""] of saved.matchAll(/(\w+)=(\[[^\]]*\]|[^,\]]+)/g)) {
    const register = registerName(arch, name);
    if (register === null) continue;
    if (register === returnName && value === "undefined") return "end";
    const memory = /^\[CFA(.*)\]$/.exec(value)?.[1];
    const text = memory === undefined ? named(value) : `[${spaced(`cfa${memory}`)}]`;
    if (register === returnName) ra = `ra = ${text}`;
    else if (value === "undefined") others.push([registerNumber(file, register)!, `${register} is lost`]);
    else if (value !== "same") others.push([registerNumber(file, register)!, `${register} = ${text}`]);
  }
  return [`cfa = ${spaced(named(cfa))}`, ra, ...others.sort((a, b) => a[0] - b[0]).map(([, text]) => text)].join(", ");
}

/** What differs between LLVM's rows of a file and ours, and how much was compared. */
function compareWithLlvm(file: string): { rows: number; expressions: number; functions: number; different: string[] } {
  const sections = frameSections(file);
  const cache = cacheOfFrames(sections);
  const { arch, toRva } = sections[0]!;
  const text = execFileSync("llvm-dwarfdump-19", ["--eh-frame", file], { encoding: "utf8", maxBuffer: 1 << 28 });
  const found = { rows: 0, expressions: 0, functions: 0, different: [] as string[] };
  /** What the function was entered with; "" when its first row is still to come. */
  let first = "";
  for (const line of text.split("\n")) {
    if (/ FDE cie=/.test(line)) {
      first = "";
      found.functions++;
    }
    const row = /^ {2}0x([0-9a-f]+): CFA=([^:]*?)(?:: (.*))?$/.exec(line);
    if (row === null) continue;
    const rva = toRva(Number.parseInt(row[1]!, 16));
    const theirs = rowText(arch, row[2]!, row[3] ?? "");
    found.rows++;
    const ours = rowAt(cache, rva);
    if (first === "") first = theirs ?? "?";
    if (theirs === null) {
      found.expressions++;
      if (ours === null || ours.endsWith("nothing")) found.different.push(`${line} | ${ours}`);
    } else if (ours !== theirs && (ours !== `entry: ${theirs}` || theirs !== first)) found.different.push(`${line} | ${ours} | ${theirs}`);
  }
  return found;
}

/** C++ without headers: prologs, realigned stacks, allocas, exceptions, many arguments. */
const source = `
struct S { virtual int f(int); virtual ~S(); double d[20]; };
void sink(void*); int g(int a, double b, const char* s);
int S::f(int x) { char v[200]; for (char& e : v) e = (char)g(e, x, "abc"); if (x > 3) throw x; return v[x / 2]; }
S::~S() { try { g(1, 2, "q"); } catch (...) { g(2, 3, "r"); } }
int h(int n) { char* p = (char*)__builtin_alloca(n); g(n, 1, p); alignas(64) char q[64]; q[0] = (char)n; g(1, q[0], q); return p[n / 2] + q[3]; }
int big(int a, int b, int c, int d, int e, int f, int k, int l) { int x[4000]; sink(x); x[a] = b; g(x[c], d, "z"); return x[e] + f + k + l; }
extern "C" int many(int a) { int r[40]; sink(r); for (int i = 0; i < 40; i++) r[i] += g(r[39 - i], a, "m") + big(r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8]); return r[a & 15]; }
`;

const builds: readonly (readonly [name: string, compiler: string, flags: readonly string[]])[] = [
  ["gcc -O2", "g++", ["-O2", "-fPIC", "-shared"]],
  ["gcc -O0 without frame pointers", "g++", ["-O0", "-fomit-frame-pointer", "-fPIC", "-shared"]],
  ["gcc .debug_frame, DWARF 3", "g++", ["-O2", "-g", "-gdwarf-3", "-fno-asynchronous-unwind-tables", "-fno-exceptions", "-Dtry=if(1)", "-Dcatch(x)=else", "-Dthrow=sink(&x);(void)", "-fPIC", "-shared"]],
  ["clang x86_64 -Os", "clang++-19", ["-Os", "-fPIC", "-shared", "-nostdlib"]],
  ["clang i686", "clang++-19", ["--target=i686-linux-gnu", "-O2", "-fPIC", "-shared", "-nostdlib", "-fuse-ld=lld-19", "-Wl,--unresolved-symbols=ignore-all"]],
  ["clang aarch64", "clang++-19", ["--target=aarch64-linux-gnu", "-O2", "-fPIC", "-shared", "-nostdlib", "-fuse-ld=lld-19", "-mbranch-protection=standard"]],
  ["clang armv7 .debug_frame, DWARF 4", "clang++-19", ["--target=armv7-linux-gnueabi", "-O2", "-g", "-gdwarf-4", "-fno-exceptions", "-Dtry=if(1)", "-Dcatch(x)=else", "-Dthrow=sink(&x);(void)", "-fPIC", "-shared", "-nostdlib", "-fuse-ld=lld-19"]],
  ["clang aarch64 .debug_frame, 64-bit DWARF", "clang++-19", ["--target=aarch64-linux-gnu", "-O2", "-g", "-gdwarf-5", "-gdwarf64", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-fno-exceptions", "-Dtry=if(1)", "-Dcatch(x)=else", "-Dthrow=sink(&x);(void)", "-fPIC", "-shared", "-nostdlib", "-fuse-ld=lld-19"]],
  ["mingw i686", "i686-w64-mingw32-g++", ["-O2", "-shared", "-g"]],
  ["mingw i686 -O0", "i686-w64-mingw32-g++", ["-O0", "-shared", "-g", "-mpreferred-stack-boundary=2"]],
];

describe.skipIf(!canAskLlvm)("rows as llvm-dwarfdump prints them", () => {
  for (const [name, compiler, flags] of builds) test.skipIf(!has(compiler))(name, () => {
    const input = path.join(folder, "code.cpp");
    const output = path.join(folder, `${name.replace(/\W/g, "-")}.bin`);
    writeFileSync(input, `${source}${/mingw/.test(name) ? 'void sink(void*) {}\nint g(int a, double, const char*) { return a; }\n' : ""}`);
    execFileSync(compiler, [...flags, input, "-o", output], { stdio: ["ignore", "ignore", "pipe"] });
    const { rows, functions, different } = compareWithLlvm(output);
    expect(different).toEqual([]);
    expect([functions > 5, rows > 10]).toEqual([true, true]);
  }, 60_000);

  test.each([
    ["a plugin of gcc", "1.4.2/halcyon.lv2/halcyon.so", 790],
    ["a host, with the outermost frame and a linkage table", "rackhost", 130],
  ])("%s", (_, file, atLeast) => {
    const { rows, different } = compareWithLlvm(path.join(fixtures, file));
    expect(different).toEqual([]);
    expect(rows).toBeGreaterThan(atLeast);
  });
});

describe.skipIf(!existsSync(dumpSyms))("rows as Breakpad's dump_syms writes them", () => {
  test.each([
    ["1.4.2/halcyon.lv2/halcyon.so", 1],
    ["tidewater.so", 1],
    // Its `_start` says that nothing called it, which Breakpad cannot say.
    ["rackhost", 2],
  ])("%s", (name, known) => {
    const file = path.join(fixtures, name);
    const text = spawnSync(dumpSyms, [file], { encoding: "utf8", maxBuffer: 1 << 28 }).stdout;
    const theirs = cacheOf(text);
    const ours = cacheOfFrames(frameSections(file));
    const rows = [...text.matchAll(/^STACK CFI (?:INIT )?([0-9a-f]+)/gm)].map(([, rva]) => Number.parseInt(rva!, 16));
    expect(rows.length).toBeGreaterThan(50);
    const different = rows.filter((rva) => rowAt(ours, rva) !== rowAt(theirs, rva));
    expect(different.map((rva) => rowAt(ours, rva))).toEqual(Array.from({ length: known - 1 }, () => "entry: end"));
    // What Breakpad has no row for: the linkage table's, which takes an expression.
    const added = Array.from({ length: ours.meta().counts["unwindRows"]! }, (_, i) => ours.rowStart(i)).filter((rva) => rowAt(ours, rva) !== null && theirs.rowStart(theirs.unwindRow(rva)) !== rva);
    expect(added.map((rva) => rowAt(ours, rva))).toEqual(["cfa = (rsp + 8) + (((rip % 16) / 11) * 8), ra = [cfa - 8]"]);
  });
});
