// A report as JSON: the whole of rust-minidump's schema, so that what reads its
// output reads ours, and what Deadair adds.
//
// Every key that rust-minidump's minidump-stackwalk --json prints is here, in
// its order (by name), null where the report does not say; so a diff of the two
// is a diff of facts. What is ours (marked so in report.ts) comes after, inside
// each object, and is left out where the report has none. `crashing_thread`
// is, as there, a copy of that thread with its index and, on its first frame,
// its registers. Never filled, since nothing here knows them: `cert_subject`,
// `modules_contains_cert_info` and `symbol_url`.
//
// Known differences: a debug file, debug id or code id that a module does not
// have is null, where rust-minidump prints an empty text or zeros; so is a
// main module where there is none. Modules are in the report's order: that of
// the dump for our own walker, as there, by address for Breakpad's.
//
// The text is written by hand (json-text.ts says why) in four parts: the crash
// (crash-json.ts), threads and frames (stack-json.ts), modules
// (module-json.ts), and the rest here. So a field that is added to report.ts
// must be added here; the test of this file fails until it is. In
// `soft_errors`, which is JSON of the dump's writer, what is nested too deep
// for JSON.stringify is left out.
import { crashJson } from "./crash-json.ts";
import { list, listOrNull, numberOrNull, pairs, quoted, quotedOrNull } from "./json-text.ts";
import { moduleJson } from "./module-json.ts";
import type { Report } from "./report.ts";
import { stacksJson } from "./stack-json.ts";

/** How a report is written. */
export type ReportJsonOptions = {
  /** With line breaks and indents of two, for people. Defaults to false. */
  readonly pretty?: boolean;
};

/** The whole report as JSON text, without a newline at its end. */
export function reportJson(report: Report, options: ReportJsonOptions = {}): string {
  const { threads, crashed } = stacksJson(report);
  let text = `{"crash_info":${crashJson(report.crash_info)}`;
  if (crashed !== null) text += `,"crashing_thread":${crashed}`;
  text += `,"handles":${listOrNull(report.handles, handleJson)},"linux_memory_map_count":${numberOrNull(report.linux_memory_map_count)},"lsb_release":${lsbJson(report.lsb_release)},"mac_boot_args":${quotedOrNull(report.mac_boot_args)},"mac_crash_info":${macJson(report.mac_crash_info)},"main_module":${numberOrNull(report.main_module)},"modules":${list(report.modules, moduleJson)},"modules_contains_cert_info":false,"pid":${numberOrNull(report.pid)},"proc_limits":${limitsJson(report.proc_limits)},"process_uptime":${numberOrNull(report.process_uptime)},"soft_errors":${foreignJson(report.soft_errors)},"status":"OK","system_info":${systemJson(report.system_info)},"thread_count":${report.thread_count},"threads":${threads},"unloaded_modules":${list(report.unloaded_modules, unloadedJson)},"walker":${quoted(report.walker)},"annotations":${pairs(report.annotations)}`;
  if (report.unread_streams !== undefined) text += `,"unread_streams":${list(report.unread_streams, streamJson)}`;
  if (report.notes !== undefined) text += `,"notes":${list(report.notes, quoted)}`;
  if (report.breakpad !== undefined) text += `,"breakpad":{"crash_type":${quotedOrNull(report.breakpad.crash_type)},"os_ver":${quotedOrNull(report.breakpad.os_ver)}}`;
  text += "}";
  return options.pretty === true ? JSON.stringify(JSON.parse(text), null, 2) : text;
}

function unloadedJson(module: Report["unloaded_modules"][number]): string {
  return `{"base_addr":${quoted(module.base_addr)},"cert_subject":null,"code_id":${quotedOrNull(module.code_id)},"end_addr":${quoted(module.end_addr)},"filename":${quoted(module.filename)}}`;
}

function systemJson(system: Report["system_info"]): string {
  return `{"cpu_arch":${quotedOrNull(system.cpu_arch)},"cpu_count":${numberOrNull(system.cpu_count)},"cpu_info":${quotedOrNull(system.cpu_info)},"cpu_microcode_version":${quotedOrNull(system.cpu_microcode_version)},"os":${quotedOrNull(system.os)},"os_ver":${quotedOrNull(system.os_ver)}}`;
}

function handleJson(handle: NonNullable<Report["handles"]>[number]): string {
  return `{"handle":${numberOrNull(handle.handle)},"object_name":${quotedOrNull(handle.object_name)},"type_name":${quotedOrNull(handle.type_name)}}`;
}

function lsbJson(lsb: Report["lsb_release"]): string {
  if (lsb === null || lsb === undefined) return "null";
  return `{"codename":${quotedOrNull(lsb.codename)},"description":${quotedOrNull(lsb.description)},"id":${quotedOrNull(lsb.id)},"release":${quotedOrNull(lsb.release)}}`;
}

function macJson(info: Report["mac_crash_info"]): string {
  return info === null || info === undefined ? "null" : `{"num_records":${numberOrNull(info.num_records)},"records":${list(info.records, macRecordJson)}}`;
}

const macFields = ["abort_cause", "backtrace", "dialog_mode", "message", "message2", "module", "signature_string", "thread"];

function macRecordJson(record: { readonly [field: string]: string | null }): string {
  const whole: { [field: string]: string | null } = {};
  for (const field of macFields) whole[field] = record[field] ?? null;
  return pairs({ ...whole, ...record });
}

function limitsJson(limits: Report["proc_limits"]): string {
  if (limits === null || limits === undefined) return "null";
  const rows = list(limits.limits, (row) => `{"hard":${quoted(row.hard)},"name":${quoted(row.name)},"soft":${quoted(row.soft)},"unit":${quoted(row.unit)}}`);
  return `{"limits":${rows}}`;
}

function streamJson(stream: NonNullable<Report["unread_streams"]>[number]): string {
  return `{"type":${quoted(stream.type)},"name":${quotedOrNull(stream.name)},"status":${quoted(stream.status)}}`;
}

function foreignJson(value: unknown): string {
  if (value === undefined || value === null) return "null";
  try {
    return JSON.stringify(value) ?? "null";
  } catch (error) {
    if (error instanceof RangeError) return "null";
    throw error;
  }
}
