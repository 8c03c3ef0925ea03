// Compiles a Breakpad symbol file into a module's builder, in one pass.
//
// What: `.sym` text in (header.ts shows the records), functions, lines and
// unwind rows out (cache/module-builder.ts). Steps:
//
//  1. The MODULE line says whether this is a symbol file at all; UTF-16,
//     archives, PDBs and the like are refused with what they are.
//  2. Whole lines go to a `RecordPass`, a few megabytes at a time: a file is
//     read piece by piece, so a gigabyte of symbols needs the memory of its
//     cache and not its own.
//  3. What the pass could not read is counted in the builder's warnings, by
//     reason (compile-warnings.ts).
//
// A record that cannot be read is skipped, and counted by reason in the
// cache's META; Breakpad gives up on a file after a
// hundred of those, which helps nobody. What is left out: addresses beyond
// 4 GiB, records longer than a read, functions without size.
//
// Time is linear in the file but for sorting what is not in order; memory is
// bounded by a small multiple of the file whatever it holds. It is synchronous,
// so that a pool can run it in a thread.
import { type Result, ok } from "../../config/problem.ts";
import type { ModuleBuilder } from "../cache/module-builder.ts";
import type { DebugFile, DebugFileFacts } from "../debug-file.ts";
import { type FileBytes, readBytes } from "../file-bytes.ts";
import { type Arch, registerFiles } from "../registers.ts";
import { type TakenRecords, RecordPass } from "./compile-records.ts";
import { occurred } from "./compile-warnings.ts";
import { type SymbolHeader, headerPrefixBytes, readSymbolHeader } from "./header.ts";

/** Bytes read at a time; a record that is longer is left out. */
const readBytesMax = 4 * 1024 * 1024;

/** Opens a symbol file. Refuses with `not_a_symbol_file` or `bad_module_record`. What it holds is only known when it is read: `holds` claims all. */
export function openBreakpad(bytes: FileBytes): Result<DebugFile> {
  const header = readSymbolHeader(readBytes(bytes, 0, Math.min(bytes.size, headerPrefixBytes))!);
  if (!header.ok) return header;
  const arch = archOf(header.value.arch);
  const add = (builder: ModuleBuilder, taken: TakenRecords): Result<null> => {
    // Whoever wrote the file has spelled its names; crashes are grouped by them.
    builder.keepNames();
    const pass = new RecordPass(builder, arch === null ? null : registerFiles[arch], taken);
    readRecords(bytes, pass);
    for (const [reason, times] of Object.entries(occurred(pass.tally))) builder.warn(reason, times);
    return ok(null);
  };
  return ok({
    facts: factsOf(header.value, arch),
    addNames: (builder) => add(builder, { names: true, unwind: false }),
    addUnwind: (builder) => add(builder, { names: false, unwind: true }),
    addAll: (builder) => add(builder, { names: true, unwind: true }),
  });
}

function factsOf(header: SymbolHeader, arch: Arch | null): DebugFileFacts {
  const { os, arch: archName, debugId, debugFile, codeId, codeFile, generator } = header;
  return { kind: "breakpad", os, archName, arch, debugId, debugFile, codeId, codeFile, generator, holds: { functions: true, publics: true, lines: true, inlines: true, unwind: true }, lacks: [] };
}

/** Gives all whole lines to the pass, piece by piece. */
function readRecords(bytes: FileBytes, pass: RecordPass): void {
  const buffer = new Uint8Array(Math.min(readBytesMax, bytes.size + 1));
  let filled = 0;
  let inOverlong = false;
  for (let read = 0; read < bytes.size || filled > 0; ) {
    const more = Math.min(buffer.length - filled, bytes.size - read);
    bytes.read(read, buffer.subarray(filled, filled + more));
    read += more;
    filled += more;
    const isLast = read === bytes.size;
    let start = 0;
    if (inOverlong) {
      start = buffer.subarray(0, filled).indexOf(0x0a) + 1;
      inOverlong = start === 0;
    }
    const end = inOverlong ? 0 : buffer.subarray(0, filled).lastIndexOf(0x0a) + 1;
    if (end > start) pass.take(buffer, start, end);
    if (isLast) {
      if (!inOverlong) takeLastLine(pass, buffer.subarray(Math.max(start, end), filled));
      break;
    }
    let rest = Math.max(start, end);
    if (rest === 0) {
      if (!inOverlong) pass.tally.overlongRecord++;
      inOverlong = true;
      rest = filled;
    }
    buffer.copyWithin(0, rest, filled);
    filled -= rest;
  }
  pass.finish();
}

function takeLastLine(pass: RecordPass, line: Uint8Array): void {
  if (line.length === 0) return;
  const bytes = new Uint8Array(line.length + 1);
  bytes.set(line);
  bytes[line.length] = 0x0a;
  pass.take(bytes, 0, bytes.length);
}

/** The architecture that a MODULE record names; null for those that cannot be walked. */
function archOf(name: string): Arch | null {
  if (/^(x86|i[3-6]86)$/i.test(name)) return "x86";
  if (/^(x86_64h?|amd64|x64)$/i.test(name)) return "amd64";
  if (/^(arm64(e|v8|_32)?|aarch64)$/i.test(name)) return "arm64";
  return /^(arm|armv\d\w*|thumb\w*)$/i.test(name) ? "arm" : null;
}
