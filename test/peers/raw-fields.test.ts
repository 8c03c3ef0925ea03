// What Breakpad's minidump_dump and rust-minidump's --dump print of raw fields,
// against what our reader has: every dump of the corpus by the shipped
// minidump_dump in the same run, and the two expected texts that the peers keep.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { shippedWalker } from "../../stackwalk/breakpad/walker-binary.ts";
import type { CpuContext, Minidump } from "../../stackwalk/minidump/model.ts";
import { registerFiles } from "../../symbols/registers.ts";
import { corpus, corpusAbsent, ofCorpus, peerDumps, withDump } from "./peer-dumps.ts";
import { parseRawText, type RawBlock, rawNumber, rawString } from "./raw-text.ts";

const walker = shippedWalker();
const tool = walker === null ? null : join(dirname(walker.path), "minidump_dump");
const toolAbsent = tool === null || !existsSync(tool);

/** Fields in which the two readings differ, as `what: ours, theirs`. */
function rawDifferences(dump: Minidump, blocks: readonly RawBlock[]): { readonly compared: number; readonly differences: string[] } {
  const differences: string[] = [];
  let compared = 0;
  const check = (what: string, ours: unknown, theirs: unknown): void => {
    compared++;
    if (!Object.is(ours, theirs)) differences.push(`${what}: ours ${String(ours)}, theirs ${String(theirs)}`);
  };
  const of = (...headings: string[]): RawBlock[] => blocks.filter(({ heading }) => headings.includes(heading));
  const threads = of("MDRawThread", "MINIDUMP_THREAD");
  const modules = of("MDRawModule", "MINIDUMP_MODULE");
  if (threads.length > 0) check("threads", dump.threads.length, threads.length);
  if (modules.length > 0) check("modules", dump.modules.length, modules.length);
  for (const [i, { fields }] of threads.entries()) {
    const thread = dump.threads[i];
    check(`thread ${i} id`, thread?.id, rawNumber(fields["thread_id"]));
    check(`thread ${i} suspend count`, thread?.suspendCount, rawNumber(fields["suspend_count"]));
    check(`thread ${i} priority class`, thread?.priorityClass, rawNumber(fields["priority_class"]));
    check(`thread ${i} priority`, thread?.priority, rawNumber(fields["priority"]));
    check(`thread ${i} teb`, thread?.teb, rawNumber(fields["teb"]));
    check(`thread ${i} stack start`, thread?.stackStart, rawNumber(fields["stack.start_of_memory_range"]));
    if (thread?.stack) check(`thread ${i} stack size`, thread.stack.size, rawNumber(fields["stack.memory.data_size"]));
  }
  for (const [i, { fields }] of modules.entries()) {
    const module = dump.modules[i];
    check(`module ${i} base`, module?.base, rawNumber(fields["base_of_image"]));
    check(`module ${i} size`, module?.size, rawNumber(fields["size_of_image"]));
    check(`module ${i} checksum`, module?.checksum, rawNumber(fields["checksum"]));
    check(`module ${i} time`, module?.timestamp, rawNumber(fields["time_date_stamp"]));
    check(`module ${i} code file`, module?.codeFile, rawString(fields["(code_file)"]) ?? "");
    check(`module ${i} version`, module?.version ?? "", rawString(fields["(version)"]) ?? "");
    // rust-minidump separates the age by a dash and writes small letters.
    check(`module ${i} debug id`, module?.debugId ?? "", spelling(rawString(fields["(debug_identifier)"])));
    if (module?.debugId) check(`module ${i} debug file`, module.debugFile ?? "", rawString(fields["(debug_file)"]) ?? "");
  }
  for (const { heading, above, fields } of blocks) {
    if (!/^(MDRawContext|CONTEXT_)/.test(heading)) continue;
    const index = /^thread\[(\d+)\]$/.exec(above)?.[1];
    // The exception's context comes after all lists; its heading stands below the last list's item.
    const context = index === undefined ? dump.exception?.context() : dump.threads[Number(index)]?.context();
    if (context) for (const [name, value] of registersOf(context)) check(`${above} ${name}`, value, hexOf(fields[name]));
  }
  for (const { fields } of of("MDException", "MINIDUMP_EXCEPTION")) {
    const exception = dump.exception;
    const record = (name: string) => fields[`exception_record.${name}`];
    check("exception thread", exception?.threadId, rawNumber(fields["thread_id"]));
    check("exception code", exception?.code, rawNumber(record("exception_code")));
    check("exception flags", exception?.flags, rawNumber(record("exception_flags")));
    check("exception address", wordsHex(exception?.addressLow ?? 0, exception?.addressHigh ?? 0), hexOf(record("exception_address")));
    check("exception parameters", exception?.parameters.length, Math.min(15, rawNumber(record("number_parameters"))));
    for (const [i, { low, high }] of (exception?.parameters ?? []).entries()) {
      const theirs = record(`exception_information[${String(i).padStart(2)}]`) ?? record(`exception_information[${i}]`);
      if (theirs !== undefined) check(`exception parameter ${i}`, wordsHex(low, high), hexOf(theirs));
    }
  }
  for (const { fields } of of("MDRawSystemInfo", "MINIDUMP_SYSTEM_INFO")) {
    check("platform", dump.system?.platform, rawNumber(fields["platform_id"]));
    check("processors", dump.system?.cpuCount, rawNumber(fields["number_of_processors"]));
    check("version", dump.system?.osVersionNumber, ["major_version", "minor_version", "build_number"].map((name) => rawNumber(fields[name])).join("."));
    // rust-minidump does not print it.
    if (fields["(csd_version)"] !== undefined) check("service pack", dump.system?.servicePack ?? "", rawString(fields["(csd_version)"]) ?? "");
  }
  for (const { fields } of of("MDRawMiscInfo", "MINIDUMP_MISC_INFO")) {
    if (fields["process_id"] !== "(invalid)") check("process", dump.processId, rawNumber(fields["process_id"]));
    if (/^(0x|\d)/.test(fields["process_create_time"] ?? "")) check("process start", dump.processCreatedAt ?? 0, rawNumber(fields["process_create_time"]));
  }
  const infos = of("MDRawMemoryInfo");
  if (infos.length > 0) check("memory infos", dump.addressSpace?.ranges.length, infos.length);
  for (const { fields } of infos) {
    const base = rawNumber(fields["base_address"]);
    // Addresses past 2^53 are of no process.
    if (!Number.isSafeInteger(base)) continue;
    const range = dump.addressSpace?.at(base) ?? null;
    const [committed, protection] = [rawNumber(fields["state"]) === 0x1000, rawNumber(fields["protection"])];
    check(`memory info ${fields["base_address"]} base`, range?.base, base);
    check(`memory info ${fields["base_address"]} size`, range?.size, rawNumber(fields["region_size"]));
    check(`memory info ${fields["base_address"]} committed`, range?.committed, committed);
    // PAGE_EXECUTE and its three companions; PAGE_READWRITE, PAGE_WRITECOPY and those two with EXECUTE.
    if (committed) check(`memory info ${fields["base_address"]} executable`, range?.executable, (protection & 0xf0) !== 0);
    if (committed) check(`memory info ${fields["base_address"]} writable`, range?.writable, (protection & 0xcc) !== 0);
  }
  return { compared, differences };
}

