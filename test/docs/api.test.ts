// docs/api.md and docs/clients.md say what the server does: every address and
// no other, every error word with its status, every example run as it stands.
//
// What the marks in the documents mean:
//   ```sh whose first line is `# answers 201`   run; curl's status must be that
//   ```sh whose first line is `# exits 0`       run; the exit code must be that
//   ```json or ```text right after it           the answer: same shape, same text but for ids
//   ```LANGUAGE FILE                            written to FILE before anything runs
// Workers do not run here; what needs a walk or a delivery is done once, by hand, at the start.
import { execFileSync, spawnSync } from "node:child_process";
import diagnostics from "node:diagnostics_channel";
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { errorCodes, type FastifyInstance } from "fastify";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defaultLimits } from "../../config/limits.ts";
import { readSettings } from "../../config/settings.ts";
import { runClean } from "../../fixtures/run-clean.ts";
import { newSignInToken } from "../../services/access/accounts.ts";
import { alertProcessor } from "../../workers/alert/alert.ts";
import { deliverProcessor } from "../../workers/deliver/deliver.ts";
import { signatureOf } from "../../workers/deliver/webhook.ts";
import { symbolicateProcessor } from "../../workers/symbolicate/symbolicate.ts";
import { readSources, root } from "../setup/source-files.ts";
import { addDestination, secret } from "../support/alert-rows.ts";
import { available as breakpadMissing, buildBreakpad } from "../support/clients/breakpad.ts";
import { available as curlMissing } from "../support/clients/curl.ts";
import { syntheticCrash } from "../support/minidump-builder.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";
import { type Received, startWebhookReceiver, type WebhookReceiver } from "../support/webhook-receiver.ts";
import { namesHere } from "../support/names.ts";
import { buildBundle } from "../symbols/sources/bundle-builder.ts";

/** A fenced block: its language, the file it is for, its text, and the block right after it. */
type Block = { readonly language: string; readonly file: string | undefined; readonly text: string; readonly line: number; readonly answer: Block | undefined };

const documents = { "docs/api.md": readDocument("docs/api.md"), "docs/clients.md": readDocument("docs/clients.md") };
const api = documents["docs/api.md"];

function readDocument(file: string): { readonly text: string; readonly blocks: readonly Block[] } {
  const text = readFileSync(path.join(root, file), "utf8");
  const found = [...text.matchAll(/^```(\w+)(?: (\S+))?\n([^]*?)^```$/gm)];
  const blocks: Block[] = [];
  for (const match of found.reverse()) {
    const [whole, language = "", named, inside = ""] = match;
    const next = blocks[0];
    const end = text.slice(0, match.index + whole.length).split("\n").length;
    blocks.unshift({ language, file: named, text: inside, line: text.slice(0, match.index).split("\n").length, answer: next?.line === end + 1 && next.language !== "sh" ? next : undefined });
  }
  return { text, blocks };
}

// ---- addresses

/** `METHOD /path` of every route that a server adds, but for the page's own files. */
const routes = new Set<string>();
// Fastify says when it makes an instance (its documentation, "Hooks", "Diagnostics Channel").
diagnostics.subscribe("fastify.initialization", (message) => {
  (message as { fastify: FastifyInstance }).fastify.addHook("onRoute", ({ method, url }) => {
    if (url === "/" || existsSync(path.join(root, "web/dist", url)) || existsSync(path.join(root, "web/public", url))) return;
    for (const verb of [method].flat()) if (verb !== "HEAD") routes.add(`${verb} ${url.replaceAll(/:(\w+)/g, "{$1}")}`);
  });
});

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.close());

