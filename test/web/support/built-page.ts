// The page, built as it is shipped, into a folder of its own: web/dist belongs
// to whoever runs the server.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const web = path.join(import.meta.dirname, "../../../web");

/** A build of the page. */
export type BuiltPage = {
  readonly dist: string;
  /** Files under assets/, with their size as a client fetches it (gzip). */
  readonly assets: () => readonly { readonly name: string; readonly gzipBytes: number }[];
  readonly remove: () => void;
};

/** Builds the page. */
export async function buildPage(): Promise<BuiltPage> {
  const dist = mkdtempSync(path.join(os.tmpdir(), "deadair-page-"));
  // Vitest's own value would build JSX for debugging: half as much script again, which nobody is sent.
  const before = process.env["NODE_ENV"];
  process.env["NODE_ENV"] = "production";
  try {
    await build({ root: web, configFile: path.join(web, "vite.config.ts"), logLevel: "warn", build: { outDir: dist, emptyOutDir: true } });
  } finally {
    if (before === undefined) delete process.env["NODE_ENV"];
    else process.env["NODE_ENV"] = before;
  }
  const assets = () => readdirSync(path.join(dist, "assets")).map((name) => ({ name, gzipBytes: gzipSync(readFileSync(path.join(dist, "assets", name))).length }));
  return { dist, assets, remove: () => rmSync(dist, { recursive: true, force: true }) };
}
