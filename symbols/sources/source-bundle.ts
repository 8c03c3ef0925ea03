// Source bundles: the source files of one module in one file, so that a frame
// can show its lines.
//
// What: Sentry's format, which its tools make too (`sentry-cli … --include-sources`),
// so that one bundle serves both. The facts are from symbolic's
// `symbolic-debuginfo/src/sourcebundle`:
//
//     "SYSB", version 2 (32 bits, little-endian)
//     a zip archive: files/…         the sources, UTF-8
//                    manifest.json   {"files": {"files/…": {"type": "source", "path": "/build/a.cpp"}},
//                                     "debug_id": …, "object_name": …, "arch": …, "code_id": …}
//
// A file is known by its `path`, which is the one in the debug information;
// what it is called in the archive does not matter, and no such name ever
// touches a disk.
//
// Steps: `openSources` reads the directory and the manifest, and says whose
// sources they are. `findSource` reads both again, and then the one file that
// is asked for; a bundle stays where it lies, and nothing of it is kept.
// bundle-writer.ts makes one.
//
// Limits: 100,000 files; a manifest of 32 MiB and a file of 8 MiB, inflated. A
// bundle is a stranger's bytes, so readers in a server do so in a thread. That
// alone does not hold `JSON.parse`, in which V8 ends the process, not the thread,
// when memory is over; so the manifest may have no more values than its files
// account for.
//
// Not read: bundles of JavaScript, which have no debug id and whose files are
// known by address, and links to sources elsewhere (`source_links`).
//
// It adds nothing to a cache, so none is compiled of it.
import { ok, refuse, type Result } from "../../config/problem.ts";
import { normaliseDebugIdOrGuid } from "../debug-id.ts";
import type { DebugFile } from "../debug-file.ts";
import { type FileBytes, readBytes } from "../file-bytes.ts";
import { fileAtPath } from "./source-paths.ts";
import { readZip, readZipEntry, type ZipEntry, type ZipRefusal } from "./zip-reader.ts";

/** Bytes of one source file, inflated. */
export const sourceBytesMax = 8 * 1024 * 1024;
/** Name of the manifest in the archive. */
export const manifestName = "manifest.json";
/** Version of the format that is written; older ones differ only in what they lack. */
export const bundleVersion = 2;
/** Bytes before the archive. */
export const bundleHeadBytes = 8;

const manifestBytesMax = 32 * 1024 * 1024;
/** Commas and brackets in a manifest for each file of the archive; there are about six, and more where paths have some. */
const marksPerFile = 24;
/** Those beside the files. */
const marksBeside = 4096;

/** A source file of a bundle. */
type BundledFile = { readonly path: string; readonly entry: ZipEntry };

/** What a manifest says. */
type Manifest = { readonly files: readonly BundledFile[]; readonly attribute: (name: string) => string | null };

/** Whether a file that begins like this is a source bundle. */
export function isSourceBundle(head: Buffer): boolean {
  return head.toString("latin1", 0, 4) === "SYSB";
}

/** Opens a source bundle. Refuses with `malformed_source_bundle`, `unsupported_source_bundle`, or `foreign_source_bundle` for one that is of no module. */
export function openSources(bytes: FileBytes): Result<DebugFile> {
  const manifest = readManifest(bytes);
  if (!manifest.ok) return manifest;
  const { files, attribute } = manifest.value;
  const debugId = normaliseDebugIdOrGuid(attribute("debug_id") ?? "");
  if (debugId === null) return refuse(400, "foreign_source_bundle", "The source bundle names no module by a debug id, as bundles of JavaScript do.", "Make one for a native module: `deadair symbols upload --sources`, or sentry-cli with --include-sources.");
  if (files.length === 0) return refuse(400, "foreign_source_bundle", "The source bundle has no source file that is known by a path.", "Make it where the sources lie, with the paths that are in the debug information.");
  return ok({
    facts: {
      kind: "sources",
      os: "",
      archName: attribute("arch") ?? "",
      arch: null,
      debugId,
      debugFile: baseNameOf(attribute("object_name")),
      codeId: attribute("code_id")?.toUpperCase() ?? null,
      codeFile: null,
      generator: null,
      holds: { functions: false, publics: false, lines: false, inlines: false, unwind: false },
      lacks: [],
    },
    addNames: () => ok(null),
    addUnwind: () => ok(null),
  });
}

/** The text of the file that debug information knows by `path`; null when it is not in the bundle. Refuses like `openSources`; throws what `fs` throws. */
export function findSource(bytes: FileBytes, path: string): Result<string | null> {
  const manifest = readManifest(bytes);
  if (!manifest.ok) return manifest;
  const file = fileAtPath(manifest.value.files, path);
  if (file === null) return ok(null);
  const content = readZipEntry(bytes, file.entry, sourceBytesMax, refusal);
  return content.ok ? ok(new TextDecoder().decode(content.value)) : content;
}

const refusal: ZipRefusal = (kind, what) => (kind === "malformed" ? malformed(what) : unsupported(what));

const malformed = (what: string): Result<never> => refuse(400, "malformed_source_bundle", `The source bundle cannot be read: ${what}.`, "Make it again, and send it as it is.");

const unsupported = (what: string): Result<never> => refuse(400, "unsupported_source_bundle", `The source bundle is not read here: ${what}.`, "Make it with `deadair symbols upload --sources`, or with sentry-cli.");

function readManifest(bytes: FileBytes): Result<Manifest> {
  const head = readBytes(bytes, 0, bundleHeadBytes);
  if (head === null || !isSourceBundle(head)) return malformed("it does not begin as one");
  const version = head.readUInt32LE(4);
  if (version === 0 || version > bundleVersion) return unsupported(`it is of version ${version}, and ${bundleVersion} is the newest known`);
  const entries = readZip(bytes, refusal);
  if (!entries.ok) return entries;
  const entry = entries.value.get(manifestName);
  if (entry === undefined) return malformed(`it has no ${manifestName}`);
  const text = readZipEntry(bytes, entry, manifestBytesMax, refusal);
  if (!text.ok) return text;
  if (marksIn(text.value) > entries.value.size * marksPerFile + marksBeside) return malformed(`${manifestName} has more in it than the files account for`);
  const json = objectOf(parse(text.value.toString("utf8")));
  if (json === null) return malformed(`${manifestName} is no JSON object`);
  return ok({
    files: filesOf(objectOf(json["files"]) ?? {}, entries.value),
    attribute: (name) => (Object.hasOwn(json, name) ? textOf(json[name]) : null),
  });
}

/** Files that are there, are sources, and are known by a path. */
function filesOf(listed: { readonly [name: string]: unknown }, entries: ReadonlyMap<string, ZipEntry>): BundledFile[] {
  const files: BundledFile[] = [];
  for (const name of Object.keys(listed)) {
    const entry = entries.get(name);
    const info = objectOf(listed[name]);
    const path = textOf(info?.["path"]);
    const type = info?.["type"] ?? "source";
    if (entry !== undefined && path !== null && type === "source") files.push({ path, entry });
  }
  return files;
}

/** Commas and opening brackets, in strings or not: no JSON has more values, but for one. */
function marksIn(text: Buffer): number {
  let marks = 0;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at]!;
    if (byte === 0x2c || byte === 0x5b || byte === 0x7b) marks++;
  }
  return marks;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function objectOf(value: unknown): { readonly [name: string]: unknown } | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as { readonly [name: string]: unknown }) : null;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function baseNameOf(path: string | null): string | null {
  return textOf(path?.split(/[/\\]/).at(-1));
}
