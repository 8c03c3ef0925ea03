// The embedded Postgres, started as people start it and ended as nobody should.
// Its parent is a process of its own (postmaster-parent.ts), so that it can be
// killed; the server's data must be there after each of these.
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import pg from "pg";
import { pino } from "pino";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { canEnter, type Postmaster, startPostmaster } from "../../storage/postmaster.ts";
import { endEverything, isRunning, killPostmaster, postmasterPid, startScript, type TestProcess, testFolder } from "../support/child-processes.ts";
import { eventually, sleep, within } from "../support/eventually.ts";

const log = pino({ level: "silent" });
const slow = { timeout: 180_000 };

type Place = { folder: string; dir: string; secretFile: string };
const started: Postmaster[] = [];
afterEach(async () => {
  for (const server of started.splice(0)) await within(60, "stopping the server", server.stop());
});
afterAll(endEverything, 120_000);

function newPlace(): Place {
  const folder = testFolder();
  return { folder, dir: path.join(folder, "postgres"), secretFile: path.join(folder, "postgres.json") };
}

async function start(place: Place): Promise<Postmaster> {
  const server = await within(120, "starting the server", startPostmaster({ dir: place.dir, secretFile: place.secretFile, log }));
  started.push(server);
  return server;
}

async function ask<T extends pg.QueryResultRow>(url: string, query: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query<T>(query)).rows;
  } finally {
    await client.end();
  }
}

const remember = (url: string) => ask(url, "create table if not exists kept (n int); insert into kept values (1)");
const remembered = async (url: string) => (await ask<{ n: string }>(url, "select count(*) as n from kept"))[0]?.n;
const secretOf = (place: Place) => JSON.parse(readFileSync(place.secretFile, "utf8")) as { password: string; port: number };

/** Starts the server from another process; resolves once it is up. */
async function startParent(place: Place): Promise<{ process: TestProcess; url: string }> {
  const parent = startScript(path.join(import.meta.dirname, "..", "support", "postmaster-parent.ts"), [place.dir, place.secretFile], { folder: place.folder });
  return { process: parent, url: await within(120, "the parent", parent.firstLine) };
}

