// Source bundles put together by hand from the format's description, with
// whatever is odd about them: what other tools write, and what enemies do.
import { crc32, deflateRawSync } from "node:zlib";

/** An entry of an archive; all but the name and the content are what they should be unless they are given. */
export type BuiltEntry = {
  readonly name: string;
  readonly content: string | Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  /** Sizes and checksum only behind the content, as writers do that cannot go back. */
  readonly descriptor?: boolean;
  /** Sizes and place in an extra field of 64 bits. */
  readonly wide?: boolean;
  readonly crc?: number;
  readonly size?: number;
  readonly comment?: string;
  /** Of the entry's own header; the directory has its own. */
  readonly extra?: Uint8Array;
};

/** How an archive is put together. */
export type BuildOptions = { readonly head?: Uint8Array; readonly comment?: string; readonly wideEnd?: boolean; /** Offsets count from the archive's own beginning, not the file's. */ readonly relative?: boolean; readonly count?: number };

const u16 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, i) => bytes.writeUInt16LE(value, i * 2));
  return bytes;
};
const u32 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => bytes.writeUInt32LE(value >>> 0, i * 4));
  return bytes;
};
const u64 = (...values: number[]): Buffer => Buffer.concat(values.map((value) => u32(value, Math.floor(value / 2 ** 32))));

/** First bytes of a bundle of version 2. */
export const bundleHead = Buffer.concat([Buffer.from("SYSB"), u32(2)]);

/** Builds an archive behind a head. */
export function buildZip(entries: readonly BuiltEntry[], options: BuildOptions = {}): Buffer<ArrayBuffer> {
  const head = Buffer.from(options.head ?? bundleHead);
  const parts: Buffer[] = [head];
  const directory: Buffer[] = [];
  let at = head.length;
  const shift = options.relative === true ? head.length : 0;
  const add = (...some: Buffer[]): void => {
    for (const part of some) {
      parts.push(part);
      at += part.length;
    }
  };
  for (const entry of entries) {
    const content = Buffer.from(entry.content);
    const name = Buffer.from(entry.name);
    const method = entry.method ?? 8;
    const stored = method === 8 ? deflateRawSync(content) : content;
    const crc = entry.crc ?? crc32(content);
    const size = entry.size ?? content.length;
    const flags = (entry.flags ?? 0) | (entry.descriptor === true ? 8 : 0);
    const offset = at - shift;
    const extra = Buffer.from(entry.extra ?? []);
    const local = entry.descriptor === true ? u32(0, 0, 0) : u32(crc, stored.length, size);
    add(Buffer.from("PK\x03\x04"), u16(20, flags, method, 0, 0x21), local, u16(name.length, extra.length), name, extra, stored);
    if (entry.descriptor === true) add(Buffer.from("PK\x07\x08"), u32(crc, stored.length, size));
    const comment = Buffer.from(entry.comment ?? "");
    const wide = entry.wide === true ? Buffer.concat([u16(0x7075, 3), Buffer.from("abc"), u16(1, 24), u64(size, stored.length, offset)]) : Buffer.alloc(0);
    const all = 0xffff_ffff;
    const sizes = entry.wide === true ? u32(crc, all, all) : u32(crc, stored.length, size);
    directory.push(Buffer.concat([Buffer.from("PK\x01\x02"), u16(20, 20, flags, method, 0, 0x21), sizes, u16(name.length, wide.length, comment.length, 0, 0), u32(0, entry.wide === true ? all : offset), name, wide, comment]));
  }
  const start = at - shift;
  const records = Buffer.concat(directory);
  add(records);
  const count = options.count ?? entries.length;
  const comment = Buffer.from(options.comment ?? "");
  if (options.wideEnd === true) {
    const end = at - shift;
    add(Buffer.from("PK\x06\x06"), u64(44), u16(45, 45), u32(0, 0), u64(count, count, records.length, start));
    add(Buffer.from("PK\x06\x07"), u32(0), u64(end), u32(1));
    add(Buffer.from("PK\x05\x06"), u16(0, 0, 0xffff, 0xffff), u32(0xffff_ffff, 0xffff_ffff), u16(comment.length), comment);
  } else add(Buffer.from("PK\x05\x06"), u16(0, 0, count, count), u32(records.length, start), u16(comment.length), comment);
  return Buffer.concat(parts);
}

/** The debug id of the built bundles, as Sentry writes it. */
export const dashedId = "3fa85f64-5717-4562-b3fc-2c963f66afa6-1";
/** The same as Breakpad does. */
export const debugId = "3FA85F6457174562B3FC2C963F66AFA61";

/** A bundle as sentry-cli makes one: files first, then the manifest. */
export function buildBundle(files: { readonly [path: string]: string }, attributes: object = {}, options: BuildOptions & Partial<BuiltEntry> = {}): Buffer<ArrayBuffer> {
  const names = Object.keys(files).map((path) => [`files/${path.replaceAll(/:?[/\\]+/g, "/").replace(/^\//, "")}`, path] as const);
  const manifest = { files: Object.fromEntries(names.map(([name, path]) => [name, { type: "source", path }])), arch: "x86_64", debug_id: dashedId, object_name: "D:\\build\\Halcyon.pdb", ...attributes };
  const { name: _name, content: _content, count, comment, head, wideEnd, relative, ...entry } = options;
  const archive = { ...(count === undefined ? {} : { count }), ...(comment === undefined ? {} : { comment }), ...(head === undefined ? {} : { head }), ...(wideEnd === undefined ? {} : { wideEnd }), ...(relative === undefined ? {} : { relative }) };
  return buildZip([...names.map(([name, path]) => ({ name, content: files[path]!, ...entry })), { name: "manifest.json", content: JSON.stringify(manifest), ...entry }], archive);
}
