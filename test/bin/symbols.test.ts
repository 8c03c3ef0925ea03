import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { symbols } from "../../bin/commands/symbols.ts";
import { type Answer, type Received, fakeServer, fakeTerminal, json } from "./fake-server.ts";

const guid = "4C4C44205044422E443ED91900000000";
const sym = (age: string, name = "VaultSynth.pdb", more = "FUNC 1000 10 0 f\n") => `MODULE windows x86_64 ${guid}${age} ${name}\n${more}`;

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "deadair-upload-"));
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

async function put(name: string, content: string | Uint8Array): Promise<string> {
  const at = path.join(folder, name);
  await mkdir(path.dirname(at), { recursive: true });
  await writeFile(at, content);
  return at;
}

type Asked = { symbols: { debug_file: string; debug_id: string; sha256: string }[] };
const isCheck = (request: Received) => request.url.endsWith("/symbols/check");

/** A server that lacks everything, or has what `state` says. */
function deadair(state: (id: string) => string = () => "missing", upload: Answer = (_, response) => json(response, 201, { id: "1" })): Answer {
  return (request, response) => {
    if (!isCheck(request)) return upload(request, response);
    const asked = JSON.parse(request.body.toString()) as Asked;
    json(response, 200, { symbols: asked.symbols.map(({ debug_file, debug_id }) => ({ debug_file, debug_id, state: state(debug_id) })) });
  };
}

async function run(answer: Answer, ...args: string[]) {
  const server = await fakeServer(answer);
  const terminal = fakeTerminal({ DEADAIR_URL: server.url, DEADAIR_TOKEN: "secret" });
  const code = await symbols(["upload", ...args], terminal);
  return { code, out: terminal.outLines.join("\n"), err: terminal.errLines.join("\n"), uploads: server.received.filter((request) => !isCheck(request)), checks: server.received.filter(isCheck) };
}

describe("what is uploaded", () => {
  test("files are found by content, in folders, in each compression, and once", async () => {
    await put("a/one.sym", sym("1"));
    await put("a/b/odd-name.txt", sym("2"));
    await put("a/three.sym.gz", gzipSync(sym("3")));
    await put("a/four.sym.zst", zstdCompressSync(Buffer.from(sym("4"))));
    await put("a/notes.md", "MODULES are listed here");
    await put("a/archive.tar.gz", gzipSync("no symbols"));
    await symlink(folder, path.join(folder, "a", "loop"));
    await symlink(path.join(folder, "gone"), path.join(folder, "a", "dangling"));
    const { code, out, uploads, checks } = await run(deadair(), folder, path.join(folder, "a", "one.sym"));
    expect(code).toBe(0);
    expect(uploads.map(({ body }) => body.toString()).sort()).toEqual([sym("1"), sym("2"), sym("3"), sym("4")]);
    expect(uploads.every(({ headers, url, method }) => method === "POST" && url === "/api/v1/default/symbols" && headers.authorization === "Bearer secret" && headers["content-encoding"] === "gzip" && headers["content-type"] === "application/octet-stream")).toBe(true);
    expect(checks).toHaveLength(1);
    const asked = JSON.parse(checks[0]!.body.toString()) as Asked;
    expect(asked.symbols).toContainEqual({ kind: "breakpad", debug_file: "VaultSynth.pdb", debug_id: `${guid}3`, sha256: createHash("sha256").update(sym("3")).digest("hex") });
    expect(out).toMatch(/^uploaded +4 files, /);
  });

  test("what the server has is not sent, what differs is", async () => {
    await put("1.sym", sym("1"));
    await put("2.sym", sym("2"));
    await put("3.sym", sym("3"));
    const state = (id: string) => (id.endsWith("1") ? "have" : id.endsWith("2") ? "different" : "missing");
    const { code, out, uploads } = await run(deadair(state), folder);
    expect([code, uploads.length]).toEqual([0, 2]);
    expect(out).toMatch(/uploaded +2 files.*\nalready there +1 file/);
  });

  test("--force asks nothing and sends everything; 200 says it was there", async () => {
    await put("1.sym", sym("1"));
    const { code, out, uploads, checks } = await run(deadair(() => "have", (_, response) => json(response, 200, { id: "1" })), "--force", folder);
    expect([code, uploads.length, checks.length]).toEqual([0, 1, 0]);
    expect(out).toContain("already there  1 file");
  });

  test("a thousand are asked about at a time", async () => {
    for (let i = 0; i < 1001; i++) await put(`${i}.sym`, sym((i + 1).toString(16)));
    const { code, checks, uploads } = await run(deadair(() => "have"), folder);
    expect([code, uploads.length]).toEqual([0, 0]);
    expect(checks.map(({ body }) => (JSON.parse(body.toString()) as Asked).symbols.length)).toEqual([1000, 1]);
  });

  test("two are under way at once, never more", async () => {
    for (let i = 1; i < 8; i++) await put(`${i}.sym`, sym(String(i)));
    let open = 0;
    let most = 0;
    const upload: Answer = (_, response) => {
      most = Math.max(most, ++open);
      setTimeout(() => {
        open--;
        json(response, 201, {});
      }, 20);
    };
    const { code } = await run(deadair(undefined, upload), folder);
    expect([code, most]).toEqual([0, 2]);
  });

  test("copies of one file are sent once; two files with one id are a mistake", async () => {
    await put("a.sym", sym("1"));
    await put("b.sym", sym("1"));
    await put("c.sym", sym("1", "VaultSynth.pdb", "FUNC 9000 10 0 other\n"));
    const { code, out, uploads } = await run(deadair(), folder);
    expect([code, uploads.length]).toEqual([1, 1]);
    expect(out).toContain("It has the same debug id as");
  });
});

