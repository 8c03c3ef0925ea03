import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, inject, it, vi } from "vitest";
import { doctor } from "../../bin/commands/doctor.ts";

type Report = { readonly code: number; readonly healthy: boolean; readonly checks: { readonly name: string; readonly state: string; readonly text: string; readonly remedy?: string }[]; readonly output: string };

let dataDir: string;
let printed: string[];
const closing: (() => void)[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(path.join(tmpdir(), "deadair-doctor-"));
  printed = [];
  for (const stream of ["log", "error"] as const) vi.spyOn(console, stream).mockImplementation((text: string) => void printed.push(text));
  for (const name of ["DATABASE_URL", "REDIS_URL", "BLOB_URL", "HOST"]) vi.stubEnv(name, "");
  vi.stubEnv("PORT", "0");
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  for (const close of closing.splice(0)) close();
  rmSync(dataDir, { recursive: true, force: true });
});

async function examine(env: { readonly [name: string]: string } = {}, dir = dataDir): Promise<Report> {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const code = await doctor(["--json", "--data", dir]);
  const output = printed.join("\n");
  return { code, output, ...(JSON.parse(output) as Pick<Report, "healthy" | "checks">) };
}
const check = (report: Report, name: string) => report.checks.find((one) => one.name === name);

/** Listens on a free port until the test is over. */
async function listen(server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A port that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("a machine with nothing set", () => {
  it("is healthy where all that npm brings is there, and says what is not in use", async () => {
    const report = await examine();
    const broken = report.checks.filter(({ state }) => state === "broken" && process.platform === "linux" && process.arch === "x64");
    expect(broken).toEqual([]);
    expect(report.code).toBe(report.healthy ? 0 : 1);
    expect(check(report, "walker")?.text).toMatch(/minidump_stackwalk \(minidump [\d.]+\) runs/);
    expect(check(report, "postgres")?.text).toMatch(/^embedded Postgres 18/);
    expect(check(report, "queue")).toMatchObject({ state: "none" });
    expect(check(report, "blobs")).toMatchObject({ state: "none" });
  });

  it("prints a line for each check, and a remedy under one that is broken", async () => {
    vi.stubEnv("BLOB_URL", "http://example.com/bucket");
    expect(await doctor(["--data", dataDir])).toBe(1);
    expect(printed).toContainEqual(expect.stringMatching(/^✓ node {7}Node 24/));
    expect(printed).toContainEqual(expect.stringMatching(/^– queue/));
    expect(printed).toContainEqual(expect.stringMatching(/^✗ blobs {6}BLOB_URL is not an s3:\/\/ address\n {13}It is written s3:\/\/KEY/));
  });

  it("refuses arguments it does not know", async () => {
    expect(await doctor(["--fast"])).toBe(2);
    expect(printed.join()).toMatch(/--fast[^]*deadair doctor \[--data DIR\]/);
  });
});

describe("settings", () => {
  it("that cannot be read are named, and the machine is still looked at", async () => {
    const report = await examine({ PORT: "eighty" });
    expect(check(report, "settings")).toMatchObject({ state: "broken", text: expect.stringContaining('PORT is "eighty"') as string });
    expect(check(report, "node")).toMatchObject({ state: "ok" });
    expect(report.code).toBe(1);
  });
});

describe("the data folder", () => {
  it("may be one that is to be made", async () => {
    const report = await examine({}, path.join(dataDir, "a/b"));
    expect(check(report, "data")).toMatchObject({ state: "ok", text: expect.stringContaining("(to be made)") as string });
  });

  it("is broken when it cannot be one", async () => {
    writeFileSync(path.join(dataDir, "file"), "", { mode: 0o400 });
    expect(check(await examine({}, path.join(dataDir, "file/data")), "data")).toMatchObject({ state: "broken", remedy: expect.stringContaining("--data") as string });
  });
});

describe("the port", () => {
  it("taken by another program is broken, and the program is named", async () => {
    const port = await listen(net.createServer((socket) => socket.destroy()));
    const found = check(await examine({ PORT: String(port) }), "port");
    expect(found?.state).toBe("broken");
    if (process.platform === "linux") expect(found?.text).toContain(`pid ${process.pid} (`);
  });

  it("taken by Deadair is well", async () => {
    const port = await listen(http.createServer((request, reply) => reply.writeHead(request.url === "/healthz" ? 200 : 404).end()));
    expect(check(await examine({ PORT: String(port) }), "port")).toMatchObject({ state: "ok", text: expect.stringContaining("Deadair is running") as string });
  });

  it("of an address that is not this machine's is broken", async () => {
    // TEST-NET-1, RFC 5737.
    expect(check(await examine({ HOST: "192.0.2.1", PORT: "8088" }), "port")).toMatchObject({ state: "broken", text: expect.stringContaining("192.0.2.1:8088") as string });
  });
});

describe("other servers", () => {
  it("a Postgres that answers is well", async () => {
    const report = await examine({ DATABASE_URL: inject("testServer").url });
    expect(check(report, "postgres")).toMatchObject({ state: "ok", text: expect.stringMatching(/answers: Postgres \d+$/) as string });
  });

  it("those that nobody answers at are broken, and no password is printed", async () => {
    const port = await closedPort();
    const report = await examine({ DATABASE_URL: `postgres://u:hunter2@127.0.0.1:${port}/d`, REDIS_URL: `redis://:hunter2@127.0.0.1:${port}`, BLOB_URL: `s3://key:hunter2@127.0.0.1:${port}/b?tls=false` });
    for (const name of ["postgres", "queue", "blobs"]) {
      expect(check(report, name), name).toMatchObject({ state: "broken", text: expect.stringContaining(`127.0.0.1:${port}`) as string });
      expect(check(report, name)?.text).toMatch(/ECONNREFUSED/);
    }
    expect(report.output).not.toContain("hunter2");
  });

  it("an S3 that can be connected to is well", async () => {
    const port = await listen(net.createServer((socket) => socket.destroy()));
    expect(check(await examine({ BLOB_URL: `s3://k:s@127.0.0.1:${port}/b?tls=false` }), "blobs")).toMatchObject({ state: "ok" });
  });

  it("a Redis that may throw away jobs is broken, another is well", async ({ skip }) => {
    if (spawnSync("redis-server", ["--version"]).status !== 0) skip("needs redis-server");
    const redis = async (policy: string): Promise<string> => {
      const port = await closedPort();
      const server: ChildProcess = spawn("redis-server", ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", dataDir, "--maxmemory-policy", policy], { stdio: ["ignore", "pipe", "ignore"] });
      closing.push(() => server.kill("SIGKILL"));
      await new Promise<void>((resolve) => server.stdout?.on("data", (chunk: Buffer) => chunk.includes("Ready to accept") && resolve()));
      return `redis://127.0.0.1:${port}`;
    };
    const [good, bad] = await Promise.all([redis("noeviction"), redis("allkeys-lru")]);
    expect(check(await examine({ REDIS_URL: good }), "queue")).toMatchObject({ state: "ok" });
    printed = [];
    expect(check(await examine({ REDIS_URL: `${good}, ${bad}` }), "queue")).toMatchObject({ state: "broken", remedy: expect.stringContaining("noeviction") as string });
  });
});
