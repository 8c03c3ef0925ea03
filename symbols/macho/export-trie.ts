// The export trie: what a library offers by name. Where the symbol table is
// stripped it is all that is known, and of a plugin it is at least the entry
// points that its host calls.
//
// A node has the bytes of what it says of the name that leads to it, and that
// (flags, address); then how many nodes follow, and for each the text that
// leads there and where it is. Numbers are unsigned LEB128
// (<mach-o/loader.h>, "EXPORT_SYMBOL_FLAGS").
//
// Left out: what another library has (re-exports), data, and what is no address.
import type { ModuleBuilder } from "../cache/module-builder.ts";
import { readBytes } from "../file-bytes.ts";
import type { MachImage } from "./image.ts";
import { NameTaker } from "./name-taker.ts";

/** Bytes of a trie that are read; those of the largest libraries have a few megabytes. */
const trieBytesMax = 16 * 1024 * 1024;
/** Bytes of names and of texts that are looked at for each byte of a trie: a chain of nodes makes names that are longer and longer, and nodes of a made-up file overlap. */
const workPerByte = 64;
/** The least that may be looked at. */
const workMin = 65_536;
/** Bytes of one name. */
const nameBytesMax = 16 * 1024;
const kindMask = 3;
const flagReexport = 8;

/** A node that is still to be looked at, and the name that leads to it. */
type Step = { readonly offset: number; readonly name: string };

/** Adds exported functions as public symbols. */
export function addExportTrie(image: MachImage, builder: ModuleBuilder): void {
  const { bytes, commands } = image;
  const range = commands.exports;
  const trie = range === null || range.size === 0 ? null : readBytes(bytes, range.offset, Math.min(range.size, trieBytesMax));
  if (trie === null) {
    if (range !== null && range.size > 0) builder.warn("malformedExports");
    return;
  }
  new ExportWalk(image, trie, builder).run();
}

/** One walk over a trie. */
class ExportWalk {
  private readonly image: MachImage;
  private readonly trie: Buffer;
  private readonly builder: ModuleBuilder;
  private readonly taker: NameTaker;
  private readonly steps: Step[] = [{ offset: 0, name: "" }];
  /** By offset: whether a node was seen. A node that two lead to would have two names. */
  private readonly seen: Uint8Array;
  private work: number;
  private at = 0;

  constructor(image: MachImage, trie: Buffer, builder: ModuleBuilder) {
    this.image = image;
    this.trie = trie;
    this.builder = builder;
    this.seen = new Uint8Array(trie.length);
    this.work = trie.length * workPerByte + workMin;
    this.taker = new NameTaker(builder, this.work);
  }

  run(): void {
    for (let step = this.steps.pop(); step !== undefined && this.work > 0; step = this.steps.pop()) {
      if (!this.takeNode(step)) this.builder.warn("malformedExports");
    }
  }

  /** Takes what a node says, and what follows it; false when it cannot be read. */
  private takeNode({ offset, name }: Step): boolean {
    const { trie, seen, steps } = this;
    if (offset >= trie.length || seen[offset] !== 0) return false;
    seen[offset] = 1;
    this.at = offset;
    const bytes = this.uleb();
    const children = this.at + bytes;
    if (children >= trie.length) return false;
    if (bytes > 0) this.takeAddress(name);
    this.at = children + 1;
    for (let i = trie[children]!; i > 0; i--) {
      const start = this.at;
      const end = trie.indexOf(0, start);
      this.work -= (end < 0 ? trie.length : end) - start + 1;
      if (end < 0 || end - start + name.length > nameBytesMax) return false;
      this.at = end + 1;
      steps.push({ offset: this.uleb(), name: name + trie.toString("utf8", start, end) });
    }
    return true;
  }

  private takeAddress(name: string): void {
    const flags = this.uleb();
    if ((flags & flagReexport) !== 0 || (flags & kindMask) !== 0) return;
    const rva = this.uleb();
    this.work -= name.length;
    if (!(rva > 0 && rva < 0xffffffff) || !this.image.sections.some((section) => section.isCode && rva >= section.rva && rva < section.rva + section.size)) return;
    const number = this.taker.take(Buffer.from(`${name}\0`), 0);
    if (number !== 0) this.builder.addPublic(rva, number);
  }

  /** An unsigned LEB128 number; beyond the trie, one that leads nowhere. */
  private uleb(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.trie[this.at++];
      if (byte === undefined || scale > 2 ** 63) return Number.MAX_SAFE_INTEGER;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }
}