describe("what is not uploaded", () => {
  test("other kinds are named with what to do, without failing", async () => {
    await put("1.sym", sym("1"));
    await put("Vault.pdb", "Microsoft C/C++ program database 2.00\r\n");
    await put("Managed.pdb", "BSJB\x01\0\x01\0");
    for (let i = 0; i < 5; i++) await put(`Vault ${i}.pdb`, "Microsoft MSFZ Container");
    await put("Vault.dSYM/Contents/Info.plist", "<?xml");
    await put("Vault.dSYM.zip", "PK\x03\x04");
    const { code, out } = await run(deadair(), folder);
    expect(code).toBe(0);
    expect(out).toContain("1 file of another kind (a PDB of Visual C++ 6 or older)");
    expect(out).toContain("1 file of another kind (a portable PDB of .NET)");
    expect(out).toContain("5 files of another kind (a PDB in Microsoft's compressed container");
    expect(out).toContain("and 2 more");
    expect(out).toContain("1 file of another kind (a dSYM in a zip archive)");
    expect(out).toContain("Unpack it, and upload the folder.");
    expect(out).not.toContain("warning");
  });

  test("nothing but other kinds is a failure", async () => {
    await put("Vault.pdb", "BSJB\x01\0\x01\0");
    const { code, out, checks } = await run(deadair(), folder);
    expect([code, checks.length]).toEqual([1, 0]);
    expect(out).toContain("Nothing was uploaded");
  });

  test.each([
    // A .sym written by PowerShell.
    ["a.sym", Buffer.from(`\ufeff${sym("1")}`, "utf16le"), "UTF-16"],
    // The step before it failed.
    ["a.sym", "", "It is empty."],
    // The linker was killed.
    ["a.pdb", "Microsoft C/C++ MSF 7.00\r\n", "a PDB that was cut off"],
    // The disk was full.
    ["a.sym", sym("1", "V.pdb", "FUNC 1000 1"), "ends in the middle of a record"],
    // Cut off in the first bytes, and far behind them.
    ["a.sym.gz", gzipSync(sym("1").repeat(500)).subarray(0, 60), "its gzip data is damaged"],
    ["a.sym.gz", gzipSync(sym("1") + Array.from({ length: 20_000 }, (_, i) => `FUNC ${i.toString(16)} 1 0 f${i * 7919}\n`).join("")).subarray(0, -2000), "cannot be read to its end"],
    ["a.sym.gz", gzipSync("").subarray(0, 5), "its gzip data is damaged"],
    // A hostile name.
    ["a.sym", sym("1", ".."), "cannot be used"],
  ])("a bad %s fails: %#", async (name, content, expected) => {
    await put("good.sym", sym("2"));
    await put(name, content);
    const { code, out, uploads } = await run(deadair(), folder);
    expect([code, uploads.length]).toEqual([1, 1]);
    expect(out).toContain(expected);
  });

  test("a path that is not there fails", async () => {
    await put("good.sym", sym("2"));
    const { code, out } = await run(deadair(), folder, path.join(folder, "nowhere"));
    expect(code).toBe(1);
    expect(out).toContain("nowhere");
  });

  test("a folder that may not be read fails", async () => {
    await put("good.sym", sym("2"));
    await put("closed/a.sym", sym("3"));
    await chmod(folder, 0o755);
    await chmod(path.join(folder, "closed"), 0);
    const { code, out } = await asNobody(() => run(deadair(), folder));
    await chmod(path.join(folder, "closed"), 0o700);
    expect(code).toBe(1);
    expect(out).toContain("EACCES");
  });
});

