// Blobs in any S3: <bucket>/blobs/<first two hex digits>/<sha256>.
//
// Readers that need a path get a copy in a local folder. The copies are a cache:
// prune() removes those that were not used for longest, and any may be deleted.
import { createWriteStream, mkdirSync, openAsBlob } from "node:fs";
import { access, readdir, rename, stat, unlink, utimes } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { AwsClient } from "aws4fetch";
import { uuidv7 } from "../uuid.ts";
import { assertBlobName, type BlobStore, BlobStoreAway } from "./blobs.ts";

/** An S3 store also has a cache to keep small. */
export type S3Blobs = BlobStore & {
  /** Removes the copies used longest ago until at most `bytes` are left. */
  prune(bytes: number): Promise<void>;
};

const requestMs = 120_000;

/** Opens a bucket, given as `s3://KEY:SECRET@HOST[:PORT]/BUCKET[?region=R&tls=false]`; throws a sentence when the address is not of that form. */
export function openS3Blobs(address: string, cacheDir: string): S3Blobs {
  const { client, base } = parse(address);
  mkdirSync(cacheDir, { recursive: true, mode: 0o700 });
  const url = (name: string) => {
    assertBlobName(name);
    return `${base}/blobs/${name.slice(0, 2)}/${name}`;
  };
  const send = async (target: string, init: RequestInit) => {
    const response = await client.fetch(target, { ...init, signal: AbortSignal.timeout(requestMs) }).catch((error: unknown) => {
      throw new BlobStoreAway(`S3 cannot be reached at ${new URL(target).host}`, { cause: error });
    });
    if (response.ok || response.status === 404) return response;
    throw new BlobStoreAway(`S3 answered ${response.status} to ${init.method ?? "GET"} ${new URL(target).pathname}: ${(await response.text()).slice(0, 300)}`);
  };
  const cached = (name: string) => {
    assertBlobName(name);
    return path.join(cacheDir, name);
  };

  return {
    kind: "s3",
    async keep(file) {
      const response = await send(url(file.sha256), { method: "PUT", body: await openAsBlob(file.path), headers: { "x-amz-content-sha256": file.sha256, "content-type": "application/octet-stream" } });
      await response.arrayBuffer();
      if (!response.ok) throw new BlobStoreAway(`S3 answered ${response.status} to a PUT: is the bucket of BLOB_URL there?`);
      // What was just uploaded is about to be read here.
      await rename(file.path, cached(file.sha256)).catch(() => file.discard());
    },
    async path(name) {
      const local = cached(name);
      if (await access(local).then(() => true, () => false)) {
        const now = new Date();
        await utimes(local, now, now).catch(() => {});
        return local;
      }
      const response = await send(url(name), {});
      if (response.status === 404 || response.body === null) {
        // Only S3's own word counts: a bucket or a host that is wrong must not make a crash fail for good.
        const answer = await response.text();
        if (answer.includes("<Code>NoSuchKey</Code>")) return null;
        throw new BlobStoreAway(`S3 answered 404 to a GET: is the bucket of BLOB_URL there? ${answer.slice(0, 300)}`);
      }
      const part = `${local}.${uuidv7()}.part`;
      try {
        await pipeline(Readable.fromWeb(response.body as import("node:stream/web").ReadableStream), createWriteStream(part, { flags: "wx", mode: 0o600 }));
        await rename(part, local);
      } catch (error) {
        await unlink(part).catch(() => {});
        throw error;
      }
      return local;
    },
    async remove(name) {
      await (await send(url(name), { method: "DELETE" })).arrayBuffer();
      await unlink(cached(name)).catch(() => {});
    },
    async list(cursor, limit) {
      const after = cursor === "" ? "" : `&start-after=${encodeURIComponent(`blobs/${cursor.slice(0, 2)}/${cursor}`)}`;
      const names: string[] = [];
      let token = "";
      do {
        const response = await send(`${base}?list-type=2&prefix=blobs%2F&max-keys=${Math.min(limit - names.length, 1000)}${after}${token}`, {});
        const xml = await response.text();
        if (!response.ok) throw new BlobStoreAway(`S3 answered ${response.status} to a list: is the bucket of BLOB_URL there?`);
        for (const match of xml.matchAll(/<Key>blobs\/[0-9a-f]{2}\/([0-9a-f]{64})<\/Key>/g)) names.push(match[1]!);
        const next = /<NextContinuationToken>([^<]+)</.exec(xml)?.[1];
        token = next === undefined ? "" : `&continuation-token=${encodeURIComponent(next)}`;
      } while (token !== "" && names.length < limit);
      return names.slice(0, limit);
    },
    async prune(bytes) {
      const copies: { file: string; size: number; used: number }[] = [];
      for (const name of await readdir(cacheDir)) {
        const file = path.join(cacheDir, name);
        const info = await stat(file).catch(() => undefined);
        if (info?.isFile()) copies.push({ file, size: info.size, used: info.mtimeMs });
      }
      let total = copies.reduce((sum, copy) => sum + copy.size, 0);
      for (const copy of copies.sort((a, b) => a.used - b.used)) {
        if (total <= bytes) break;
        await unlink(copy.file).catch(() => {});
        total -= copy.size;
      }
    },
  };
}

const wanted = "BLOB_URL must look like s3://KEY:SECRET@HOST[:PORT]/BUCKET[?region=R&tls=false]; special characters in the secret are percent-encoded.";

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error(wanted);
  }
}

function parse(address: string): { client: AwsClient; base: string } {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const bucket = url?.pathname.replace(/^\/+|\/+$/g, "");
  if (url?.protocol !== "s3:" || !url.username || !url.password || !bucket || bucket.includes("/")) {
    throw new Error(wanted);
  }
  const scheme = url.searchParams.get("tls") === "false" ? "http" : "https";
  const client = new AwsClient({
    accessKeyId: decoded(url.username),
    secretAccessKey: decoded(url.password),
    service: "s3",
    region: url.searchParams.get("region") ?? "us-east-1",
    retries: 3,
  });
  return { client, base: `${scheme}://${url.host}/${bucket}` };
}
