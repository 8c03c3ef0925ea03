// An arm64 image with the functions of a test: a section of code, `.xdata` and
// `.pdata`, and the symbols that are compiled from it.
import { ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import { cacheOfBytes, type SymbolCache } from "../../../symbols/cache/symbol-cache.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { addArm64Unwind } from "../../../symbols/pe/arm64-unwind.ts";
import { readImage } from "../../../symbols/pe/image.ts";
import { ruleText } from "../../../stackwalk/unwind/rule-text.ts";
import { registerFiles } from "../../../symbols/registers.ts";

/** Address of the section of code, which is 1 MB long unless a test says otherwise. */
export const codeRva = 0x1000;
/** Address of `.xdata`. */
export const xdataRva = 0x2000_0000;
const pdataRva = 0x3000_0000;

/** What lies in an image. */
export type ImageParts = {
  /** Pairs of words. */
  readonly pdata: readonly (readonly [start: number, word: number])[];
  readonly xdata?: Uint8Array;
  /** Bytes of code that the file has. */
  readonly codeBytes?: number;
  /** Bytes of `.pdata` that the directory claims; as many as there are without. */
  readonly claimed?: number;
};

/** The file of an image. */
export function arm64Image({ pdata, xdata = new Uint8Array(0), codeBytes = 0x10_0000, claimed = pdata.length * 8 }: ImageParts): Buffer {
  const table = Buffer.alloc(pdata.length * 8);
  for (const [i, [start, word]] of pdata.entries()) {
    table.writeUInt32LE(start, i * 8);
    table.writeUInt32LE(word, i * 8 + 4);
  }
  const front = Buffer.alloc(0x400);
  front.write("MZ", 0, "latin1");
  front.writeUInt32LE(0x80, 0x3c);
  front.write("PE\0\0", 0x80, "latin1");
  front.writeUInt16LE(0xaa64, 0x84);
  front.writeUInt16LE(240, 0x94);
  const optional = 0x98;
  front.writeUInt16LE(0x20b, optional);
  front.writeUInt32LE(0x1000, optional + 32);
  front.writeUInt32LE(0x200, optional + 36);
  front.writeUInt32LE(0x4000_0000, optional + 56);
  front.writeUInt32LE(0x400, optional + 60);
  front.writeUInt32LE(16, optional + 108);
  front.writeUInt32LE(pdataRva, optional + 112 + 24);
  front.writeUInt32LE(claimed, optional + 112 + 28);
  const bodies = [
    { rva: codeRva, body: Buffer.alloc(codeBytes), flags: 0x6000_0020 },
    { rva: xdataRva, body: xdata, flags: 0x4000_0040 },
    { rva: pdataRva, body: table, flags: 0x4000_0040 },
  ].filter(({ body }) => body.length > 0);
  front.writeUInt16LE(bodies.length, 0x86);
  const parts: Uint8Array[] = [front];
  let offset = front.length;
  for (const [i, { rva, body, flags }] of bodies.entries()) {
    const header = optional + 240 + i * 40;
    front.writeUInt32LE(body.length, header + 8);
    front.writeUInt32LE(rva, header + 12);
    front.writeUInt32LE(body.length, header + 16);
    front.writeUInt32LE(offset, header + 20);
    front.writeUInt32LE(flags, header + 36);
    const padded = Buffer.alloc(Math.ceil(body.length / 0x200) * 0x200);
    padded.set(body);
    parts.push(padded);
    offset += padded.length;
  }
  return Buffer.concat(parts);
}

/** What the compiler makes of a file's unwind data, and what it left out. */
export function compileArm64(file: Uint8Array): { readonly symbols: SymbolCache; readonly warnings: { readonly [reason: string]: number } } {
  const image = readImage(bytesOf(file));
  if (!image.ok) throw new Error(image.problem.message);
  const builder = new ModuleBuilder();
  addArm64Unwind(image.value, builder);
  const identity = { source: "pe", sourceDigest: "", debugFile: "", debugId: "", codeId: null, codeFile: null, generator: null, os: "windows", arch: "arm64" };
  const symbols = cacheOfBytes("arm64.cache", builder.finish(identity, "arm64"));
  return { symbols, warnings: symbols.meta().warnings };
}

/** All rows as text: the address of a function's first row and the rows after it as distances from the first address of code; `-` where no function is. */
export function rowsText({ symbols }: { readonly symbols: SymbolCache }): string[] {
  const lines: string[] = [];
  for (let row = 0; symbols.rowStart(row) !== 0xffff_ffff; row++) {
    const start = symbols.rowStart(row);
    const found = symbols.unwindRow(start);
    const rule = found < 0 ? "-" : ruleText(registerFiles.arm64, symbols.rules, symbols.rowRule(found), symbols.expressions) || "nothing";
    lines.push(`${(start - codeRva).toString(16)}${found >= 0 && symbols.rowIsEntry(found) ? "*" : ""} ${rule}`);
  }
  return lines;
}

/** A record of `.xdata`: a function of `length` instructions with these codes, and either a list of epilogs or, as `last`, where the codes of the one at the end begin. */
export function xdataRecord(length: number, codes: readonly number[], epilogs: readonly (readonly [first: number, index: number])[] | { readonly last: number } = [], extended = false): Uint8Array {
  const words = Math.ceil(codes.length / 4);
  const isLast = "last" in epilogs;
  const count = isLast ? epilogs.last : epilogs.length;
  const scopes = isLast ? [] : epilogs.map(([first, index]) => first | (index << 22));
  const header = extended ? [length, count | (words << 16)] : [length | (isLast ? 1 << 21 : 0) | (count << 22) | (words << 27)];
  const bytes = Buffer.alloc((header.length + scopes.length + words) * 4);
  for (const [i, word] of [...header, ...scopes].entries()) bytes.writeUInt32LE(word >>> 0, i * 4);
  bytes.set(codes, (header.length + scopes.length) * 4);
  // Codes are filled up to a word; `end` is behind them already.
  return bytes;
}