describe("a server in trouble", () => {
  test("503 twice, then it works, with the whole body each time", async () => {
    await put("1.sym", sym("1"));
    let times = 0;
    const { code, err, uploads } = await run(deadair(undefined, (_, response) => (++times < 3 ? json(response, 503, {}) : json(response, 201, {}))), folder);
    expect([code, uploads.length]).toEqual([0, 3]);
    expect(uploads.map(({ body }) => body.toString())).toEqual([sym("1"), sym("1"), sym("1")]);
    expect(err).toContain("the server answered 503; trying again");
  });

  test("429 is waited out for as long as it says", async () => {
    await put("1.sym", sym("1"));
    let times = 0;
    const started = performance.now();
    const { code } = await run(deadair(undefined, (_, response) => (++times < 2 ? json(response, 429, {}, { "retry-after": "1" }) : json(response, 201, {}))), folder);
    expect(code).toBe(0);
    expect(performance.now() - started).toBeGreaterThan(990);
  });

  test("503 for good fails after five tries", async () => {
    await put("1.sym", sym("1"));
    const { code, out, uploads } = await run(deadair(undefined, (_, response) => json(response, 503, { error: "down", message: "The disk is full.", hint: "Ask the operator." })), folder);
    expect([code, uploads.length]).toEqual([1, 5]);
    expect(out).toContain("The disk is full.\n    Ask the operator. (down, HTTP 503)");
  });

  test("a refusal is printed whole and not repeated, and nothing it says reaches the terminal's controls", async () => {
    await put("1.sym", sym("1"));
    const { code, out, uploads } = await run(deadair(undefined, (_, response) => json(response, 422, { error: "bad", message: "No \u001b[31mgood.", hint: "Do better." })), folder);
    expect([code, uploads.length]).toEqual([1, 1]);
    expect(out).toContain("No \ufffd[31mgood.\n    Do better. (bad, HTTP 422)");
  });

  test("401 at the first question ends it", async () => {
    await put("1.sym", sym("1"));
    await put("2.sym", sym("2"));
    const { code, out, uploads, checks } = await run((_, response) => json(response, 401, { error: "bad_token", message: "The token is not known.", hint: "Make one in the project's settings." }), folder);
    expect([code, uploads.length, checks.length]).toEqual([1, 0, 1]);
    expect(out).toContain("The token is not known.");
    expect(out).not.toContain("secret");
  });

  test("an answer that is no Deadair's is a failure, not a crash", async () => {
    await put("1.sym", sym("1"));
    const { code, out } = await run((_, response) => response.writeHead(200).end("<html>Welcome to nginx</html>"), folder);
    expect(code).toBe(1);
    expect(out).toContain("The server answered 200: <html>Welcome to nginx</html>");
  });

  test("silence is given up on", async () => {
    await put("1.sym", sym("1"));
    const { code, out } = await run(() => {}, "--timeout", "0.05", folder);
    expect(code).toBe(1);
    expect(out).toContain("nothing was heard for 0.05 s");
  });

  test("a connection that breaks is tried again", async () => {
    await put("1.sym", sym("1"));
    let times = 0;
    const { code } = await run(deadair(undefined, (_, response) => (++times < 2 ? response.destroy() : json(response, 201, {}))), folder);
    expect([code, times]).toEqual([0, 2]);
  });

  test("nobody there", async () => {
    await put("1.sym", sym("1"));
    const terminal = fakeTerminal({ DEADAIR_TOKEN: "secret" });
    expect(await symbols(["upload", "--url", "http://127.0.0.1:1", folder], terminal)).toBe(1);
    expect(terminal.outLines.join("\n")).toContain("cannot be reached: connect ECONNREFUSED");
  });
});

