// An x64 image with the functions of a test: code, `.xdata` and `.pdata`, and
// what is compiled from it.
import { ruleText } from "../../../stackwalk/unwind/rule-text.ts";
import { cacheOfBytes, type SymbolCache } from "../../../symbols/cache/symbol-cache.ts";
import { compileBytes } from "../../../symbols/compile.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { registerFiles } from "../../../symbols/registers.ts";
import { buildPe, words } from "../../support/pe-builder.ts";

/** Addresses of the sections. */
export const codeRva = 0x1000;
export const xdataRva = 0x20_0000;
const pdataRva = 0x40_0000;

/** Numbers of registers in Microsoft's order. */
export const reg = { rax: 0, rcx: 1, rdx: 2, rbx: 3, rsp: 4, rbp: 5, rsi: 6, rdi: 7, r8: 8, r12: 12, r13: 13, r14: 14, r15: 15 } as const;

/** Unwind codes by what they do; `at` is the offset of the end of the instruction. */
export const code = {
  push: (at: number, register: number): number[] => [at, register << 4],
  small: (at: number, bytes: number): number[] => [at, 2 | ((bytes / 8 - 1) << 4)],
  large: (at: number, bytes: number): number[] => [at, 1, (bytes / 8) & 0xff, bytes / 8 / 256],
  huge: (at: number, bytes: number): number[] => [at, 0x11, ...words(bytes)],
  frame: (at: number): number[] => [at, 3],
  save: (at: number, register: number, offset: number): number[] => [at, 4 | (register << 4), (offset / 8) & 0xff, offset / 8 / 256],
  saveFar: (at: number, register: number, offset: number): number[] => [at, 5 | (register << 4), ...words(offset)],
  xmm: (at: number, register: number, offset: number): number[] => [at, 8 | (register << 4), (offset / 16) & 0xff, offset / 16 / 256],
  xmmFar: (at: number, register: number, offset: number): number[] => [at, 9 | (register << 4), ...words(offset)],
  machine: (at: number, hasError: boolean): number[] => [at, hasError ? 0x1a : 0x0a],
  /** Version 2: the bytes of each epilog, whether one is last, and the distance of one from the end. */
  epilogs: (bytes: number, isLast: boolean, distance: number): number[] => [bytes, isLast ? 0x16 : 0x06, distance & 0xff, 6 | ((distance >>> 8) << 4)],
} as const;

/** An UNWIND_INFO; codes come with the last operation of the prolog first. */
export function unwindInfo(parts: { readonly codes?: readonly (readonly number[])[]; readonly prolog?: number; readonly version?: number; readonly flags?: number; readonly frame?: readonly [register: number, distance: number]; readonly chain?: readonly [start: number, end: number, unwind: number]; readonly slots?: number }): Buffer {
  const { codes = [], version = 1, chain, flags = chain === undefined ? 0 : 4, frame = [0, 0] } = parts;
  const bytes = codes.flat();
  const prolog = parts.prolog ?? Math.max(0, ...codes.map(([at]) => at!));
  const head = Buffer.of(version | (flags << 3), prolog, parts.slots ?? bytes.length / 2, frame[0] | ((frame[1] / 16) << 4));
  return Buffer.concat([head, Buffer.from(bytes), Buffer.alloc(bytes.length % 4), ...(chain === undefined ? [] : [words(...chain)])]);
}

/** What lies in an image. */
export type X64Parts = {
  /** Entries, addresses relative to the code; their unwind data relative to `.xdata`. */
  readonly functions: readonly (readonly [start: number, end: number, unwind: number])[];
  readonly xdata: Uint8Array;
  readonly code?: Uint8Array;
};

/** The file. */
export function x64Image({ functions, xdata, code: bytes = Buffer.alloc(0x1000, 0x90) }: X64Parts): Buffer {
  const entries = functions.flatMap(([start, end, unwind]) => [codeRva + start, codeRva + end, xdataRva + unwind]);
  const pdata = Buffer.from(Uint32Array.from(entries).buffer);
  return buildPe({
    sections: [
      { name: ".text", rva: codeRva, bytes, isCode: true },
      { name: ".xdata", rva: xdataRva, bytes: xdata },
      { name: ".pdata", rva: pdataRva, bytes: pdata },
    ],
    directories: { 3: [pdataRva, pdata.length] },
  });
}

/** What a compile makes of a file. */
export type CompiledPe = { readonly symbols: SymbolCache; readonly warnings: { readonly [reason: string]: number } };

/** Compiles a file as products do. */
export function compilePe(file: Uint8Array): CompiledPe {
  const compiled = compileBytes([bytesOf(file)]);
  if (!compiled.ok) throw new Error(compiled.problem.message);
  const symbols = cacheOfBytes("pe.cache", compiled.value);
  return { symbols, warnings: symbols.meta().warnings };
}

/** All rows as text: addresses relative to the code, `*` at the first row of a function; `-` where no function is. */
export function rowsText({ symbols }: CompiledPe): string[] {
  const lines: string[] = [];
  for (let row = 0; symbols.rowStart(row) !== 0xffff_ffff; row++) {
    const start = symbols.rowStart(row);
    const found = symbols.unwindRow(start);
    const rule = found < 0 ? "-" : ruleText(registerFiles.amd64, symbols.rules, symbols.rowRule(found), symbols.expressions) || "nothing";
    lines.push(`${(start - codeRva).toString(16)}${found >= 0 && symbols.rowIsEntry(found) ? "*" : ""} ${rule}`);
  }
  return lines;
}
