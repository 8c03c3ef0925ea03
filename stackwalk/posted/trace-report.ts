// The parts of a report that a posted stack trace gives.
import { baseName } from "../minidump/module-list.ts";
import type { Frame, Module } from "../report.ts";
import type { PostedFrame } from "./posted-trace.ts";
import { type TraceModule, lookupOffset } from "./trace-modules.ts";

/** A frame with the name that its module's symbols give, or else with what the client sent. */
export function frameOf(frame: PostedFrame, index: number, entry: TraceModule | null): Frame {
  const at = lookupOffset(frame, index);
  const name = frame.offset === null ? null : (entry?.names.get(at) ?? null);
  const offset = frame.offset ?? 0;
  const base = entry?.module.base_addr ?? 0;
  const file = entry?.module.code_file ?? entry?.module.debug_file ?? frame.module ?? frame.debug_file;
  const isNamed = name !== null || frame.function !== null;
  return {
    frame: index,
    offset: hex(base + offset),
    module: file === null || file === undefined ? null : baseName(file),
    module_offset: frame.offset === null || entry === null ? null : hex(offset),
    function: name?.function ?? frame.function,
    function_offset: name === null ? null : hex(name.functionOffset + offset - at),
    file: name === null ? frame.file : name.file,
    line: name === null ? frame.line : name.line,
    inlines: name === null || name.inlines.length === 0 ? null : name.inlines,
    unloaded_modules: null,
    missing_symbols: !isNamed && entry?.state === "missing",
    trust: "prewalked",
  };
}

/** A module as the report lists it. */
export function moduleOf({ module, state }: TraceModule): Module {
  const codeFile = module.code_file ?? module.debug_file ?? "";
  const base = module.base_addr ?? 0;
  return {
    filename: baseName(codeFile),
    code_file: codeFile,
    base_addr: hex(base),
    end_addr: hex(base + (module.size ?? 0)),
    debug_file: module.debug_file === null ? null : baseName(module.debug_file),
    debug_id: module.debug_id,
    code_id: module.code_id,
    version: module.version,
    loaded_symbols: state === "loaded",
    missing_symbols: state === "missing",
    corrupt_symbols: state === "corrupt",
    symbol_state: state,
  };
}

/** The names that minidumps carry, so that one search finds both. */
export function osName(os: string | null): string | null {
  const names: { readonly [os: string]: string } = { windows: "Windows NT", win32: "Windows NT", macos: "Mac OS X", mac: "Mac OS X", darwin: "Mac OS X", osx: "Mac OS X", linux: "Linux", android: "Android", ios: "iOS" };
  return os === null ? null : (Object.hasOwn(names, os.toLowerCase()) ? (names[os.toLowerCase()] ?? os) : os);
}

/** Likewise for architectures. */
export function archName(arch: string | null): string | null {
  const names: { readonly [arch: string]: string } = { x86_64: "amd64", x64: "amd64", aarch64: "arm64", i386: "x86", i686: "x86" };
  return arch === null ? null : (Object.hasOwn(names, arch.toLowerCase()) ? (names[arch.toLowerCase()] ?? arch) : arch);
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
