import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { walk } from "../../bin/commands/walk.ts";
import { shippedWalker } from "../../stackwalk/breakpad/walker-binary.ts";
import { syntheticCrash } from "../support/minidump-builder.ts";

const root = mkdtempSync(join(tmpdir(), "deadair-test-"));
afterAll(() => rmSync(root, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

const gain = { module: "libGain.so", debugId: "0123456789ABCDEF0123456789ABCDEF0" };
const dump = join(root, "crash.dmp");
writeFileSync(dump, syntheticCrash({ ...gain, offset: 0x1405, callerModules: [{ module: "host", offset: 0x99 }] }));
// Not Breakpad's layout: the file's first line says what it is.
const symbols = join(root, "symbols");
mkdirSync(join(symbols, "deep", "er"), { recursive: true });
writeFileSync(join(symbols, "deep", "er", "any name.sym"), `MODULE Linux x86_64 ${gain.debugId} libGain.so\nFILE 0 /src/gain.cpp\nFUNC 1400 10 0 Gain::process()\n1400 10 80 0\n`);
writeFileSync(join(symbols, "stray.sym"), "no module record\n");

/** Runs the command; answers its exit code and what it printed. */
async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const out = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const err = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const code = await walk([...args, "--cache", join(root, "cache")]);
  const printed = { code, out: out.mock.calls.join(""), err: err.mock.calls.join("") };
  vi.restoreAllMocks();
  return printed;
}

describe.skipIf(shippedWalker() === null)("deadair walk", () => {
  it("prints a stack", async () => {
    const { code, out, err } = await run(dump, "--symbols", symbols);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain("   0  libGain.so!Gain::process()  /src/gain.cpp:80\n   1  host + 0x98  no symbols  by frame pointer\n");
  });

  it("prints all of a long report into a pipe whose reader is slow", async () => {
    const long = join(import.meta.dirname, "../../fixtures/out/dumps/1.4.2/breakpad-stack-overflow.dmp");
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", join(import.meta.dirname, "../../bin/deadair.ts"), "walk", "--json", "--cache", join(root, "cache"), "--symbols", join(import.meta.dirname, "../../fixtures/out/sym"), long], { stdio: ["ignore", "pipe", "inherit"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      child.stdout.pause();
      setTimeout(() => child.stdout.resume(), 5);
    });
    const [code] = (await once(child, "close")) as [number];
    expect(code).toBe(0);
    const text = Buffer.concat(chunks).toString();
    // A pipe holds 64 kB; what was cut there would be no JSON.
    expect(text.length).toBeGreaterThan(200_000);
    expect((JSON.parse(text) as { status: string }).status).toBe("OK");
  });

  it("prints the report", async () => {
    const { out } = await run("--json", dump);
    expect(JSON.parse(out)).toMatchObject({ status: "OK", threads: [{ frames: [{ module: "libGain.so", module_offset: "0x0000000000001405", missing_symbols: true }, {}] }] });
  });

  it("lets Breakpad walk, for a second opinion", async () => {
    const ours = await run(dump, "--symbols", symbols);
    const theirs = await run(dump, "--symbols", symbols, "--engine", "breakpad");
    expect(theirs.out).toContain("walked by breakpad 0.26.0");
    const stack = ({ out }: { out: string }) => out.split("\n").filter((line) => /^ {3}[ \d]+ /.test(line) && !line.includes("ends here"));
    expect(stack(theirs)).toEqual(stack(ours));
    expect(stack(ours)).toHaveLength(2);
  });

  it("says why a frame is there", async () => {
    const { out } = await run("--why", dump, "--symbols", symbols);
    expect(out).toContain("context: the registers that the dump holds");
    expect(out).toMatch(/frame pointer: .*\n/);
  });

  it("uses compiled symbols again, and walks without a folder for them", async () => {
    const [file = ""] = readdirSync(join(root, "cache"));
    const { ino } = statSync(join(root, "cache", file));
    expect((await run(dump, "--symbols", symbols)).out).toContain("Gain::process()");
    expect(statSync(join(root, "cache", file)).ino).toBe(ino);
    const out = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    expect(await walk([dump, "--symbols", symbols, "--cache", join(dump, "under a file")])).toBe(0);
    expect(out.mock.calls.join("")).toContain("Gain::process()");
  });

  it("prints what the peer prints", async () => {
    const store = join(root, "store");
    const folder = join(store, "libGain.so", gain.debugId);
    mkdirSync(folder, { recursive: true });
    execFileSync("cp", [join(symbols, "deep", "er", "any name.sym"), join(folder, "libGain.so.sym")]);
    const peer = execFileSync(shippedWalker()?.path ?? "", ["-m", dump, store], { stdio: ["ignore", "pipe", "ignore"] }).toString();
    expect((await run("--machine", dump, "--symbols", symbols)).out).toBe(peer);
    expect((await run("--machine", dump, "--symbols", root, "--symbols", store)).out).toBe(peer);
  });

  it.each([
    // A wrong file: what it is, and what to do.
    [[join(symbols, "stray.sym")], 1, `deadair walk: ${join(symbols, "stray.sym")}: The file is not a minidump: it looks like text. Send the .dmp file itself; text reports have their own addresses.\n`],
    [["/nowhere.dmp"], 1, "deadair walk: there is no /nowhere.dmp; check the path.\n"],
    [[root], 1, `deadair walk: ${root} is a folder; name a minidump file.\n`],
    [["/dev/null"], 1, "deadair walk: /dev/null is a pipe or a device; save the dump to a file, and name that.\n"],
    [[dump, "--symbols", dump], 1, `deadair walk: ${dump} is not a folder; --symbols takes folders.\n`],
    // Wrong usage: the reason, then the usage.
    [[], 2, /^deadair walk: name exactly one minidump\.\n\nUsage: /],
    [[dump, dump], 2, /^deadair walk: name exactly one minidump\.\n\nUsage: /],
    [[dump, "--json", "--text"], 2, /^deadair walk: choose one of --text, --json and --machine\.\n\nUsage: /],
    [[dump, "--engine", "gdb"], 2, /^deadair walk: --engine is deadair or breakpad\./],
    [[dump, "--why", "--json"], 2, /^deadair walk: --why goes with our own engine and text only\./],
    [[dump, "--why", "--engine", "breakpad"], 2, /^deadair walk: --why goes with/],
    [[dump, "--colour"], 2, /^deadair walk: Unknown option '--colour'/],
  ])("with %j ends with %i", async (args, code, told) => {
    const result = await run(...args);
    expect(result).toMatchObject({ code, out: "", err: typeof told === "string" ? told : expect.stringMatching(told) });
  });

  it("does not wait for the writer of a pipe", async () => {
    const pipe = join(root, "pipe");
    execFileSync("mkfifo", [pipe]);
    expect(await run(pipe)).toMatchObject({ code: 1, err: expect.stringContaining("is a pipe") });
    const folder = join(root, "piped");
    mkdirSync(folder);
    symlinkSync(pipe, join(folder, "halcyon.so"));
    expect(await run(dump, "--symbols", folder)).toMatchObject({ code: 0 });
  });

  it("says that its output cannot be written", () => {
    const full = existsSync("/dev/full") ? openSync("/dev/full", "w") : -1;
    if (full < 0) return;
    const { status, stderr } = spawnSync(process.execPath, ["--no-warnings", join(import.meta.dirname, "../../bin/deadair.ts"), "walk", dump, "--cache", join(root, "cache")], { stdio: ["ignore", full, "pipe"], encoding: "utf8" });
    closeSync(full);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^deadair: the output cannot be written: ENOSPC.*\n$/)]);
  });

  it("interrupted while Breakpad walks, removes its folder", async () => {
    const scratch = join(root, "scratch");
    mkdirSync(scratch);
    // Until it is interrupted: how fast the walker is must not matter.
    for (let i = 0; i < 20; i++) {
      const child = spawn(process.execPath, ["--no-warnings", join(import.meta.dirname, "../../bin/deadair.ts"), "walk", dump, "--engine", "breakpad", "--symbols", symbols], { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, TMPDIR: scratch } });
      const ended = once(child, "close");
      while (readdirSync(scratch).length === 0 && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 1));
      child.kill("SIGINT");
      const [code] = await ended;
      expect(readdirSync(scratch)).toEqual([]);
      if (code === 130) return;
    }
    throw new Error("no walk was ever interrupted");
  });

  it("explains itself", async () => {
    expect(await run("--help")).toMatchObject({ code: 0, out: expect.stringMatching(/^Usage: deadair walk DUMP/), err: "" });
  });
});