describe("docs/api.md has", () => {
  it("every address that the server has, and no other", () => {
    const written = [...api.text.matchAll(/^#{2,3} `([A-Z]+ \/[^`]*)`$/gm)].map((match) => match[1]);
    expect(routes.size).toBeGreaterThan(20);
    expect(written.sort()).toEqual([...routes].sort());
  });

  it("links that lead somewhere", () => {
    const anchors = Object.fromEntries(Object.entries(documents).map(([file, { text }]) => [file.slice("docs/".length), [...text.matchAll(/^#+ (.*)$/gm)].map((match) => anchorOf(match[1] ?? ""))]));
    for (const [file, { text }] of Object.entries(documents)) {
      for (const [, to = ""] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
        const [page = "", anchor] = to.split("#");
        const target = page === "" ? file.slice("docs/".length) : page;
        expect(existsSync(path.join(root, "docs", target)), `${file}: ${to}`).toBe(true);
        if (anchor !== undefined) expect(anchors[target], `${file}: ${to}`).toContain(anchor);
      }
    }
  });

  it("only limits that there are, and all that an upload or a question can meet", () => {
    const named = new Set([...api.text.matchAll(/`([A-Z]+(?:_[A-Z]+)*_(?:BYTES|COUNT|SECONDS|ROWS))`/g)].map((match) => match[1] ?? ""));
    expect([...named].filter((name) => !(name in defaultLimits))).toEqual([]);
    const inside = /^(WALK_|COMPILE_|SYMBOL_CACHE_|OPEN_SYMBOLS_|CRASH_ATTEMPTS|RECLAIM)/;
    expect(Object.keys(defaultLimits).filter((name) => !inside.test(name) && !named.has(name))).toEqual([]);
  });
});

// As GitHub makes them: lower case, no punctuation, dashes for spaces.
function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-");
}

// ---- error words

/** `STATUS word` of every refusal in the sources that a request can come to. */
function refusals(): string[] {
  const found = new Set<string>();
  for (const { file, text } of readSources()) {
    if (!/^(services|stackwalk|symbols|signature|workers|storage|config)\//.test(file)) continue;
    for (const [, status, word = ""] of text.matchAll(/\brefuse\(\s*(\d+),\s*["`]([^"`]+)["`]/g)) {
      if (!word.includes("${")) found.add(`${status} ${word}`);
      else for (const [, what = ""] of text.matchAll(/\bunknown\(\w+, "(\w+)"/g)) found.add(`${status} ${word.replace("${what}", what)}`);
    }
    for (const [, status, word] of text.matchAll(/\bstatus: (\d+), code: "([a-z_]+)"/g)) found.add(`${status} ${word}`);
  }
  return [...found];
}

/** Words that are never answered, and where they stand instead: the table "Not answers". */
const unanswered = new Set(["unresolvable", "mail_not_configured", "symbol_file_unreadable", "bad_debug_id", "cache_unusable", "cache_unwritable", "different_modules", "no_dwarf", "dwarf_too_large", "pdb_without_program", "broken_xz", "unknown_xz_filter", "xz_too_large", "no_debug_files", "no_such_architecture", "several_architectures"]);

describe("the errors in docs/api.md", () => {
  const rows = [...api.text.matchAll(/^\| (\d{3}) \| `([a-z_\d]+)` \| ([^|]+) \|/gm)].map((match) => `${match[1]} ${match[2]}`);
  const isFastifys = (row: string) => {
    const [status, word = ""] = row.split(" ");
    const errors = errorCodes as unknown as { readonly [code: string]: (new () => { readonly statusCode?: number }) | undefined };
    const Made = errors[`FST_ERR_${word.toUpperCase()}`];
    return Made !== undefined && (word === "validation" ? 400 : new Made().statusCode) === Number(status);
  };

  it("are those of the sources, each with its status", () => {
    const expected = refusals().filter((row) => !unanswered.has(row.split(" ")[1] ?? ""));
    expect(expected.length).toBeGreaterThan(40);
    expect(expected.filter((row) => !rows.includes(row))).toEqual([]);
    expect(rows.filter((row) => !expected.includes(row) && !isFastifys(row))).toEqual([]);
    expect(new Set(rows).size).toBe(rows.length);
  });

  it("are in the tables when an address names them", () => {
    const named = [...api.text.matchAll(/^Errors[^\n]*$/gm)].flatMap((line) => [...line[0].matchAll(/`([a-z]+(?:_[a-z\d]+)*)`/g)].map((match) => match[1] ?? ""));
    const known = new Set(rows.map((row) => row.split(" ")[1] ?? ""));
    expect(named.filter((word) => !known.has(word) && word !== "validation")).toEqual([]);
    expect(named.length).toBeGreaterThan(50);
  });

  it("name every word that is not an answer", () => {
    const table = api.text.slice(api.text.indexOf("### Not answers"));
    expect([...unanswered].filter((word) => !table.includes(`\`${word}\``))).toEqual([]);
  });
});

// ---- examples

const curlGone = curlMissing();
const folder = mkdtempSync(path.join(os.tmpdir(), "deadair-docs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let receiver: WebhookReceiver;
const environment: { [name: string]: string } = {};

/** Programs that examples call by name: ours, and Breakpad's where it can be built. */
async function installPrograms(): Promise<string> {
  const programs = path.join(folder, "bin");
  mkdirSync(programs);
  writeFileSync(path.join(programs, "deadair"), `#!/bin/sh\nexec '${process.execPath}' '${path.join(root, "bin/deadair.ts")}' "$@"\n`, { mode: 0o755 });
  return [programs, path.dirname(process.execPath), ...(breakpadMissing() === null ? [await buildBreakpad()] : []), "/usr/bin", "/bin"].join(":");
}

function writeFiles(): void {
  for (const { blocks } of Object.values(documents)) for (const block of blocks) if (block.file !== undefined) writeFileSync(path.join(folder, block.file), block.text);
  writeFileSync(path.join(folder, "crash.dmp"), syntheticCrash({ module: "halcyon.so", offset: 0x1234 }));
  writeFileSync(path.join(folder, "plugin.log"), "loaded\n");
  const symbols = path.join(root, "fixtures/out/sym");
  mkdirSync(path.join(folder, "build/symbols"), { recursive: true });
  // Two builds of Halcyon: one for the stack trace, one for the example of an upload.
  copyFileSync(path.join(symbols, "halcyon.so/A2935692699494EF8BC86F6E5537ABE20/halcyon.so.sym"), path.join(folder, "halcyon.so.sym"));
  for (const name of ["tidewater.so", "rackhost"]) {
    const [id = ""] = readdirSync(path.join(symbols, name));
    copyFileSync(path.join(symbols, name, id, `${name}.sym`), path.join(folder, name === "rackhost" ? "build/symbols/rackhost.sym" : `${name}.sym`));
  }
  cpSync(path.join(root, "fixtures/plugin"), path.join(folder, "sources/plugin"), { recursive: true });
  // One build for the addresses' own examples, another one for those of a build machine.
  mkdirSync(path.join(folder, "build/release"));
  for (const name of ["Halcyon.pdb", "Halcyon.vst3"]) {
    copyFileSync(path.join(root, "fixtures/out/windows/x64", name), path.join(folder, name));
    copyFileSync(path.join(root, "fixtures/out/windows/arm64", name), path.join(folder, "build/release", name));
  }
  for (const name of ["halcyon.so", "halcyon.so.debug"]) copyFileSync(path.join(root, "fixtures/out/elf/gcc-5-split", name), path.join(folder, name));
}

/** Asks the server; returns the JSON of its answer. */
async function ask<T>(method: string, address: string, headers: { [name: string]: string }, body?: Buffer | string): Promise<T> {
  const response = await fetch(`${server.url}${address}`, { method, headers, ...(body === undefined ? {} : { body: typeof body === "string" ? body : new Uint8Array(body) }) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${address} answered ${response.status}: ${text}`);
  return (text === "" ? null : JSON.parse(text)) as T;
}

/** Makes what the examples speak of: a walked crash, its group, an alert with a delivery that worked and one that did not, a token. */
async function prepare(): Promise<void> {
  const { db } = server.storage;
  const settings = { ...readSettings({}, { dataDir: server.dataDir }), allowPrivateWebhooks: true };
  const log = pino({ level: "silent" });
  const sym = readFileSync(path.join(root, "fixtures/out/sym/halcyon.so/05815560876A036BAF11B45370798C070/halcyon.so.sym"));
  const upload = { authorization: `Bearer ${server.symbolToken}`, "content-type": "application/octet-stream" };
  await ask("POST", "/api/v1/default/symbols", upload, sym);
  const sources = buildBundle({ "/build/halcyon/plugin/dsp.h": readFileSync(path.join(root, "fixtures/plugin/dsp.h"), "utf8") }, { debug_id: "05815560-876a-036b-af11-b45370798c07", object_name: "halcyon.so" });
  await ask("POST", "/api/v1/default/symbols", upload, sources);

  receiver = await startWebhookReceiver();
  receiver.secret = secret;
  const project = (await db.selectFrom("projects").select("id").executeTakeFirstOrThrow()).id;
  const destination = await addDestination(db, project, { kind: "webhook", target: `${receiver.url}/hook` });
  const { id: crash } = await ask<{ id: string }>("POST", `/api/v1/default/stacktraces?sentry_key=${server.ingestKey}`, { "content-type": "application/json" }, readFileSync(path.join(folder, "trace.json")));
  const walker = { name: "none", walk: () => Promise.reject(new Error("a posted stack trace needs no walker")) };
  await symbolicateProcessor({ storage: server.storage, settings, walker, pool: { nameAddresses: namesHere }, log })({ crash, revision: 1 });
  const { group_id: group } = await db.selectFrom("crashes").select("group_id").where("id", "=", crash).executeTakeFirstOrThrow();
  if (group === null) throw new Error("the stack trace of docs/api.md was not grouped");
  await alertProcessor(db)({ event: "group-created", project, group, crash });
  const deliver = async () => {
    for (const { id } of await db.selectFrom("deliveries").select("id").where("state", "=", "pending").execute()) await deliverProcessor({ db, settings, publicUrl: () => server.url, log })({ delivery: id });
  };
  await deliver();

  // Without SMTP_URL a mail fails for good. Sent as a test, which is the older alert's neighbour.
  const mail = await addDestination(db, project, { kind: "mail", target: "a@b.example" });
  const login = await fetch(`${server.url}/sign-in?token=${await newSignInToken(db, settings.limits)}`, { redirect: "manual" });
  const cookie = { cookie: (login.headers.get("set-cookie") ?? "").split(";")[0] ?? "" };
  const { delivery } = await ask<{ delivery: string }>("POST", `/api/v1/default/destinations/${mail}/test`, cookie);
  await deliver();
  const { id: token } = await ask<{ id: string }>("POST", "/api/v1/default/tokens", { ...cookie, "content-type": "application/json" }, JSON.stringify({ name: "old", scopes: ["read"] }));

  const form = new FormData();
  form.set("upload_file_minidump", new Blob([new Uint8Array(readFileSync(path.join(folder, "crash.dmp")))]), "crash.dmp");
  const dumped = await (await fetch(`${server.url}/api/default/minidump/?sentry_key=${server.ingestKey}`, { method: "POST", body: form })).text();

  Object.assign(environment, {
    PATH: await installPrograms(),
    HOME: folder,
    DEADAIR_URL: server.url,
    DEADAIR_KEY: server.ingestKey,
    DEADAIR_TOKEN: server.symbolToken,
    DEADAIR_READ_TOKEN: server.readToken,
    CRASH: crash,
    DUMPED_CRASH: dumped,
    GROUP: group,
    DESTINATION: destination,
    DELIVERY: delivery,
    TOKEN_ID: token,
    SIGN_IN_LINK: `${server.url}/sign-in?token=${await newSignInToken(db, settings.limits)}`,
  });
}

// curl as the examples write it, but its answer goes to a file and its status to stdout.
const curlPrelude = `set -eu\ncurl() { command curl --silent --show-error --noproxy '*' --max-time 25 --output answer --write-out '%{http_code}' "$@"; }\n`;

describe.skipIf(curlGone !== null)("the examples in", () => {
  beforeAll(async () => {
    writeFiles();
    await prepare();
  }, 120_000);
  afterAll(() => receiver?.close());

  describe.each(Object.entries(documents))("%s", (file, { blocks }) => {
    const answering = blocks.flatMap((block) => {
      const status = /^# answers (\d{3})\n/.exec(block.text)?.[1];
      return block.language === "sh" && status !== undefined ? [{ block, status, name: block.text.split("\n")[1]?.slice(0, 90) }] : [];
    });
    it.each(answering)("line $block.line answers $status: $name", async ({ block, status }) => {
      rmSync(path.join(folder, "answer"), { force: true });
      const ending = await runClean("/bin/sh", ["-c", curlPrelude + block.text], { cwd: folder, env: environment });
      const answer = existsSync(path.join(folder, "answer")) ? readFileSync(path.join(folder, "answer"), "utf8") : "";
      expect([ending.stdout, ending.stderr], answer.slice(0, 500)).toEqual([status, ""]);
      if (block.answer?.language === "json") expect(shapeDifference(JSON.parse(block.answer.text), JSON.parse(answer))).toEqual([]);
      if (block.answer?.language === "text") expect(withoutIds(answer.trimEnd())).toBe(withoutIds(block.answer.text.trimEnd()));
    });

    const exiting = blocks.flatMap((block) => {
      const code = /^# exits (\d+)\n/.exec(block.text)?.[1];
      return block.language === "sh" && code !== undefined ? [{ block, code: Number(code), name: block.text.split("\n")[1]?.slice(0, 90) }] : [];
    });
    const isBreakpads = (block: Block) => /^(minidump|sym)_upload/m.test(block.text);
    for (const { block, code, name } of exiting) {
      it.skipIf(isBreakpads(block) && breakpadMissing() !== null)(`line ${block.line} exits ${code}: ${name}`, async () => {
        const ending = await runClean("/bin/sh", ["-ec", block.text], { cwd: folder, env: environment });
        expect(ending.exitCode, ending.stdout + ending.stderr).toBe(code);
      });
    }

    it(`has examples to run (${file})`, () => {
      expect(answering.length + exiting.length).toBeGreaterThan(5);
    });
  });

  it("docs/api.md show a webhook as one arrives", () => {
    const [received] = receiver.received;
    expect(received?.signature).toBe("valid");
    const written = blockFor("webhook.json").text;
    expect(shapeDifference(JSON.parse(written), JSON.parse(received?.text ?? "null"))).toEqual([]);
    for (const [, header = ""] of api.text.matchAll(/^\| `([\w-]+)` \| .*$/gm)) {
      if (/^(webhook-|Content-Type|User-Agent)/.test(header)) expect(received?.headers, header).toHaveProperty(header.toLowerCase());
    }
  });

  it("docs/api.md check a webhook's signature in JavaScript", async () => {
    const { verify } = (await import(pathToFileURL(path.join(folder, "verify.mjs")).href)) as { verify: (secret: string, headers: Received["headers"], body: string) => boolean };
    expect(signatureCases().map(({ headers, body, key }) => verify(key, headers, body))).toEqual([true, true, false, false, false]);
  });

  it.skipIf(spawnSync("python3", ["--version"]).status !== 0)("docs/api.md check a webhook's signature in Python", () => {
    const call = "import json, sys\nfrom verify import verify\nprint(json.dumps([verify(c['key'], c['headers'], c['body'].encode()) for c in json.load(sys.stdin)]))";
    const printed = execFileSync("python3", ["-c", call], { cwd: folder, input: JSON.stringify(signatureCases()), encoding: "utf8" });
    expect(JSON.parse(printed)).toEqual([true, true, false, false, false]);
  });

  it.skipIf(spawnSync("g++", ["--version"]).status !== 0)("docs/clients.md use fixtures/client/crashpad_client.h so that it compiles", () => {
    const compiled = spawnSync("g++", ["-std=c++17", "-Wall", "-Werror", "-fsyntax-only", "-I", path.join(root, "fixtures/client"), path.join(folder, "crashpad_client_use.cpp")], { encoding: "utf8" });
    expect([compiled.status, compiled.stderr]).toEqual([0, ""]);
  });

  /** A request that arrived; the same under two signatures; a changed body; another secret; one that was right an hour ago. */
  function signatureCases(): { key: string; headers: { [name: string]: string }; body: string }[] {
    const [received] = receiver.received;
    if (received === undefined) throw new Error("no webhook arrived");
    const headers = Object.fromEntries(["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) => [name, String(received.headers[name])]));
    const right = { key: secret, headers, body: received.text };
    const old = Number(headers["webhook-timestamp"]) - 3600;
    return [
      right,
      { ...right, headers: { ...headers, "webhook-signature": `v1,AAAA ${headers["webhook-signature"]}` } },
      { ...right, body: `${received.text} ` },
      { ...right, key: `whsec_${Buffer.alloc(32, 8).toString("base64")}` },
      { ...right, headers: { ...headers, "webhook-timestamp": String(old), "webhook-signature": signatureOf(secret, headers["webhook-id"] ?? "", old, received.text) ?? "" } },
    ];
  }
});

function blockFor(file: string): Block {
  const block = api.blocks.find((one) => one.file === file);
  if (block === undefined) throw new Error(`docs/api.md has no block for ${file}`);
  return block;
}

function withoutIds(text: string): string {
  return text.replaceAll(/[0-9A-Fa-f-]{32,}/g, "ID");
}

/** Objects whose keys are data. */
const free = /\.(annotations|facets)$/;

/** Where two values differ in shape: keys, and kinds of values. Null stands for anything; of arrays the first elements are compared. */
function shapeDifference(written: unknown, real: unknown, at = "answer"): string[] {
  if (written === null || real === null) return [];
  if (Array.isArray(written) && Array.isArray(real)) return written.length > 0 && real.length > 0 ? shapeDifference(written[0], real[0], `${at}[0]`) : [];
  const kinds = [written, real].map((value) => (Array.isArray(value) ? "array" : typeof value));
  if (kinds[0] !== kinds[1]) return [`${at} is ${kinds[0]} in the document and ${kinds[1]} in the answer`];
  if (kinds[0] !== "object" || free.test(at)) return [];
  const [ours, theirs] = [written, real] as [{ [key: string]: unknown }, { [key: string]: unknown }];
  const differences: string[] = [];
  for (const key of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    if (!(key in theirs)) differences.push(`${at}.${key} is not in the answer`);
    else if (!(key in ours)) differences.push(`${at}.${key} is not in the document`);
    else differences.push(...shapeDifference(ours[key], theirs[key], `${at}.${key}`));
  }
  return differences;
}

describe("these tests can fail:", () => {
  it("a key too many, a key too few, another kind of value, however deep", () => {
    expect(shapeDifference({ a: 1, b: [{ c: "" }] }, { b: [{ c: 1, d: 2 }] })).toEqual(["answer.a is not in the answer", "answer.b[0].c is string in the document and number in the answer", "answer.b[0].d is not in the document"]);
  });
  it("a null or an empty list says nothing of the shape", () => {
    expect(shapeDifference({ a: null, b: [] }, { a: { x: 1 }, b: [1] })).toEqual([]);
  });
  it("an answer stands right after its example, not after a sentence", () => {
    const answered = api.blocks.filter((block) => block.answer !== undefined && block.language === "sh");
    expect(answered.length).toBeGreaterThan(15);
    expect(answered.every((block) => block.text.startsWith("# answers "))).toBe(true);
  });
});
