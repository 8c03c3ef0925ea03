// The contract of the blob stores, held by the folder and by S3; then what only
// one of them does, and the spool that both are fed from.
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BlobStore, keepBytes } from "../../storage/blobs/blobs.ts";
import { openFolderBlobs } from "../../storage/blobs/folder.ts";
import { openS3Blobs } from "../../storage/blobs/s3.ts";
import { openSpool, type Spool } from "../../storage/blobs/spool.ts";
import { endEverything, testFolder } from "../support/child-processes.ts";
import { freePort } from "../support/free-port.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";

let s3: S3Server;
let buckets = 0;
beforeAll(async () => {
  s3 = await startS3Server();
});
afterAll(async () => {
  await s3.close();
  await endEverything();
});

const absent = "0".repeat(64);
const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");

/** An empty store, a second look at it by another process, and a spool. */
function open(kind: "folder" | "s3"): { store: BlobStore; elsewhere: BlobStore; spool: Spool; folder: string } {
  const folder = testFolder();
  const spool = openSpool(path.join(folder, "spool"));
  if (kind === "folder") {
    const root = path.join(folder, "blobs");
    return { store: openFolderBlobs(root), elsewhere: openFolderBlobs(root), spool, folder };
  }
  const url = s3.bucket(`contract-${buckets++}`);
  return { store: openS3Blobs(url, path.join(folder, "cache")), elsewhere: openS3Blobs(url, path.join(folder, "cache-elsewhere")), spool, folder };
}