describe("starting and stopping", () => {
  test("the first start makes a cluster, the second finds it, on the same port and with the same password", slow, async () => {
    const place = newPlace();
    const first = await start(place);
    expect(first.adopted).toBe(false);
    await remember(first.url);
    await first.stop();
    expect(postmasterPid(place.dir)).toBeUndefined();
    const second = await start(place);
    expect(second.url).toBe(first.url);
    expect(second.adopted).toBe(false);
    expect(await remembered(second.url)).toBe("1");
  });

  test("it is durable, closed to the network, and its password is the owner's alone", slow, async () => {
    const place = newPlace();
    const { url } = await start(place);
    const [settings] = await ask<{ fsync: string; commit: string; listen: string; pages: string }>(url, "select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit, current_setting('listen_addresses') as listen, current_setting('full_page_writes') as pages");
    expect(settings).toEqual({ fsync: "on", commit: "on", listen: "127.0.0.1", pages: "on" });
    expect(statSync(place.secretFile).mode & 0o077).toBe(0);
    expect(readdirSync(place.folder).sort()).toEqual(["postgres", "postgres.json"]);
    await expect(ask(url.replace(/:[^:@/]+@/, ":wrong@"), "select 1")).rejects.toThrow(/password/);
  });

  test("the server runs as an ordinary user even when we are root", slow, async () => {
    const place = newPlace();
    await start(place);
    const uid = Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${postmasterPid(place.dir)}/status`, "utf8"))?.[1]);
    expect(uid).not.toBe(0);
    if (process.getuid?.() !== 0) expect(uid).toBe(process.getuid?.());
  });

  test.skipIf(process.getuid?.() !== 0)("as root, in a folder that the server's user cannot enter, it runs all the same (root only)", slow, async () => {
    const place = newPlace();
    chmodSync(place.folder, 0o700);
    const { url } = await start(place);
    await remember(url);
    expect(await remembered(url)).toBe("1");
  });

  test.skipIf(process.getuid?.() !== 0)("an ordinary user starts it too (root only: another user is needed)", slow, async () => {
    const folder = testFolder();
    const id = (flag: string) => Number(execFileSync("id", [flag, "nobody"]).toString());
    const [uid, gid] = [id("-u"), id("-g")];
    const own = path.join(folder, "own");
    mkdirSync(own);
    chmodSync(folder, 0o755);
    execFileSync("chown", [`${uid}:${gid}`, own]);
    const script = path.join(import.meta.dirname, "..", "support", "postmaster-parent.ts");
    // Where the checkout lies in somebody's home, another user cannot even read the script.
    if (!canEnter(script, { uid, gid }) || !canEnter(process.execPath, { uid, gid })) return console.log("the checkout cannot be entered by another user; not tried");
    const child = spawn(process.execPath, [script, path.join(own, "postgres"), path.join(own, "postgres.json"), "once"], { uid, gid, stdio: ["ignore", "pipe", "pipe"], cwd: own, env: { PATH: process.env["PATH"] } });
    let said = "";
    for (const pipe of [child.stdout, child.stderr]) pipe.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const code = await within(120, "another user's server", new Promise((resolve) => child.once("close", resolve)));
    expect({ code, said }).toEqual({ code: 0, said: expect.stringMatching(/^postgres:\/\//) });
  });

  test("its port is taken by somebody else: it takes another, and remembers it", slow, async () => {
    const place = newPlace();
    const first = await start(place);
    await remember(first.url);
    await first.stop();
    const { port } = secretOf(place);
    const squatter = net.createServer().listen(port, "127.0.0.1");
    await new Promise((resolve) => squatter.once("listening", resolve));
    try {
      const second = await start(place);
      expect(secretOf(place).port).not.toBe(port);
      expect(second.url).toContain(`:${secretOf(place).port}/`);
      expect(await remembered(second.url)).toBe("1");
    } finally {
      squatter.close();
    }
  });

  const unfinished = (place: Place) => readdirSync(place.folder).filter((name) => name.startsWith("postgres.making"));

  test("an initdb that was interrupted is begun anew", slow, async () => {
    const place = newPlace();
    for (const name of ["postgres.making", "postgres.making-0badcafe"]) {
      mkdirSync(path.join(place.folder, name));
      writeFileSync(path.join(place.folder, name, "PG_VERSION"), "18\n");
    }
    writeFileSync(path.join(place.folder, "postgres.making-0badcafe.password"), "half", { mode: 0o600 });
    const { url } = await start(place);
    await remember(url);
    expect(unfinished(place)).toEqual([]);
  });

  test("the parent is killed while initdb runs, at several moments: the next start makes the cluster, whatever the old initdb still does", slow, async () => {
    for (const afterMs of [0, 50, 200, 500]) {
      const place = newPlace();
      const parent = startScript(path.join(import.meta.dirname, "..", "support", "postmaster-parent.ts"), [place.dir, place.secretFile], { folder: place.folder });
      await eventually("initdb has begun", () => unfinished(place).length, (n) => n > 0, { everyMs: 2 });
      await sleep(afterMs);
      await parent.kill("SIGKILL");
      const { url } = await start(place);
      await remember(url);
      expect(await remembered(url)).toBe("1");
    }
  });

  test("the file with the password is gone: it says so and how to go on", slow, async () => {
    const place = newPlace();
    await (await start(place)).stop();
    rmSync(place.secretFile);
    await expect(startPostmaster({ dir: place.dir, secretFile: place.secretFile, log })).rejects.toThrow(/postgres\.json is missing.*(backup|DATABASE_URL)/);
  });

  test("stopping closes what is connected, and twice is no error", slow, async () => {
    const place = newPlace();
    const server = await start(place);
    const client = new pg.Client({ connectionString: server.url });
    const ended = new Promise((resolve) => client.once("end", resolve));
    client.on("error", () => {});
    await client.connect();
    await within(30, "stopping", server.stop());
    await within(30, "the client's end", ended);
    await server.stop();
  });
});

describe("killed", () => {
  test("the parent: its server lives on and is adopted, with its port and data", slow, async () => {
    const place = newPlace();
    const parent = await startParent(place);
    await remember(parent.url);
    const pid = postmasterPid(place.dir)!;
    await parent.process.kill("SIGKILL");
    expect(isRunning(pid)).toBe(true);
    const server = await start(place);
    expect({ adopted: server.adopted, pid: postmasterPid(place.dir), url: server.url }).toEqual({ adopted: true, pid, url: parent.url });
    expect(await remembered(server.url)).toBe("1");
    await server.stop();
    await eventually("the adopted server is stopped", () => isRunning(pid), (running) => !running);
  });

  test("the server, while we run: it is started again at the same address, and nothing acknowledged is lost", slow, async () => {
    const place = newPlace();
    const { url } = await start(place);
    for (let round = 1; round <= 3; round++) {
      await remember(url);
      const pid = killPostmaster(place.dir);
      await eventually("another server answers", () => remembered(url), (n) => n === String(round), { seconds: 90, everyMs: 200 });
      expect(postmasterPid(place.dir)).not.toBe(pid);
    }
  });

  test("the server, and somebody takes its port at that moment: it comes back there once the port is free", slow, async () => {
    const place = newPlace();
    const { url } = await start(place);
    await remember(url);
    const { port } = secretOf(place);
    killPostmaster(place.dir);
    const squatter = net.createServer((socket) => socket.destroy());
    await eventually("the port is taken", () => new Promise<boolean>((resolve) => squatter.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true))), (taken) => taken, { everyMs: 5 });
    await sleep(3000);
    expect(secretOf(place).port).toBe(port);
    squatter.close();
    await eventually("it answers at its old address", () => remembered(url), (n) => n === "1", { seconds: 90, everyMs: 200 });
  });

  test("an adopted server is watched as well", slow, async () => {
    const place = newPlace();
    const parent = await startParent(place);
    await remember(parent.url);
    await parent.process.kill("SIGKILL");
    const server = await start(place);
    expect(server.adopted).toBe(true);
    killPostmaster(place.dir);
    await eventually("another server answers", () => remembered(server.url), (n) => n === "1", { seconds: 90, everyMs: 200 });
  });

  test("both at once: the next start recovers, at once and again", slow, async () => {
    const place = newPlace();
    for (let round = 1; round <= 2; round++) {
      const parent = await startParent(place);
      await remember(parent.url);
      const dead = parent.process.kill("SIGKILL");
      killPostmaster(place.dir);
      await dead;
      const server = await start(place);
      expect(server.adopted).toBe(false);
      expect(await remembered(server.url)).toBe(String(round));
      await server.stop();
    }
  });

  test("while it is being stopped, the server is not started again", slow, async () => {
    const place = newPlace();
    const server = await start(place);
    killPostmaster(place.dir);
    await within(60, "stopping", server.stop());
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(postmasterPid(place.dir)).toBeUndefined();
  });
});

describe("a postmaster.pid that is wrong", () => {
  /** A cluster whose server was killed, with `text` in its pid file. */
  async function leftWith(text: (place: Place) => string): Promise<Place> {
    const place = newPlace();
    const server = await start(place);
    await remember(server.url);
    await server.stop();
    writeFileSync(path.join(place.dir, "postmaster.pid"), text(place));
    return place;
  }

  test("it names a process that is not a server: a new one is started, and that process lives", slow, async () => {
    const bystander = spawn("sleep", ["300"], { stdio: "ignore" });
    try {
      const place = await leftWith((at) => `${bystander.pid}\n${at.dir}\n1700000000\n${secretOf(at).port}\n\n127.0.0.1\n`);
      const { url } = await start(place);
      expect(await remembered(url)).toBe("1");
      expect(isRunning(bystander.pid!)).toBe(true);
    } finally {
      bystander.kill("SIGKILL");
    }
  });

  test("it names the server of another folder: that one is neither adopted nor stopped", slow, async () => {
    const other = newPlace();
    const neighbour = await start(other);
    await remember(neighbour.url);
    const pid = postmasterPid(other.dir)!;
    const place = await leftWith((at) => `${pid}\n${at.dir}\n1700000000\n${secretOf(other).port}\n\n127.0.0.1\n`);
    const server = await start(place);
    expect(server.adopted).toBe(false);
    expect(await remembered(server.url)).toBe("1");
    expect(postmasterPid(other.dir)).toBe(pid);
    expect(await remembered(neighbour.url)).toBe("1");
  });

  test("the folder was copied from a running one: the copy gets a server of its own", slow, async () => {
    const original = newPlace();
    const server = await start(original);
    await remember(server.url);
    const copy = newPlace();
    await ask(server.url, "checkpoint");
    for (const name of ["postgres", "postgres.json"]) execFileSync("cp", ["-a", path.join(original.folder, name), path.join(copy.folder, name)]);
    const second = await start(copy);
    expect(second.adopted).toBe(false);
    expect(second.url).not.toBe(server.url);
    await remember(second.url);
    expect([await remembered(server.url), await remembered(second.url)]).toEqual(["1", "2"]);
  });

  for (const [what, text] of [["is empty", ""], ["is garbage", "\u0000\u0001garbage\n"], ["is cut off", "99999999\n"]] as const) {
    test(`it ${what}`, slow, async () => {
      const place = await leftWith(() => text);
      const { url } = await start(place);
      expect(await remembered(url)).toBe("1");
    });
  }
});
