// Bundles of split DWARF: the .dwo files of one module in one file, for which
// compilers have no format but .dwp, which takes another tool to make. A bundle
// is an archive as `ar` makes them, of which the first member says whose it is:
//
//   !<arch>\n
//   deadair-dwo/    {"debugId": "…", "debugFile": "halcyon.so"}\n
//   //              names of more than 15 characters
//   engine.dwo/     a .dwo or .dwp file, as it is
//   …
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
const manifestBytesMax = 4096;
const namesBytesMax = 32 * 1024 * 1024;
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
  const addText = (name: string, text: string): void => {
    const size = Buffer.byteLength(text);
    pending += headerOf(name, size) + text + (size % 2 === 1 ? "\n" : "");
  };
  addText(`${manifestName}/`, `${JSON.stringify({ debugId, debugFile })}\n`);
  let names = "";
  const placed = members.map(({ name }) => {
    // What `ar` cannot say of names in ASCII.
    const plain = name.replaceAll(/[^\x21-\x7e]|\//g, "_");
    if (plain.length > 0 && plain.length <= shortNameMax) return `${plain}/`;
    const at = names.length;
    names += `${plain}/\n`;
    return `/${at}`;
  });
  if (names !== "") addText("//", names);
  for (const [i, { size }] of members.entries()) {
    pending += headerOf(placed[i]!, size);
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
export type BundledFile = { readonly name: string; readonly offset: number; readonly size: number };

/** A bundle that was read. */
export type DwoBundle = { readonly debugId: string; readonly debugFile: string; readonly members: readonly BundledFile[] };

/** Whether a file that begins like this is a bundle. */
export function isDwoBundle(head: Buffer): boolean {
  return head.toString("latin1", 0, magic.length + manifestName.length) === magic + manifestName;
}

/** Reads what a bundle has. Refuses with `malformed_dwo_bundle`; throws what `fs` throws. */
export function readDwoBundle(bytes: FileBytes): Result<DwoBundle> {
  const members: BundledFile[] = [];
  let names = "";
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
    } else if (name === "//") {
      if (size > namesBytesMax) return malformed("its names are too long");
      names = readBytes(bytes, offset, size)!.toString("latin1");
    } else if (members.length === membersMax) return malformed(`it has more than ${membersMax} files`);
    else members.push({ name: nameOf(name, names), offset, size });
    at = offset + size + (size % 2);
  }
  return manifest === null ? malformed("it is empty") : ok({ ...manifest, members });
}

function nameOf(name: string, names: string): string {
  if (!/^\/\d+$/.test(name)) return name.replace(/\/$/, "");
  const at = Number(name.slice(1));
  const end = names.indexOf("/\n", at);
  return names.slice(at, end < 0 ? at : end);
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