for (const kind of ["folder", "s3"] as const) {
  describe(`blobs in ${kind}`, () => {
    test("what is kept is found by its hash, here and elsewhere", async () => {
      const { store, elsewhere, spool } = open(kind);
      expect(store.kind).toBe(kind);
      const bytes = Buffer.from("MDMP and then some");
      const name = await keepBytes(spool, store, bytes);
      expect(name).toBe(sha256(bytes));
      for (const one of [store, elsewhere, elsewhere]) {
        const file = await one.path(name);
        expect(file).not.toBeNull();
        expect(await readFile(file!)).toEqual(bytes);
      }
    });

    test("an empty blob is a blob", async () => {
      const { store, elsewhere, spool } = open(kind);
      const name = await keepBytes(spool, store, new Uint8Array());
      const file = await elsewhere.path(name);
      expect(statSync(file!).size).toBe(0);
    });

    test("the spool is empty once a blob is kept, and discarding it then does nothing", async () => {
      const { store, spool } = open(kind);
      const file = await spool.write(Buffer.from("moved"));
      await store.keep(file);
      expect(readdirSync(spool.dir)).toEqual([]);
      await file.discard();
      expect(await store.path(file.sha256)).not.toBeNull();
    });

    test("a missing blob is null, and removing it is no error", async () => {
      const { store } = open(kind);
      expect(await store.path(absent)).toBeNull();
      await store.remove(absent);
    });

    test("the same content twice is one blob", async () => {
      const { store, spool } = open(kind);
      const first = await keepBytes(spool, store, Buffer.from("twice"));
      const second = await keepBytes(spool, store, Buffer.from("twice"));
      expect(second).toBe(first);
      expect(await store.list("", 10)).toEqual([first]);
      expect(readdirSync(spool.dir)).toEqual([]);
    });

    test("twenty at once with the same content leave one whole blob", async () => {
      const { store, elsewhere, spool } = open(kind);
      const bytes = randomBytes(300_000);
      const names = await Promise.all(Array.from({ length: 20 }, (_, i) => keepBytes(spool, i % 2 === 0 ? store : elsewhere, bytes)));
      expect(new Set(names)).toEqual(new Set([sha256(bytes)]));
      expect(await store.list("", 10)).toEqual([sha256(bytes)]);
      for (const one of [store, elsewhere]) expect(sha256(await readFile((await one.path(names[0]!))!))).toBe(names[0]);
      expect(readdirSync(spool.dir)).toEqual([]);
    });

    test("twenty readers at once of a blob that is not here yet", async () => {
      const { store, elsewhere, spool } = open(kind);
      const bytes = randomBytes(500_000);
      const name = await keepBytes(spool, store, bytes);
      const files = await Promise.all(Array.from({ length: 20 }, () => elsewhere.path(name)));
      for (const file of files) expect(sha256(await readFile(file!))).toBe(name);
    });

    // fauxqs takes at most 11 MB; bigger ones go to a server of our own below.
    const megabytes = kind === "s3" ? 10 : 20;
    test(`${megabytes} MB go in and come out`, { timeout: 120_000 }, async () => {
      const { store, elsewhere, spool } = open(kind);
      const bytes = Buffer.alloc(megabytes * 1024 * 1024, randomBytes(4096));
      const name = await keepBytes(spool, store, bytes);
      expect(sha256(readFileSync((await elsewhere.path(name))!))).toBe(sha256(bytes));
    });

    test("removed, it is gone, and can be kept again", async () => {
      const { store, elsewhere, spool } = open(kind);
      const name = await keepBytes(spool, store, Buffer.from("gone"));
      await store.remove(name);
      expect(await store.path(name)).toBeNull();
      expect(await elsewhere.path(name)).toBeNull();
      expect(await store.list("", 10)).toEqual([]);
      await store.remove(name);
      await keepBytes(spool, store, Buffer.from("gone"));
      expect(await elsewhere.path(name)).not.toBeNull();
    });

    test("list gives every name once, in order, page by page", { timeout: 60_000 }, async () => {
      const { store, spool } = open(kind);
      const names: string[] = [];
      for (let i = 0; i < 45; i++) names.push(await keepBytes(spool, store, Buffer.from(`blob ${i}`)));
      names.sort();
      for (const limit of [1, 7, 45, 100]) {
        const listed: string[] = [];
        for (let cursor = ""; ; ) {
          const page = await store.list(cursor, limit);
          expect(page.length).toBeLessThanOrEqual(limit);
          listed.push(...page);
          if (page.length < limit) break;
          cursor = page.at(-1)!;
        }
        expect(listed).toEqual(names);
      }
      expect(await store.list(names.at(-1)!, 10)).toEqual([]);
    });

    test("a cursor whose own blob was removed meanwhile still goes on after it", async () => {
      const { store, spool } = open(kind);
      const names = (await Promise.all(["a", "b", "c"].map((text) => keepBytes(spool, store, Buffer.from(text))))).sort();
      await store.remove(names[1]!);
      expect(await store.list(names[1]!, 10)).toEqual([names[2]]);
    });

    for (const name of ["", "abc", `${absent}0`, "../".repeat(20), "A".repeat(64), `${"0".repeat(63)}/`, `${"0".repeat(63)}\n`]) {
      test(`the name ${JSON.stringify(name)} is a bug and throws`, async () => {
        const { store } = open(kind);
        await expect(store.path(name)).rejects.toThrow("not a blob name");
        await expect(store.remove(name)).rejects.toThrow("not a blob name");
      });
    }
  });
}

