// CPU contexts: the registers of a thread at one moment.
//
// There are five layouts, and nothing before the registers says which one it
// is: the flags, whose high bits name the architecture, lie at different
// offsets. So the system info's architecture says where to look, and the flags
// must agree; where they do not, or where there is no system info, each layout
// is tried by its size and flags. Layouts are those of winnt.h and Breakpad's
// minidump_cpu_*.h.
import { registerFiles, type Arch } from "../../symbols/registers.ts";
import type { ByteSource } from "./byte-source.ts";
import type { Location } from "./directory.ts";
import type { CpuContext } from "./model.ts";

type Layout = {
  readonly arch: Arch;
  /** Bytes of the whole context; writers may append to it. */
  readonly bytes: number;
  /** Offset of the flags; those of the old arm64 layout have 64 bits, of which the lower half counts. */
  readonly flagsAt: number;
  readonly wideFlags: boolean;
  /** The bit that names the architecture. */
  readonly flag: number;
  /** Offset of each register, in the order of `registerFiles`. */
  readonly offsets: readonly number[];
};

const run = (from: number, step: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i * step);

const layouts: readonly Layout[] = [
  // eax, ecx, edx, ebx, esp, ebp, esi, edi, eip, eflags
  { arch: "x86", bytes: 716, flagsAt: 0, wideFlags: false, flag: 0x0001_0000, offsets: [0xb0, 0xac, 0xa8, 0xa4, 0xc4, 0xb4, 0xa0, 0x9c, 0xb8, 0xc0] },
  // rax, rdx, rcx, rbx, rsi, rdi, rbp, rsp, r8 to r15, rip
  { arch: "amd64", bytes: 1232, flagsAt: 48, wideFlags: false, flag: 0x0010_0000, offsets: [0x78, 0x88, 0x80, 0x90, 0xa8, 0xb0, 0xa0, 0x98, ...run(0xb8, 8, 8), 0xf8] },
  { arch: "arm", bytes: 368, flagsAt: 0, wideFlags: false, flag: 0x4000_0000, offsets: run(4, 4, 16) },
  { arch: "arm64", bytes: 912, flagsAt: 0, wideFlags: false, flag: 0x0040_0000, offsets: run(8, 8, 33) },
  // Breakpad's own of before Windows had one.
  { arch: "arm64", bytes: 796, flagsAt: 0, wideFlags: true, flag: 0x8000_0000, offsets: run(8, 8, 33) },
];

/** Bits of the flags that name architectures: those above, SPARC, PPC, PPC64, MIPS64, MIPS and Alpha. */
const ARCH_BITS = 0xf15f_0000;
/** Windows' own use of the highest bits: CONTEXT_EXCEPTION_REPORTING, _REQUEST, CONTEXT_SERVICE_ACTIVE, CONTEXT_EXCEPTION_ACTIVE. */
const WINDOWS_BITS = 0xd800_0000;

function fits(source: ByteSource, { rva, size }: Location, layout: Layout): boolean {
  if (size < layout.bytes) return false;
  const flags = layout.wideFlags ? source.low(rva + layout.flagsAt) : source.u32(rva + layout.flagsAt);
  const ignored = layout.flag < 0x0100_0000 ? WINDOWS_BITS : 0;
  return (flags & ARCH_BITS & ~ignored) >>> 0 === layout.flag;
}

/** The architecture of the context at a location; null when it is not in the file or of no architecture that is known. `expected`, if any, is tried first. */
export function contextArch(source: ByteSource, at: Location, expected: Arch | null): Arch | null {
  return layoutOf(source, at, expected)?.arch ?? null;
}

function layoutOf(source: ByteSource, at: Location, expected: Arch | null): Layout | null {
  if (at.size === 0 || !source.holds(at.rva, at.size)) return null;
  let other: Layout | null = null;
  for (const layout of layouts) {
    if (!fits(source, at, layout)) continue;
    if (expected === null || layout.arch === expected) return layout;
    other ??= layout;
  }
  return other;
}

/** Reads a context; null when there is none, or it is not of the `expected` architecture. Without an expectation its own flags decide. As in rust-minidump all registers are valid then. */
export function readContext(source: ByteSource, at: Location, expected: Arch | null): CpuContext | null {
  const layout = layoutOf(source, at, expected);
  if (!layout || (expected !== null && layout.arch !== expected)) return null;
  const { names, wordBytes } = registerFiles[layout.arch];
  const words = new Uint32Array(names.length * 2);
  for (let i = 0; i < names.length; i++) {
    const from = at.rva + layout.offsets[i]!;
    words[2 * i] = wordBytes === 4 ? source.u32(from) : source.low(from);
    if (wordBytes === 8) words[2 * i + 1] = source.high(from);
  }
  const valid = new Uint32Array(2);
  for (let i = 0; i < names.length; i++) valid[i >>> 5]! |= 1 << (i & 31);
  return { arch: layout.arch, words, valid };
}
