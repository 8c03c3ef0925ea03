import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { crash } from "../../bin/commands/crash.ts";
import { type Answer, fakeServer, fakeTerminal, json } from "./fake-server.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "deadair-crash-"));
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

async function put(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(path.join(folder, name), content);
  return path.join(folder, name);
}

async function run(answer: Answer, ...args: string[]) {
  const server = await fakeServer(answer);
  const terminal = fakeTerminal({ DEADAIR_DSN: `${server.url.replace("http://", "http://pub1c@")}/vault` });
  const code = await crash(["send", ...args], terminal);
  return { code, out: terminal.outLines.join("\n"), err: terminal.errLines.join("\n"), received: server.received };
}

const taken: Answer = (_, response) => response.writeHead(200, { "content-type": "text/plain" }).end("0199-abcd\n");

/** A form's parts in order, as `name[/filename]=content`. */
async function parts(body: Buffer, contentType: string | undefined): Promise<string[]> {
  const form = await new Response(new Uint8Array(body), { headers: { "content-type": contentType ?? "" } }).formData();
  const found: string[] = [];
  for (const [name, value] of form.entries()) found.push(typeof value === "string" ? `${name}=${value}` : `${name}/${value.name}=${Buffer.from(await value.arrayBuffer()).toString("latin1")}`);
  return found;
}

test("it posts the fields, the attachments and last the dump", async () => {
  const dump = await put("a.dmp", "MDMP\x93\r\n--x");
  const log = await put('log "1".txt', "line\n");
  const { code, out, received } = await run(taken, "--product", "Vault Synth", "--version", "1.4.2", "--annotation", "host=Reaper=7", "--annotation", "empty=", "--attachment", log, dump);
  expect([code, out]).toEqual([0, "0199-abcd"]);
  expect(received).toHaveLength(1);
  const [request] = received;
  expect(request?.url).toBe("/api/vault/minidump/?sentry_key=pub1c");
  expect(Number(request?.headers["content-length"])).toBe(request?.body.length);
  expect(await parts(request!.body, request!.headers["content-type"])).toEqual(["prod=Vault Synth", "ver=1.4.2", "host=Reaper=7", "empty=", 'log "1".txt/log "1".txt=line\n', "upload_file_minidump/a.dmp=MDMP\xc2\x93\r\n--x"]);
});

test("a large dump goes through in pieces", async () => {
  const bytes = Buffer.alloc(5_000_001, "0123456789");
  const { code, received } = await run(taken, await put("a.dmp", bytes));
  expect(code).toBe(0);
  expect(received[0]?.body.includes(bytes)).toBe(true);
});

test("each file is a crash of its own, and one that fails does not stop the next", async () => {
  let times = 0;
  const answer: Answer = (_, response) => (++times === 1 ? json(response, 400, { error: "not_a_minidump", message: "This is no minidump.", hint: "Send a .dmp." }) : json(response, 201, { id: `id-${times}` }));
  const [a, b] = [await put("a.dmp", "x"), await put("b.dmp", "MDMP")];
  const { code, out, err } = await run(answer, a, path.join(folder, "missing.dmp"), b);
  expect(code).toBe(1);
  expect(out).toBe(`id-2\t${b}`);
  expect(err).toContain("This is no minidump.\nSend a .dmp. (not_a_minidump, HTTP 400)");
  expect(err).toContain("missing.dmp: ENOENT");
});

describe("a server in trouble", () => {
  test.each<[string, Answer, string]>([
    ["401", (_, response) => json(response, 401, { error: "bad_key", message: "The key is not known.", hint: "See the project's settings." }), "The key is not known."],
    // A crash whose answer got lost may have been taken; sending it again would count it twice.
    ["503", (_, response) => response.writeHead(503).end("down"), "The server answered 503: down"],
    ["a hang", () => {}, "nothing was heard for"],
    ["a broken connection", (_, response) => response.destroy(), "cannot be reached"],
    ["a discard", (_, response) => json(response, 200, { discarded: "over_quota" }), "discarded the crash: over_quota"],
    ["a web page", (_, response) => response.writeHead(200).end("<html>Hello</html>"), "The server answered 200: <html>"],
    ["an empty answer", (_, response) => response.writeHead(200).end(), "The server answered 200"],
  ])("%s", async (what, answer, expected) => {
    const { code, err, received } = await run(answer, "--timeout", what === "a hang" ? "0.05" : "30", await put("a.dmp", "MDMP"));
    expect(code).toBe(1);
    expect(err).toContain(expected);
    // On a busy machine a hang may be given up before the server has read it.
    if (what !== "a hang") expect(received).toHaveLength(1);
    expect(err).not.toContain("pub1c");
  });
});

describe("the command line", () => {
  test.each<[string[], NodeJS.ProcessEnv, string]>([
    // A DSN may stand behind a path.
    [["--dsn", "http://k@HOST/deadair/vault"], {}, "/deadair/api/vault/minidump/?sentry_key=k"],
    [["--url", "http://HOST/", "--key", "k"], {}, "/api/default/minidump/?sentry_key=k"],
    [[], { DEADAIR_URL: "http://HOST", DEADAIR_KEY: "k", DEADAIR_PROJECT: "p" }, "/api/p/minidump/?sentry_key=k"],
    // A flag beats the environment, as a whole or in part.
    [["--dsn", "http://k@HOST/vault"], { DEADAIR_URL: "http://127.0.0.1:1", DEADAIR_KEY: "old", DEADAIR_PROJECT: "old" }, "/api/vault/minidump/?sentry_key=k"],
    [["--key", "new"], { DEADAIR_DSN: "http://k@HOST/vault" }, "/api/vault/minidump/?sentry_key=new"],
  ])("%j with %j", async (args, env, expected) => {
    const server = await fakeServer(taken);
    const host = server.url.replace("http://", "");
    const terminal = fakeTerminal(Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value?.replace("HOST", host)])));
    expect(await crash(["send", ...args.map((arg) => arg.replace("HOST", host)), await put("a.dmp", "MDMP")], terminal)).toBe(0);
    expect(server.received[0]?.url).toBe(expected);
  });

  test.each([
    [[], "Say what to do"],
    [["post"], 'There is no "deadair crash post"'],
    [["send", "a.dmp"], "Say which server"],
    [["send", "--dsn", "http://host/1", "a.dmp"], "must look like http://KEY@HOST/PROJECT"],
    [["send", "--url", "http://x", "a.dmp"], "public key is needed"],
    [["send", "--dsn", "http://k@h/1"], "at least one minidump"],
    [["send", "--dsn", "http://k@h/1", "--annotation", "x", "a.dmp"], "KEY=VALUE"],
    [["send", "--nope"], "--nope"],
  ])("%j is not understood", async (args, expected) => {
    const terminal = fakeTerminal();
    expect(await crash(args, terminal)).toBe(2);
    expect(terminal.errLines.join("\n")).toContain(expected);
  });
});
