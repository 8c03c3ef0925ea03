// A real, large library with DWARF: Debian's libjvm with its debug file (257 MB of
// `.debug_info` in version 5, 21 million entries, 6 million line rows; 156 MB as
// the package has it, compressed).
//
// Breakpad's dump_syms, a peer, reads no compressed sections, and wants the
// checksum of the debug file that a library names. So beside the files of the
// packages there is a copy with decompressed sections, and a library that names
// that. Kept in a folder of the checkout's cache: 550 MB.
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import path from "node:path";

/** The files. */
export type Libjvm = {
  /** The library, which names `plain` as its debug file. */
  readonly library: string;
  /** The debug file with its sections decompressed. */
  readonly plain: string;
  /** The debug file as the package has it. */
  readonly compressed: string;
};

/** Debian's releases of the last years have one of these; any of them is large enough. */
const versions = [17, 21, 25];

/** The files, made on the first call and kept in `folder`; or a sentence on why they cannot be had here. */
export function debianLibjvm(folder: string): Libjvm | { readonly missing: string } {
  const files = { library: path.join(folder, "libjvm.so"), plain: path.join(folder, "libjvm.debug"), compressed: path.join(folder, "libjvm.so.debug") };
  if (Object.values(files).every((file) => existsSync(file))) return files;
  if (process.platform !== "linux" || process.arch !== "x64" || process.getuid?.() !== 0) return { missing: "libjvm comes from Debian's packages, by root on Linux x64" };
  const tool = ["apt-get", "dpkg-deb", "objcopy", "readelf"].find((name) => !onPath(name));
  if (tool !== undefined) return { missing: `libjvm needs ${tool} (apt-get install binutils)` };
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(path.join(folder, "making-"));
  try {
    make(work, files);
    return files;
  } catch (error) {
    return { missing: `libjvm could not be had: ${error instanceof Error ? error.message.split("\n", 1)[0] : String(error)}` };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function make(work: string, files: Libjvm): void {
  process.stderr.write("deadair: unpacking Debian's libjvm; a minute, and 1 GB for a while\n");
  const run = (command: string, ...args: string[]) => execFileSync(command, args, { cwd: work, stdio: ["ignore", "ignore", "ignore"] });
  if (!versions.some((version) => download(run, version))) {
    run("apt-get", "update");
    if (!versions.some((version) => download(run, version))) throw new Error("apt-get download has no openjdk-N-dbg of this system");
  }
  for (const file of globSync("*.deb", { cwd: work })) run("dpkg-deb", "-x", file, "unpacked");
  const library = only("unpacked/**/server/libjvm.so", work);
  // Debug files lie by build id; the library's own link names them otherwise.
  const id = /Build ID: ([0-9a-f]{40})/.exec(execFileSync("readelf", ["-n", library], { cwd: work }).toString())?.[1] ?? "";
  const debug = only(`unpacked/**/.build-id/${id.slice(0, 2)}/${id.slice(2)}.debug`, work);
  const plain = path.basename(files.plain);
  run("objcopy", "--decompress-debug-sections", debug, plain);
  run("objcopy", "--remove-section", ".gnu_debuglink", `--add-gnu-debuglink=${plain}`, library, path.basename(files.library));
  copyFileSync(path.join(work, debug), files.compressed);
  for (const file of [files.plain, files.library]) renameSync(path.join(work, path.basename(file)), file);
}

function download(run: (command: string, ...args: string[]) => unknown, version: number): boolean {
  try {
    run("apt-get", "download", `openjdk-${version}-jre-headless`, `openjdk-${version}-dbg`);
    return true;
  } catch {
    return false;
  }
}

function only(pattern: string, cwd: string): string {
  const [found] = globSync(pattern, { cwd });
  if (found === undefined) throw new Error(`the packages have no ${pattern}`);
  return found;
}

const onPath = (name: string): boolean => (process.env["PATH"] ?? "").split(path.delimiter).some((folder) => existsSync(path.join(folder, name)));
