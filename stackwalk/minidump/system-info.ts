// The system info and misc info streams: which machine and process this was.
import { record, stringAt, type Dump, type Location } from "./records.ts";

/** What the dump says of the machine. */
export type SystemInfo = {
  /** MINIDUMP_SYSTEM_INFO.PlatformId, with Breakpad's values for systems other than Windows. */
  readonly platform: number;
  /** `windows`, `mac`, `ios`, `linux`, `android` and so on; `0x…` where the number is unknown. */
  readonly os: string;
  /** `10.0.22631`, and what the system adds to it. */
  readonly osVersion: string;
  /** `x86`, `amd64`, `arm`, `arm64` and so on; `0x…` where the number is unknown. */
  readonly arch: string;
  /** Processors of the machine. */
  readonly cpuCount: number;
};

const osNames: { readonly [platform: number]: string } = {
  1: "windows", 2: "windows", 0x8101: "mac", 0x8102: "ios", 0x8201: "linux", 0x8202: "solaris",
  0x8203: "android", 0x8204: "ps3", 0x8205: "nacl", 0x8206: "fuchsia",
};
const archNames: { readonly [arch: number]: string } = {
  0: "x86", 1: "mips", 3: "ppc", 5: "arm", 9: "amd64", 10: "x86", 12: "arm64",
  0x8001: "sparc", 0x8002: "ppc64", 0x8003: "arm64", 0x8004: "mips64", 0x8005: "riscv", 0x8006: "riscv64",
};

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
export function readSystemInfo(dump: Dump, stream: Location): SystemInfo | null {
  const view = stream.size >= 32 ? record(dump, stream.rva, 32) : null;
  if (!view) return null;
  const { little } = dump;
  const arch = view.getUint16(0, little);
  const platform = view.getUint32(20, little);
  const pack = stringAt(dump, view.getUint32(24, little));
  const version = `${view.getUint32(8, little)}.${view.getUint32(12, little)}.${view.getUint32(16, little)}`;
  return {
    platform,
    os: osNames[platform] ?? `0x${platform.toString(16).padStart(8, "0")}`,
    osVersion: pack ? `${version} ${pack}` : version,
    arch: archNames[arch] ?? `0x${arch.toString(16).padStart(4, "0")}`,
    cpuCount: view.getUint8(6),
  };
}

/** The process id out of the misc info stream; null when it does not say. */
export function readProcessId(dump: Dump, stream: Location): number | null {
  const view = stream.size >= 12 ? record(dump, stream.rva, 12) : null;
  // MINIDUMP_MISC1_PROCESS_ID is bit 0 of Flags1.
  if (!view || (view.getUint32(4, dump.little) & 1) === 0) return null;
  return view.getUint32(8, dump.little);
}
