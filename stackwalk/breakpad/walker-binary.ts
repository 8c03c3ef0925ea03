// Where the shipped walker is. The npm package `minidump` carries Breakpad's
// minidump_stackwalk ready-built for Linux x64 and macOS; nothing is compiled
// here and nothing is looked for on PATH.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** A walker that can be spawned. */
export type WalkerBinary = { readonly path: string; readonly version: string };

/** Finds the walker for a platform; null where none is shipped. */
export function shippedWalker(platform: string = process.platform, arch: string = process.arch): WalkerBinary | null {
  const manifest = createRequire(import.meta.url).resolve("minidump/package.json");
  const name = platform === "win32" ? "minidump_stackwalk.exe" : "minidump_stackwalk";
  const path = join(dirname(manifest), "bin", `${platform}-${arch}`, name);
  if (!existsSync(path)) return null;
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  return { path, version };
}
