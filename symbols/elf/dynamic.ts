// The dynamic section: what the loader needs. Here it gives the library's own
// name, and, of a file whose sections were taken out, where its symbols are.
//
// Pairs of a tag and a number. How many symbols there are nobody says, but the
// hash tables that find them do: the old one counts them, the one of GNU has a
// last chain that ends.
import { readFixed } from "../dwarf/section-cursor.ts";
import { readBytes } from "../file-bytes.ts";
import { dynamicTag, segmentType } from "./codes.ts";
import type { ElfImage } from "./image.ts";

/** Bytes of the section, of the strings and of hash tables that are read. */
const [sectionMax, stringsMax, hashMax] = [64 * 1024, 256 * 1024 * 1024, 64 * 1024 * 1024];
/** Bytes of a library's name. */
const nameMax = 1024;

/** The entries of an image by their tags, of each the first; empty without a dynamic section. */
export type Dynamic = ReadonlyMap<number, number>;

/** Reads the dynamic section. */
export function readDynamic(image: ElfImage): Dynamic {
  const { sections, segments, isWide, little } = image.headers;
  const section = sections.find(({ name, stored }) => name === ".dynamic" && stored > 0);
  const place = section ?? (sections.length === 0 ? segments.find(({ type }) => type === segmentType.dynamic) : undefined);
  const entries = new Map<number, number>();
  const bytes = place === undefined ? null : readBytes(image.bytes, place.offset, Math.min(place.stored, sectionMax));
  if (bytes === null) return entries;
  const width = isWide ? 8 : 4;
  for (let at = 0; at + 2 * width <= bytes.length; at += 2 * width) {
    const tag = readFixed(bytes, at, width, little);
    if (tag === dynamicTag.end) break;
    if (!entries.has(tag)) entries.set(tag, readFixed(bytes, at + width, width, little));
  }
  return entries;
}

/** The name that a library gives itself, without folders; null without. */
export function ownName(image: ElfImage, dynamic: Dynamic): string | null {
  const strings = dynamic.get(dynamicTag.strings);
  const at = dynamic.get(dynamicTag.soName);
  if (strings === undefined || at === undefined) return null;
  const address = strings + at;
  const bytes = image.readAddress(address, Math.min(nameMax, image.bytesFrom(address)));
  const end = bytes?.indexOf(0) ?? -1;
  return bytes === null || end <= 0 ? null : bytes.toString("utf8", 0, end).split("/").at(-1) || null;
}

/** Symbols and their strings as the loader finds them. */
export type DynamicSymbols = { readonly offset: number; readonly bytes: number; readonly strings: Buffer };

/** Where the symbols of an image without sections are; null when it has none. */
export function dynamicSymbols(image: ElfImage, dynamic: Dynamic): DynamicSymbols | null {
  const table = dynamic.get(dynamicTag.symbols);
  const strings = dynamic.get(dynamicTag.strings);
  if (table === undefined || strings === undefined) return null;
  const available = image.bytesFrom(table);
  const bytes = Math.min(symbolCount(image, dynamic) * (image.headers.isWide ? 24 : 16), available);
  const stringBytes = Math.min(dynamic.get(dynamicTag.stringBytes) ?? 0, image.bytesFrom(strings), stringsMax);
  const texts = image.readAddress(strings, stringBytes);
  return bytes === 0 || texts === null ? null : { offset: image.offsetOf(table, bytes), bytes, strings: texts };
}

function symbolCount(image: ElfImage, dynamic: Dynamic): number {
  const { little, isWide } = image.headers;
  const hash = dynamic.get(dynamicTag.hash);
  const head = hash === undefined ? null : image.readAddress(hash, 8);
  if (head !== null) return readFixed(head, 4, 4, little);
  const gnu = dynamic.get(dynamicTag.gnuHash);
  const table = gnu === undefined ? null : image.readAddress(gnu, Math.min(image.bytesFrom(gnu), hashMax));
  if (table === null || table.length < 16) return 0;
  // Buckets, number of the first symbol, words of the filter, shift; the filter, the buckets, a chain word for each symbol.
  const [buckets, first, filter] = [readFixed(table, 0, 4, little), readFixed(table, 4, 4, little), readFixed(table, 8, 4, little)];
  const bucketsAt = 16 + filter * (isWide ? 8 : 4);
  const chainsAt = bucketsAt + buckets * 4;
  let last = 0;
  for (let at = bucketsAt; at < chainsAt && at + 4 <= table.length; at += 4) last = Math.max(last, readFixed(table, at, 4, little));
  if (last < first) return first;
  for (let symbol = last; ; symbol++) {
    const at = chainsAt + (symbol - first) * 4;
    if (at + 4 > table.length || (readFixed(table, at, 4, little) & 1) === 1) return symbol + 1;
  }
}