describe("S3 alone", () => {
  test("a bucket that is not there is an error, never a missing blob", async () => {
    const folder = testFolder();
    const store = openS3Blobs(s3.url("nobody-made-this"), path.join(folder, "cache"));
    await expect(keepBytes(openSpool(path.join(folder, "spool")), store, Buffer.from("x"))).rejects.toThrow(/S3|bucket/);
    // A crash whose dump "is not there" fails for good; one whose store is away is tried again.
    await expect(store.path(absent)).rejects.toThrow(/S3|bucket/);
    await expect(store.list("", 10)).rejects.toThrow(/S3|bucket/);
  });

  test("credentials that are refused are an error that says what was asked, without the secret", async () => {
    const seen: string[] = [];
    const server = http.createServer((request, response) => {
      request.resume();
      seen.push(String(request.headers.authorization));
      response.writeHead(403, { "content-type": "application/xml" }).end("<Error><Code>SignatureDoesNotMatch</Code></Error>");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const folder = testFolder();
    const store = openS3Blobs(`s3://WRONG:hidden-secret@127.0.0.1:${(server.address() as AddressInfo).port}/bucket?tls=false`, path.join(folder, "cache"));
    try {
      for (const work of [() => keepBytes(openSpool(path.join(folder, "spool")), store, Buffer.from("x")), () => store.path(absent), () => store.remove(absent), () => store.list("", 1)]) {
        const error = await work().then(() => undefined, (caught: unknown) => caught as Error);
        expect(error?.message).toMatch(/S3 answered 403/);
        expect(error?.message).not.toContain("hidden-secret");
      }
      expect(seen[0]).toMatch(/^AWS4-HMAC-SHA256 Credential=WRONG\//);
    } finally {
      server.close();
    }
  });

  test("a host that is away is an error, and a file that could not be kept stays on the spool", async () => {
    const folder = testFolder();
    const store = openS3Blobs(`s3://KEY:SECRET@127.0.0.1:${await freePort()}/bucket?tls=false`, path.join(folder, "cache"));
    const file = await openSpool(path.join(folder, "spool")).write(Buffer.from("kept for another try"));
    await expect(store.keep(file)).rejects.toThrow();
    expect(existsSync(file.path)).toBe(true);
    await expect(store.path(absent)).rejects.toThrow();
  });

  test("64 MB are streamed up and down, with their length and their hash", { timeout: 120_000 }, async () => {
    let kept = Buffer.alloc(0);
    let told: http.IncomingHttpHeaders = {};
    const server = http.createServer(async (request, response) => {
      if (request.method !== "PUT") return void response.writeHead(200, { "content-length": kept.length }).end(kept);
      told = request.headers;
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      kept = Buffer.concat(chunks);
      response.writeHead(200).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const folder = testFolder();
    const url = `s3://K:S@127.0.0.1:${(server.address() as AddressInfo).port}/bucket?tls=false`;
    try {
      const bytes = Buffer.alloc(64 * 1024 * 1024, randomBytes(4096));
      const name = await keepBytes(openSpool(path.join(folder, "spool")), openS3Blobs(url, path.join(folder, "cache")), bytes);
      expect({ length: Number(told["content-length"]), hash: told["x-amz-content-sha256"], kept: sha256(kept) }).toEqual({ length: bytes.length, hash: name, kept: name });
      const file = await openS3Blobs(url, path.join(folder, "cache-elsewhere")).path(name);
      expect(sha256(readFileSync(file!))).toBe(name);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test("a download that breaks off leaves nothing that looks like the blob", async () => {
    let answers = 0;
    const server = http.createServer((_request, response) => {
      answers++;
      response.writeHead(200, { "content-length": "1000" });
      response.write("half");
      setTimeout(() => response.destroy(), 50);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const cache = path.join(testFolder(), "cache");
    const store = openS3Blobs(`s3://K:S@127.0.0.1:${(server.address() as AddressInfo).port}/bucket?tls=false`, cache);
    try {
      await expect(store.path(absent)).rejects.toThrow();
      expect(answers).toBeGreaterThan(0);
      expect(readdirSync(cache)).toEqual([]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test("prune removes the copies used longest ago, and the blobs stay", async () => {
    const folder = testFolder();
    const cache = path.join(folder, "cache");
    const store = openS3Blobs(s3.bucket(`prune-${buckets++}`), cache);
    const spool = openSpool(path.join(folder, "spool"));
    const names: string[] = [];
    for (let i = 0; i < 4; i++) {
      const name = await keepBytes(spool, store, Buffer.alloc(1000, i));
      names.push(name);
      utimesSync(path.join(cache, name), new Date(), new Date(Date.now() - (10 - i) * 60_000));
    }
    // Looking at the oldest makes it the newest.
    await store.path(names[0]!);
    await store.prune(2500);
    expect(readdirSync(cache).sort()).toEqual([names[0], names[3]].sort());
    await store.prune(0);
    expect(readdirSync(cache)).toEqual([]);
    for (const name of names) expect(statSync((await store.path(name))!).size).toBe(1000);
    await store.prune(1e9);
    expect(readdirSync(cache)).toHaveLength(4);
  });

  for (const address of ["", "nonsense", "s3://", "s3://host/bucket", "s3://KEY@host/bucket", "s3://:SECRET@host/bucket", "s3://KEY:SECRET@host", "s3://KEY:SECRET@host/", "s3://KEY:SECRET@host/a/b", "http://KEY:SECRET@host/bucket", "s3://KEY:SEC/RET@host/bucket", "s3://KEY:SECRET%zz@host/bucket"]) {
    test(`BLOB_URL ${JSON.stringify(address)} is refused with a sentence`, () => {
      expect(() => openS3Blobs(address, path.join(testFolder(), "cache"))).toThrow(/^BLOB_URL must look like s3:\/\//);
    });
  }

  test("a secret with special characters, percent-encoded, signs as itself", async () => {
    const folder = testFolder();
    const url = s3.bucket(`special-${buckets++}`).replace("SECRET", encodeURIComponent("a/b+c=d@e:f"));
    const store = openS3Blobs(`${url}&region=eu-central-1`, path.join(folder, "cache"));
    const name = await keepBytes(openSpool(path.join(folder, "spool")), store, Buffer.from("special"));
    expect(await store.list("", 5)).toEqual([name]);
  });
});

describe("folder alone", () => {
  test("foreign files in the folder are not listed", async () => {
    const root = path.join(testFolder(), "blobs");
    const store = openFolderBlobs(root);
    writeFileSync(path.join(root, "00", ".DS_Store"), "x");
    writeFileSync(path.join(root, "00", `${absent}.part`), "x");
    mkdirSync(path.join(root, "lost+found"));
    expect(await store.list("", 10)).toEqual([]);
  });

  test("keeping a blob again mends one that a broken disk damaged", async () => {
    const folder = testFolder();
    const store = openFolderBlobs(path.join(folder, "blobs"));
    const spool = openSpool(path.join(folder, "spool"));
    const name = await keepBytes(spool, store, Buffer.from("whole"));
    writeFileSync((await store.path(name))!, "who");
    await keepBytes(spool, store, Buffer.from("whole"));
    expect(readFileSync((await store.path(name))!, "utf8")).toBe("whole");
  });
});

describe("the spool", () => {
  test("bytes are hashed and counted as they stream", async () => {
    const spool = openSpool(path.join(testFolder(), "spool"));
    const writer = await spool.open();
    await writer.write(Buffer.from("first "));
    expect(writer.bytes).toBe(6);
    await writer.write(Buffer.from("second"));
    const file = await writer.finish();
    expect({ bytes: file.bytes, sha256: file.sha256, text: readFileSync(file.path, "utf8") }).toEqual({ bytes: 12, sha256: sha256("first second"), text: "first second" });
    expect(statSync(file.path).mode & 0o077).toBe(0);
    await file.discard();
    await file.discard();
    expect(readdirSync(spool.dir)).toEqual([]);
  });

  test("abort removes the file, at any time and twice", async () => {
    const spool = openSpool(path.join(testFolder(), "spool"));
    const started = await spool.open();
    await started.write(Buffer.from("x"));
    await started.abort();
    await started.abort();
    const finished = await spool.open();
    await finished.finish();
    await finished.abort();
    expect(readdirSync(spool.dir)).toEqual([]);
  });

  test("clean removes what a dead process left, uploads and walks, and nothing young or foreign", async () => {
    const spool = openSpool(path.join(testFolder(), "spool"));
    const young = await spool.write(Buffer.from("young"));
    const old = await spool.write(Buffer.from("old"));
    // A walk that was killed leaves its work folder, with links to symbol files in it.
    for (const name of ["walk-old", "walk-young"]) {
      mkdirSync(path.join(spool.dir, name, "symbols", "a.pdb"), { recursive: true });
      writeFileSync(path.join(spool.dir, name, "symbols", "a.pdb", "a.sym"), "");
    }
    writeFileSync(path.join(spool.dir, "README"), "somebody's");
    const longAgo = new Date(Date.now() - 7200_000);
    for (const name of [path.basename(old.path), "walk-old", "README"]) utimesSync(path.join(spool.dir, name), longAgo, longAgo);
    expect(spool.clean(3600_000)).toBe(2);
    expect(readdirSync(spool.dir).sort()).toEqual(["README", "walk-young", path.basename(young.path)].sort());
  });
});
