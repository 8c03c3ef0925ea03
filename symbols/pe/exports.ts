// The export directory: what a library offers by name. Of a program without
// debug information it is all that is known, and of a plugin it is at least the
// entry points that its host calls.
//
// Left out: what is exported by number only, what another library has (a
// forwarder, whose address lies in the directory itself and is a text), and
// data.
import type { ModuleBuilder } from "../cache/module-builder.ts";
import { nameBytesMax } from "./coff-strings.ts";
import { directory, type PeImage } from "./image.ts";
import { RvaWindow } from "./rva-window.ts";

const directoryBytes = 40;
/** What a name without end counts as: it was searched as far as names go. */
const unendedCost = 256;
/** Functions and names that are read: their numbers have 16 bits. */
const entriesMax = 65_536;

/** The tables of an export directory. */
type ExportTables = { readonly functions: Buffer; readonly names: Buffer; readonly ordinals: Buffer };

/** True when something is exported by name. */
export function hasExports(image: PeImage): boolean {
  return (readHeader(image)?.readUInt32LE(24) ?? 0) > 0;
}

/** Adds exported functions as public symbols. */
export function addExports(image: PeImage, builder: ModuleBuilder): void {
  if (!hasExports(image)) return;
  const tables = readTables(image);
  if (tables === null) {
    builder.warn("malformedExports");
    return;
  }
  const { rva: first, size } = image.directory(directory.exports);
  const { functions, names, ordinals } = tables;
  const texts = new RvaWindow(image);
  // Names of a hostile file may all be one long text.
  let textBytes = image.bytes.size * 2;
  for (let i = 0; i * 4 < names.length; i++) {
    const index = ordinals.readUInt16LE(i * 2);
    const rva = index * 4 < functions.length ? functions.readUInt32LE(index * 4) : 0;
    if (rva === 0 || (rva >= first && rva - first < size) || !image.isExecutable(rva)) continue;
    const name = textBytes > 0 ? readText(image, texts, names.readUInt32LE(i * 4)) : null;
    textBytes -= name?.length ?? unendedCost;
    if (name === null || name === "") builder.warn("malformedExports");
    else builder.addPublic(rva, builder.strings.takeText(name));
  }
}

function readHeader(image: PeImage): Buffer | null {
  const { rva } = image.directory(directory.exports);
  return rva === 0 ? null : image.readRva(rva, directoryBytes);
}

function readTables(image: PeImage): ExportTables | null {
  const header = readHeader(image)!;
  const count = Math.min(header.readUInt32LE(24), entriesMax);
  const functions = image.readRva(header.readUInt32LE(28), Math.min(header.readUInt32LE(20), entriesMax) * 4);
  const names = image.readRva(header.readUInt32LE(32), count * 4);
  const ordinals = image.readRva(header.readUInt32LE(36), count * 2);
  return functions === null || names === null || ordinals === null ? null : { functions, names, ordinals };
}

/** The text at an address, up to its NUL; null when it is not whole, or too long. */
function readText(image: PeImage, window: RvaWindow, rva: number): string | null {
  const section = image.sectionAt(rva, 1);
  if (section === null) return null;
  const length = Math.min(nameBytesMax, section.rva + section.stored - rva);
  const place = window.place(rva, length);
  if (place < 0) return null;
  const end = window.data.indexOf(0, place);
  return end < 0 || end - place >= length ? null : Buffer.from(window.data.buffer, place, end - place).toString("utf8");
}