describe("the command line", () => {
  test("--json prints a summary that programs can read, and nothing else on the same stream", async () => {
    await put("1.sym", sym("1"));
    await put("2.sym", "");
    await put("Vault.pdb", "BSJB\x01\0\x01\0");
    const { code, out } = await run(deadair(), "--json", "--project", "vault synth", folder);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      uploaded: [{ path: path.join(folder, "1.sym"), debug_file: "VaultSynth.pdb", debug_id: `${guid}1` }],
      present: [],
      failed: [{ path: path.join(folder, "2.sym") }],
      lacking: [],
      warnings: [],
      not_taken: [{ kind: "portable_pdb" }],
    });
  });

  test("flags win over the environment, and the project is part of the address", async () => {
    await put("1.sym", sym("1"));
    const server = await fakeServer(deadair());
    const terminal = fakeTerminal({ DEADAIR_URL: "http://127.0.0.1:1", DEADAIR_TOKEN: "old", DEADAIR_PROJECT: "a/b" });
    expect(await symbols(["upload", "--url", `${server.url}/prefix/`, "--token", "new", folder], terminal)).toBe(0);
    expect(server.received[0]).toMatchObject({ url: "/prefix/api/v1/a%2Fb/symbols/check", headers: { authorization: "Bearer new" } });
  });

  test.each([
    [[], "Say what to do"],
    [["check"], 'There is no "deadair symbols check"'],
    [["upload", "--url", "http://x", "--token", "t"], "at least one file"],
    [["upload", "--token", "t", "a"], "Say which server"],
    [["upload", "--url", "x:y", "--token", "t", "a"], "not an http address"],
    [["upload", "--url", "http://x", "a"], "A token is needed"],
    // A line end from a file would end the header.
    [["upload", "--url", "http://x", "--token", "a\nb", "a"], "copied whole"],
    [["upload", "--bogus"], "--bogus"],
    [["upload", "--url", "http://x", "--token", "t", "--timeout", "soon", "a"], "--timeout"],
    [["upload", "--url", "http://x", "--token", "t", "--require", "unwind,names,sources", "a"], "unwind, lines, names, inlines"],
  ])("%j is not understood", async (args, expected) => {
    const terminal = fakeTerminal();
    expect(await symbols(args, terminal)).toBe(2);
    expect(terminal.errLines.join("\n")).toContain(expected);
  });

  test("--help names every flag and variable", async () => {
    const terminal = fakeTerminal();
    expect(await symbols(["upload", "--help"], terminal)).toBe(0);
    for (const word of ["--require", "--url", "--token", "--project", "--force", "--json", "--timeout", "DEADAIR_URL", "DEADAIR_TOKEN", "DEADAIR_PROJECT"]) expect(terminal.outLines.join("\n")).toContain(word);
  });

  test("on a terminal progress is one redrawn line", async () => {
    await put("1.sym", sym("1"));
    const server = await fakeServer(deadair());
    const drawn: string[] = [];
    const terminal = { ...fakeTerminal({ DEADAIR_URL: server.url, DEADAIR_TOKEN: "t" }), redraw: (line: string) => void drawn.push(line) };
    expect(await symbols(["upload", folder], terminal)).toBe(0);
    expect(drawn.at(-1)).toBe("");
    expect(drawn[0]).toMatch(/^0 of 1 files, /);
  });
});

// Root may read everything, so for this long the process is somebody who may not.
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return work();
  process.seteuid!(65_534);
  try {
    return await work();
  } finally {
    process.seteuid!(0);
  }
}
