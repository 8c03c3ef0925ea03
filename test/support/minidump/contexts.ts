// CPU contexts of synthetic dumps: flags, the registers that a test names, and
// zeros else. Layouts are those of winnt.h and Breakpad's minidump_cpu_*.h,
// written down here once more, so that the reader's table is not its own proof.
import { DumpWriter, type Place } from "./dump-writer.ts";

/** Architectures that a dump can have; `arm64-old` is Breakpad's own layout of before Windows had one. */
export type SyntheticArch = "amd64" | "x86" | "arm" | "arm64" | "arm64-old";

/** Registers at one moment. */
export type SyntheticContext = {
  readonly pc: number;
  readonly sp: number;
  /** Defaults to 0. */
  readonly fp?: number;
  /** Link register of arm and arm64; defaults to 0. */
  readonly lr?: number;
  /** Any register by name, such as `rax`, `r4` or `x19`; wins over the four above. */
  readonly registers?: { readonly [name: string]: number | bigint };
  /** Flags in place of the architecture's usual ones. */
  readonly contextFlags?: number;
};

type Layout = {
  readonly bytes: number;
  readonly flags: number;
  readonly flagsAt: number;
  readonly flagsBytes: 4 | 8;
  readonly wordBytes: 4 | 8;
  readonly offsets: { readonly [name: string]: number };
  readonly special: { readonly pc: string; readonly sp: string; readonly fp: string; readonly lr: string | null };
};

const spread = (prefix: string, from: number, to: number, at: number, step: number): { [name: string]: number } =>
  Object.fromEntries(Array.from({ length: to - from + 1 }, (_, i) => [`${prefix}${from + i}`, at + i * step]));

const arm64Offsets = { ...spread("x", 0, 28, 8, 8), fp: 0xf0, lr: 0xf8, sp: 0x100, pc: 0x108 };
const arm64Special = { pc: "pc", sp: "sp", fp: "fp", lr: "lr" };

const layouts: { readonly [arch in SyntheticArch]: Layout } = {
  x86: {
    bytes: 716, flags: 0x0001_003f, flagsAt: 0, flagsBytes: 4, wordBytes: 4,
    offsets: { gs: 0x8c, fs: 0x90, es: 0x94, ds: 0x98, edi: 0x9c, esi: 0xa0, ebx: 0xa4, edx: 0xa8, ecx: 0xac, eax: 0xb0, ebp: 0xb4, eip: 0xb8, cs: 0xbc, eflags: 0xc0, esp: 0xc4, ss: 0xc8 },
    special: { pc: "eip", sp: "esp", fp: "ebp", lr: null },
  },
  amd64: {
    bytes: 1232, flags: 0x0010_001f, flagsAt: 0x30, flagsBytes: 4, wordBytes: 8,
    offsets: { rax: 0x78, rcx: 0x80, rdx: 0x88, rbx: 0x90, rsp: 0x98, rbp: 0xa0, rsi: 0xa8, rdi: 0xb0, ...spread("r", 8, 15, 0xb8, 8), rip: 0xf8 },
    special: { pc: "rip", sp: "rsp", fp: "rbp", lr: null },
  },
  arm: {
    bytes: 368, flags: 0x4000_0006, flagsAt: 0, flagsBytes: 4, wordBytes: 4,
    offsets: { ...spread("r", 0, 12, 4, 4), fp: 4 + 11 * 4, sp: 4 + 13 * 4, lr: 4 + 14 * 4, pc: 4 + 15 * 4 },
    special: { pc: "pc", sp: "sp", fp: "fp", lr: "lr" },
  },
  arm64: { bytes: 912, flags: 0x0040_0007, flagsAt: 0, flagsBytes: 4, wordBytes: 8, offsets: arm64Offsets, special: arm64Special },
  "arm64-old": { bytes: 796, flags: 0x8000_0006, flagsAt: 0, flagsBytes: 8, wordBytes: 8, offsets: arm64Offsets, special: arm64Special },
};

/** Writes a context. */
export function writeContext(out: DumpWriter, arch: SyntheticArch, context: SyntheticContext): Place {
  const { bytes, flags, flagsAt, flagsBytes, wordBytes, offsets, special } = layouts[arch];
  const named = new Map<string, number | bigint>([
    [special.pc, context.pc],
    [special.sp, context.sp],
    [special.fp, context.fp ?? 0],
  ]);
  if (special.lr) named.set(special.lr, context.lr ?? 0);
  // What a real one has, for those who print segments and flags.
  if (arch === "x86") named.set("cs", 0x23).set("ss", 0x2b).set("eflags", 0x246);
  for (const [name, value] of Object.entries(context.registers ?? {})) named.set(name, value);

  const body = new DumpWriter(out.little);
  const values = new Map([...named].map(([name, value]) => [offsetOf(offsets, name), value]));
  for (let at = 0; at < bytes; at += 4) {
    const value = values.get(at);
    if (at === flagsAt) {
      const word = context.contextFlags ?? flags;
      if (flagsBytes === 8) body.u64(word);
      else body.u32(word);
    } else if (arch === "amd64" && at === 0x38) body.u16(0x33).u16(0);
    else if (arch === "amd64" && at === 0x44) body.u32(0x246);
    else if (value === undefined) body.u32(0);
    else if (wordBytes === 8) body.u64(value);
    else body.u32(Number(BigInt.asUintN(32, BigInt(value))));
    at = body.size - 4;
  }
  const rva = out.align();
  out.raw(body.bytes());
  return { rva, size: bytes };
}

function offsetOf(offsets: Layout["offsets"], name: string): number {
  const at = offsets[name];
  if (at === undefined) throw new Error(`no register ${name}`);
  return at;
}