/** Registers by their Breakpad names, as hex. */
function registersOf({ arch, words }: CpuContext): [string, string][] {
  if (arch !== "x86" && arch !== "amd64") return [];
  return registerFiles[arch].names.map((name, i) => [name, wordsHex(words[2 * i]!, words[2 * i + 1]!)]);
}

const wordsHex = (low: number, high: number): string => `0x${((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)).toString(16)}`;
const hexOf = (text: string | undefined): string => `0x${BigInt(/^(0x[0-9a-f]+|\d+)/.exec(text ?? "")?.[1] ?? "0x0").toString(16)}`;

function spelling(id: string | null): string {
  if (id === null) return "";
  const dashed = /^(\w{8}-\w{4}-\w{4}-\w{4}-\w{12})(?:-(\w+))?$/.exec(id);
  return (dashed ? `${dashed[1]?.replaceAll("-", "")}${dashed[2] ?? "0"}` : id).toUpperCase();
}

const testdata = join(corpus, "google+breakpad/src/processor/testdata");
const snapshots = join(corpus, "rust-minidump+rust-minidump/minidump-stackwalk/tests/snapshots");

describe(`raw fields${ofCorpus}`, () => {
  it.skipIf(corpusAbsent).each([
    ["Breakpad's minidump2.dump.out", join(testdata, "minidump2.dmp"), join(testdata, "minidump2.dump.out")],
    ["rust-minidump's dump.snap", join(corpus, "rust-minidump+rust-minidump/testdata/test.dmp"), join(snapshots, "test_minidump_stackwalk__dump.snap")],
    ["rust-minidump's dump-brief.snap", join(corpus, "rust-minidump+rust-minidump/testdata/test.dmp"), join(snapshots, "test_minidump_stackwalk__dump-brief.snap")],
  ])("are as in %s", (_, path, text) => {
    const { compared, differences } = withDump(path, (dump) => rawDifferences(dump, parseRawText(readFileSync(text, "utf8"))));
    expect(differences).toEqual([]);
    expect(compared).toBeGreaterThan(150);
  });

  it.skipIf(toolAbsent)("are as the shipped minidump_dump reads them, in every dump", { timeout: 60_000 }, () => {
    let total = 0;
    for (const { name, path } of peerDumps()) {
      // It fails after printing what it could when a stream is missing or too large for it.
      const text = spawnSync(tool!, [path], { stdio: ["ignore", "pipe", "ignore"], maxBuffer: 1e8 }).stdout.toString("latin1");
      const { compared, differences } = withDump(path, (dump) => rawDifferences(dump, parseRawText(text)));
      expect(differences.slice(0, 20), name).toEqual(knownDifferences[name] ?? []);
      total += compared;
    }
    console.log(`raw fields: ${total} compared with minidump_dump`);
    expect(total).toBeGreaterThan(1000);
  });
});

/** Differences that stand, by dump. */
const knownDifferences: { readonly [dump: string]: readonly string[] } = {};
