// The fields of a report that are facts of the dump and need no walk: the
// machine, the lists, what the writer noted. Spelling and nulls follow
// rust-minidump's JSON, so that the two can be compared text by text.
import { hex } from "../hex.ts";
import type { LinuxInfo, Minidump, SystemInfo } from "../minidump/model.ts";
import { baseName } from "../minidump/module-list.ts";
import type { Report } from "../report.ts";

const osNames: { readonly [os: string]: string } = {
  windows: "Windows NT",
  mac: "Mac OS X",
  ios: "iOS",
  linux: "Linux",
  android: "Android",
  solaris: "Solaris",
  ps3: "PS3",
  nacl: "NaCl",
};

/** Architectures by the names that rust-minidump prints; others are `unknown`. */
const archNames = new Set(["x86", "amd64", "ppc", "ppc64", "sparc", "arm", "arm64", "mips", "mips64"]);

/** The machine. */
export function systemInfo({ system, linux }: Minidump): Report["system_info"] {
  return {
    os: system === null ? null : (osNames[system.os] ?? system.os),
    os_ver: system === null ? null : osVersion(system),
    cpu_arch: system === null ? null : archNames.has(system.arch) ? system.arch : "unknown",
    cpu_info: system?.cpuInfo || null,
    cpu_count: system?.cpuCount ?? null,
    cpu_microcode_version: microcode(linux),
  };
}

// Breakpad and Crashpad write zeros for a Linux kernel's version and put all of
// `uname -srvmo` behind it: "Linux 6.1.0-18-amd64 #1 SMP … x86_64 GNU/Linux".
// rust-minidump takes the release out of that text and drops the last word (two
// when the last is Linux/GNU); so do we, and Breakpad's spelling stands beside.
function osVersion({ os, osVersionNumber, servicePack }: SystemInfo): string {
  const pack = servicePack?.trim() ?? "";
  const words = servicePack?.split(" ") ?? [];
  const [, release = "0.0.0", ...rest] = words;
  if (os !== "linux" || osVersionNumber !== "0.0.0" || release === "0.0.0") return pack === "" ? osVersionNumber : `${osVersionNumber} ${pack}`;
  const dropped = rest.at(-1) === "Linux/GNU" ? 2 : 1;
  return `${release} ${rest.slice(0, -dropped).join(" ")}`;
}

/** The version as Breakpad prints it: all that the dump says, one after the other. */
export function breakpadOsVersion({ system }: Minidump): string | null {
  if (system === null) return null;
  return system.servicePack === null ? system.osVersionNumber : `${system.osVersionNumber} ${system.servicePack}`;
}

function microcode(linux: LinuxInfo | null): string | null {
  const text = linux?.cpuInfo?.["microcode"];
  if (text === undefined || !/^0x[0-9a-fA-F]{1,16}$/.test(text)) return null;
  return `0x${text.slice(2).toLowerCase().replace(/^0+(?=.)/, "")}`;
}

/** Whole seconds between the start of the process and the dump; null when either is not told or they are the wrong way round. */
export function processUptime({ writtenAt, processCreatedAt }: Minidump): number | null {
  if (processCreatedAt === null || writtenAt < processCreatedAt) return null;
  return writtenAt - processCreatedAt;
}

/** The process id, by the misc info stream or /proc/PID/status. */
export function processId({ processId: id, linux }: Minidump): number | null {
  if (id !== null) return id;
  const text = linux?.procStatus?.["Pid"];
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : null;
}

/** Modules that were loaded once, in the order of the dump. */
export function unloadedModules(dump: Minidump, digits: number): Report["unloaded_modules"] {
  return dump.unloadedModules.map((module) => ({
    filename: baseName(module.codeFile),
    base_addr: hex(module.base, digits),
    end_addr: hex(module.base + module.size, digits),
    code_id: module.codeId?.toLowerCase() ?? null,
  }));
}

/** Open handles; null when the dump has no such stream. */
export function handles({ handles: list }: Minidump): NonNullable<Report["handles"]> | null {
  return list === null ? null : list.map(({ handle, typeName, objectName }) => ({ handle, type_name: typeName, object_name: objectName }));
}

/** The distribution of a Linux system; null when the dump does not say. */
export function lsbRelease({ linux }: Minidump): NonNullable<Report["lsb_release"]> | null {
  const facts = linux?.lsbRelease;
  if (!facts) return null;
  // lsb-release and os-release name the same things differently; writers keep either.
  const of = (...names: readonly string[]): string => names.map((name) => facts[name]).find((value) => value !== undefined) ?? "";
  return {
    id: of("DISTRIB_ID", "ID"),
    release: of("DISTRIB_RELEASE", "VERSION_ID"),
    codename: of("DISTRIB_CODENAME", "VERSION_CODENAME"),
    description: of("DISTRIB_DESCRIPTION", "PRETTY_NAME"),
  };
}

/** What Mac modules noted about themselves before they aborted. */
export function macCrashInfo({ macCrashInfo: records }: Minidump): NonNullable<Report["mac_crash_info"]> | null {
  if (records === null) return null;
  return {
    num_records: records.length,
    records: records.map((record) => ({
      thread: record.thread,
      dialog_mode: record.dialogMode,
      abort_cause: record.abortCause,
      module: record.module,
      message: record.message,
      signature_string: record.signature,
      backtrace: record.backtrace,
      message2: record.message2,
    })),
  };
}

/** The writer's own errors as JSON; null when there are none or they are no JSON. */
export function softErrors({ softErrors: text }: Minidump): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/** Streams that nothing was read from. */
export function unreadStreams({ streams }: Minidump): NonNullable<Report["unread_streams"]> {
  return streams.filter(({ status }) => status !== "read").map(({ type, name, status }) => ({ type: hex(type, 8), name, status }));
}
