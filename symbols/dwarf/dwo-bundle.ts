// Bundles of split DWARF: the .dwo files of one module in one file, for which
// compilers have no format but .dwp, which takes another tool to make. A bundle
// is an archive as `ar` makes them, of which the first member says whose it is:
//
//   !<arch>\n
//   deadair-dwo/    {"debugId": "…", "debugFile": "halcyon.so"}\n
//   engine.dwo/     a .dwo or .dwp file, as it is
//   …
//
// Names are for people who look into it: of a long one the end is kept, and
// units are known by their ids.
//
// Its members come in the order in which they are given, which should be that
// of the program's units: then each is read once. It has no times and no users,
// so that a bundle of equal files is equal.
import { ok, refuse, type Result } from "../../config/problem.ts";
import { normaliseDebugId } from "../debug-id.ts";
import { type FileBytes, readBytes } from "../file-bytes.ts";

const magic = "!<arch>\n";
const manifestName = "deadair-dwo";
const headerBytes = 60;
const headerEnd = "`\n";
/** Where other writers of archives put names that are too long for a header. */
const longNames = "//";
const manifestBytesMax = 4096;
/** Members of one bundle; large browsers have some ten thousand units. */
const membersMax = 262_144;
/** Characters of a name that fits into a header, with the `/` behind it. */
const shortNameMax = 15;

/** A file to be put into a bundle. */
export type BundleMember = { readonly name: string; readonly size: number };

/** What a bundle is made of, in order: bytes, or the number of the member whose bytes go there. */
export type BundlePiece = Uint8Array | number;

/** Says how to write the bundle of a module, and how long it is. */
export function writeDwoBundle(debugId: string, debugFile: string, members: readonly BundleMember[]): { readonly bytes: number; readonly pieces: readonly BundlePiece[] } {
  const pieces: BundlePiece[] = [];
  let bytes = 0;
  let pending = magic;
  const flush = (): void => {
    const head = Buffer.from(pending, "utf8");
    pending = "";
    bytes += head.length;
    if (head.length > 0) pieces.push(head);
  };
  const manifest = `${JSON.stringify({ debugId, debugFile })}\n`;
  const manifestBytes = Buffer.byteLength(manifest);
  pending += headerOf(`${manifestName}/`, manifestBytes) + manifest + (manifestBytes % 2 === 1 ? "\n" : "");
  for (const [i, { name, size }] of members.entries()) {
    // ASCII alone is the same to every `ar`.
    pending += headerOf(`${name.slice(-shortNameMax).replaceAll(/[^\x21-\x7e]|\//g, "_")}/`, size);
    flush();
    pieces.push(i);
    bytes += size;
    if (size % 2 === 1) pending = "\n";
  }
  flush();
  return { bytes, pieces };
}

function headerOf(name: string, size: number): string {
  return `${name.padEnd(16)}${"0".padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"644".padEnd(8)}${String(size).padEnd(10)}${headerEnd}`;
}

/** A file in a bundle. */
type BundledFile = { readonly offset: number; readonly size: number };

/** A bundle that was read. */
export type DwoBundle = { readonly debugId: string; readonly debugFile: string; readonly members: readonly BundledFile[] };

/** Whether a file that begins like this is a bundle. */
export function isDwoBundle(head: Buffer): boolean {
  return head.toString("latin1", 0, magic.length + manifestName.length) === magic + manifestName;
}

/** Reads what a bundle has. Refuses with `malformed_dwo_bundle`; throws what `fs` throws. */
export function readDwoBundle(bytes: FileBytes): Result<DwoBundle> {
  const members: BundledFile[] = [];
  let manifest: { readonly debugId: string; readonly debugFile: string } | null = null;
  for (let at = magic.length; at + headerBytes <= bytes.size; ) {
    const header = readBytes(bytes, at, headerBytes)!.toString("latin1");
    const size = Number(/^(\d+) *$/.exec(header.slice(48, 58))?.[1] ?? -1);
    const offset = at + headerBytes;
    if (size < 0 || header.slice(58) !== headerEnd || offset + size > bytes.size) return malformed(`the member at ${at} is cut or is none`);
    const name = header.slice(0, 16).trimEnd();
    if (manifest === null) {
      manifest = name === `${manifestName}/` && size <= manifestBytesMax ? parseManifest(readBytes(bytes, offset, size)!.toString("utf8")) : null;
      if (manifest === null) return malformed("its first member does not say of which module it is");
    } else if (members.length === membersMax) return malformed(`it has more than ${membersMax} files`);
    else if (name !== longNames) members.push({ offset, size });
    at = offset + size + (size % 2);
  }
  return manifest === null ? malformed("it is empty") : ok({ ...manifest, members });
}

function parseManifest(text: string): { readonly debugId: string; readonly debugFile: string } | null {
  const fields = parse(text);
  if (typeof fields !== "object" || fields === null || !("debugId" in fields && "debugFile" in fields)) return null;
  const { debugId, debugFile } = fields;
  const id = typeof debugId === "string" ? normaliseDebugId(debugId) : null;
  return id === null || typeof debugFile !== "string" || debugFile === "" ? null : { debugId: id, debugFile };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function malformed(what: string): Result<never> {
  return refuse(400, "malformed_dwo_bundle", `The bundle of split DWARF cannot be read: ${what}.`, "Upload it again with `deadair symbols upload`.");
}
