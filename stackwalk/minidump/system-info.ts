// The system info and misc info streams: which machine and process this was.
import type { Arch } from "../../symbols/registers.ts";
import type { ByteSource } from "./byte-source.ts";
import { cpuInfo } from "./cpu-info.ts";
import type { Location } from "./directory.ts";
import type { SystemInfo } from "./model.ts";

const osNames: { readonly [platform: number]: string } = {
  1: "windows", 2: "windows", 0x8101: "mac", 0x8102: "ios", 0x8201: "linux", 0x8202: "solaris",
  0x8203: "android", 0x8204: "ps3", 0x8205: "nacl", 0x8206: "fuchsia",
};
const archNames: { readonly [arch: number]: string } = {
  0: "x86", 1: "mips", 3: "ppc", 5: "arm", 9: "amd64", 10: "x86", 12: "arm64",
  0x8001: "sparc", 0x8002: "ppc64", 0x8003: "arm64", 0x8004: "mips64", 0x8005: "riscv", 0x8006: "riscv64",
};
const walkable: { readonly [name: string]: Arch } = { x86: "x86", amd64: "amd64", arm: "arm", arm64: "arm64" };

/** True for Windows, where modules are PE files. */
export function isWindows(platform: number | null): boolean {
  return platform === 1 || platform === 2;
}

/** True for the systems whose modules are ELF files. */
export function isElf(platform: number | null): boolean {
  return platform === 0x8201 || platform === 0x8203 || platform === 0x8206;
}

/** True for macOS and iOS, whose modules are Mach-O files. */
export function isMac(platform: number | null): boolean {
  return platform === 0x8101 || platform === 0x8102;
}

/** Reads the system info stream; null when it is not there in full. */
export function readSystemInfo(source: ByteSource, { rva, size }: Location): SystemInfo | null {
  if (size < 32 || !source.holds(rva, size)) return null;
  const archNumber = source.u16(rva);
  const platform = source.u32(rva + 20);
  const pack = source.string(source.u32(rva + 24));
  const version = `${source.u32(rva + 8)}.${source.u32(rva + 12)}.${source.u32(rva + 16)}`;
  const arch = archNames[archNumber] ?? `0x${archNumber.toString(16).padStart(4, "0")}`;
  return {
    platform,
    os: osNames[platform] ?? `0x${platform.toString(16).padStart(8, "0")}`,
    osVersion: pack ? `${version} ${pack}` : version,
    osVersionNumber: version,
    servicePack: pack,
    arch,
    cpu: walkable[arch] ?? null,
    // The processor's own words follow at 32.
    cpuInfo: size >= 56 ? cpuInfo(source, rva, arch) : "",
    cpuCount: source.u8(rva + 6),
  };
}

/** What the misc info stream says of the process. It grew over time; only its first fields matter here. */
export type MiscInfo = {
  /** Null when not told. */
  readonly processId: number | null;
  /** Seconds since 1970; null when not told. */
  readonly createdAt: number | null;
};

/** Reads the misc info stream of any version: size, flags, process id, times of creation, user and kernel mode. */
export function readMiscInfo(source: ByteSource, { rva, size }: Location): MiscInfo {
  if (size < 12 || !source.holds(rva, size)) return { processId: null, createdAt: null };
  // MINIDUMP_MISC1_PROCESS_ID and MINIDUMP_MISC1_PROCESS_TIMES are bits 0 and 1 of Flags1.
  const flags = source.u32(rva + 4);
  return {
    processId: (flags & 1) === 0 ? null : source.u32(rva + 8),
    createdAt: (flags & 2) === 0 || size < 24 ? null : source.u32(rva + 12),
  };
}
