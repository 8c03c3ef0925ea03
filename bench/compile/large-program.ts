// A large Windows program to compile symbols of, made on the first run: sources
// that this file writes, of the kind plugins are made of (the standard library's
// containers and algorithms, small inlined functions, templates, lambdas),
// compiled by clang for MinGW with CodeView and a PDB, and once more with DWARF.
// Kept in `.cache/bench/compile` of the checkout.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

/** The files of the program. */
export type LargeProgram = {
  /** The PDB, and the program that belongs to it, without DWARF. */
  readonly pdb: string;
  readonly program: string;
  /** The same program with DWARF inside. */
  readonly dwarf: string;
};

const headers = "#include <algorithm>\n#include <functional>\n#include <map>\n#include <memory>\n#include <sstream>\n#include <string>\n#include <vector>\n";
const pieces = 40;
const bankType = "std::map<std::string, std::vector<float>>";

/** One piece of a unit: a class, a template, and two functions that inline most of what they call. */
function piece(k: number): string {
  return `
struct Voice${k} {
  float gain = 0; int lane = 0; std::string name;
  virtual ~Voice${k}() = default;
  virtual float render(float in, int lanes) {
    float sum = 0;
    for (int i = 0; i < lanes; i++) { sum += in * gain * float(i + ${k}); if (sum > 100.f) sum -= float(lane); }
    return sum;
  }
};
static inline float shape${k}(float x) {
  if (x > 1.f) return 1.f - 1.f / (x + ${k}.f);
  return x * x * ${k}.5f;
}
template <class T, int N> struct Ring${k} {
  T data[N] = {}; int at = 0;
  void push(T v) { data[at++ % N] = v; }
  T mean() const { T s{}; for (auto& v : data) s += v; return s / N; }
};
std::vector<std::unique_ptr<Voice${k}>> make${k}(int n) {
  std::vector<std::unique_ptr<Voice${k}>> out;
  for (int i = 0; i < n; i++) {
    auto v = std::make_unique<Voice${k}>();
    v->gain = shape${k}(float(i)); v->lane = i; v->name = "voice" + std::to_string(i);
    out.push_back(std::move(v));
  }
  return out;
}
float mix${k}(${bankType}& bank, const std::string& key, std::function<float(float)> f) {
  Ring${k}<float, ${k + 4}> ring;
  auto& v = bank[key];
  std::sort(v.begin(), v.end(), [](float a, float b) { return a > b; });
  for (auto& s : v) { s = shape${k}(f(s)); ring.push(s); }
  std::ostringstream o;
  o << key << ring.mean();
  bank[o.str()] = v;
  return ring.mean();
}
`;
}

/** Makes the program where it is not there yet; a text says why it cannot be made. */
export function largeProgram(folder: string, units: number): LargeProgram | string {
  const program = { pdb: path.join(folder, "large.pdb"), program: path.join(folder, "large.exe"), dwarf: path.join(folder, "large-dwarf.exe") };
  if (Object.values(program).every((file) => existsSync(file))) return program;
  mkdirSync(folder, { recursive: true });
  const names = ["main", ...Array.from({ length: units }, (_, unit) => `unit${unit}`)];
  for (const [i, name] of names.entries()) writeFileSync(path.join(folder, `${name}.cpp`), i === 0 ? mainSource(units) : `${headers}namespace ${name} {${Array.from({ length: pieces }, (_, k) => piece(k)).join("")}}\n`);
  const target = "--target=x86_64-w64-mingw32";
  for (const [kind, flags] of [["codeview", ["-gcodeview"]], ["dwarf", ["-gdwarf-5"]]] as const) {
    for (const [i, name] of names.entries()) {
      process.stderr.write(`\rmaking the large program (${kind}): ${i + 1} of ${names.length} units `);
      const failed = run(folder, [target, "-O2", "-g", ...flags, "-c", `${name}.cpp`, "-o", `${name}.${kind}.obj`]);
      if (failed !== null) return failed;
    }
    process.stderr.write("\n");
    const objects = names.map((name) => `${name}.${kind}.obj`);
    const failed = run(folder, kind === "codeview" ? [target, "-static", ...objects, "-fuse-ld=lld", "-Wl,--pdb=large.pdb", "-Wl,-s", "-o", "large.exe"] : [target, "-static", ...objects, "-fuse-ld=lld", "-o", "large-dwarf.exe"]);
    if (failed !== null) return failed;
  }
  return program;
}

function mainSource(units: number): string {
  const calls = Array.from({ length: units * pieces }, (_, i) => [`unit${Math.floor(i / pieces)}`, `mix${i % pieces}`] as const);
  const declarations = calls.map(([unit, mix]) => `namespace ${unit} { float ${mix}(${bankType}&, const std::string&, std::function<float(float)>); }`);
  const body = calls.map(([unit, mix]) => `s += ${unit}::${mix}(b, "k", [](float x) { return x; });`);
  return `${headers}${declarations.join("\n")}\nint main() { ${bankType} b; float s = 0;\n${body.join("\n")}\nreturn int(s); }\n`;
}

function run(folder: string, args: readonly string[]): string | null {
  const done = spawnSync("clang++-19", args, { cwd: folder, encoding: "utf8" });
  if (done.error !== undefined) return `clang++-19 cannot be started: ${done.error.message}. The Debian packages clang-19, lld-19 and g++-mingw-w64-x86-64 are needed.`;
  return done.status === 0 ? null : `clang++-19 ${args.join(" ")} failed: ${done.stderr.slice(0, 500)}`;
}
