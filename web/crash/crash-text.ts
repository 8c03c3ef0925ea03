// A crash as text to paste: Markdown for a bug tracker, plain text for a mail
// or a terminal. Pure: the same crash gives the same text everywhere, so the
// tests hold it to the letter.
import type { CrashDetail } from "../../services/triage/schema.ts";
import type { Report, Thread } from "./report.ts";
import { formatBytes, formatUtc } from "../text/amounts.ts";
import { addressNote, crashFindings, lastError, shortAddress } from "./crash-findings.ts";
import { earlyEnd, stackGaps } from "./stack-gaps.ts";
import { type StackLine, crashedThread, linesOfStack, sourceOf } from "./stack-lines.ts";
import { foldThreads, threadTitle } from "./thread-folds.ts";
import { trustText } from "./trust.ts";

/** Lines of one stack in the Markdown; a bug's text is read by people. */
const markdownLines = 60;
/** Lines of one stack in the plain text. */
const plainLines = 400;

/** The crash for a bug tracker: what, where, the crashed thread, the link. */
export function crashToMarkdown(crash: CrashDetail, link: string): string {
  const lines = [`### ${escapeMarkdown(crashTitle(crash))}`, ""];
  if (crash.signature !== null) lines.push(`**Signature** ${codeSpan(crash.signature)}`);
  for (const [name, value] of crashFacts(crash)) lines.push(`**${name}** ${escapeMarkdown(value)}`);
  lines.push(`**Crash** ${link}`);
  // Two spaces end a line without starting a paragraph.
  const head = lines.map((line, index) => (index > 1 && index < lines.length - 1 ? `${line}  ` : line));
  const stack = crash.report === null ? null : crashedStack(crash.report, markdownLines);
  if (stack === null) return `${head.join("\n")}\n`;
  const fence = fenceFor(stack.text);
  return `${head.join("\n")}\n\n${stack.title}:\n\n${fence}text\n${stack.text}\n${fence}\n`;
}

/** The crash as plain text, with every thread (identical stacks once). */
export function crashToText(crash: CrashDetail, link: string): string {
  const out = [crashTitle(crash), ""];
  const facts = [...(crash.signature === null ? [] : [["Signature", crash.signature] as const]), ...crashFacts(crash), ["Crash", link] as const];
  const width = Math.max(...facts.map(([name]) => name.length));
  for (const [name, value] of facts) out.push(`${name.padEnd(width)}  ${value}`);
  const report = crash.report;
  if (report === null) return `${out.join("\n")}\n`;
  const stack = crashedStack(report, plainLines);
  if (stack !== null) out.push("", stack.title, stack.text);
  for (const fold of foldThreads(report.threads, crashedThread(report))) {
    const [first] = fold.members;
    const others = fold.members.length > 1 ? ` and ${fold.members.length - 1} more alike (${fold.members.slice(1).join(", ")})` : "";
    out.push("", `${threadTitle(fold.thread, first ?? 0)}${others}`, threadText(fold.thread, report, plainLines));
  }
  return `${out.join("\n")}\n`;
}

/** What happened, in a line: `EXCEPTION_ACCESS_VIOLATION_READ at 0x18`. */
export function crashTitle(crash: CrashDetail): string {
  const type = crash.report?.crash_info.type ?? crash.crashReason;
  const address = crash.report?.crash_info.address ?? null;
  if (type === null) return crash.state === "failed" ? "Crash that could not be read" : crash.state === "stored" ? "Crash waiting to be read" : "Crash without a reason";
  return address === null ? type : `${type} at ${shortAddress(address)}`;
}

/** The facts of a crash worth a line, in order; unknown ones are left out. */
function crashFacts(crash: CrashDetail): readonly (readonly [string, string])[] {
  const report = crash.report;
  const thread = report === null ? null : crashedThread(report);
  const threadOf = thread === null ? undefined : report?.threads[thread];
  const facts: (readonly [string, string | null])[] = [
    ["Product", joined(crash.product, crash.version)],
    ["Host", crash.host],
    ["OS", joined(crash.os, crash.osVersion, crash.arch)],
    ["Address", report?.crash_info.address == null ? null : addressNote(report.crash_info)],
    ...(report === null ? [] : crashFindings(report.crash_info)).map(({ name, code, text }) => [name, [code ?? "", text].filter((part) => part !== "").join("  ")] as const),
    ["Thread", threadOf === undefined || thread === null ? null : threadTitle(threadOf, thread).replace("Thread ", "")],
    ["Last error", lastError(threadOf)],
    ["Assertion", report?.crash_info.assertion ?? null],
    ["Uptime", report?.process_uptime == null ? null : `${report.process_uptime} s`],
    ["Received", formatUtc(crash.receivedAt)],
    ["Failed", crash.state === "failed" ? crash.reason : null],
    ["Dump", crash.kind === "minidump" ? `${formatBytes(crash.bytes)} minidump` : null],
  ];
  return facts.filter((fact): fact is readonly [string, string] => fact[1] !== null && fact[1] !== "");
}

/** One line of a stack as text: `#3  module!function  [file:line]  (trust)`. */
function lineToText(line: StackLine, numberWidth: number): string {
  const number = line.inline === null ? `#${line.frame}`.padEnd(numberWidth) : "".padEnd(numberWidth);
  const name = line.name === null ? line.place : line.module === null ? line.name : `${line.module}!${line.name}`;
  const source = sourceOf(line);
  const notes = [
    source === null ? "" : `[${source}]`,
    line.inline === null ? `(${trustText(line.trust).label})` : "(inline)",
    line.missing === null ? "" : `no symbols: ${line.missing.file} ${line.missing.id ?? "without an id"}`,
    ...line.unloaded.map((one) => `unloaded: ${one}`),
  ];
  return [number, name, ...notes].filter((part) => part !== "").join("  ");
}

function crashedStack(report: Report, most: number): { readonly title: string; readonly text: string } | null {
  const index = crashedThread(report);
  const thread = index === null ? undefined : report.threads[index];
  if (index === null || thread === undefined) return null;
  return { title: `${threadTitle(thread, index)} crashed`, text: threadText(thread, report, most) };
}

function threadText(thread: Thread, report: Report, most: number): string {
  const end = earlyEnd(thread);
  if (thread.frames.length === 0) return end === null ? "(no frames)" : `(no frames: ${end})`;
  const lines = linesOfStack(thread.frames, report.modules);
  const width = `#${thread.frames.at(-1)?.frame ?? 0}`.length;
  const gaps = stackGaps(thread);
  const text = lines.slice(0, most).flatMap((line, index) => {
    const gap = line.frame === lines[index - 1]?.frame ? undefined : gaps.get(line.frame);
    return gap === undefined ? [lineToText(line, width)] : [`… ${gap}`, lineToText(line, width)];
  });
  if (lines.length > most) return [...text, `… ${lines.length - most} more`].join("\n");
  const far = gaps.get(Infinity);
  if (far !== undefined) text.push(`… ${far}`);
  else if (thread.frames_truncated === true && gaps.size === 0) text.push("… cut at the limit");
  if (end !== null) text.push(`ends here: ${end}`);
  return text.join("\n");
}

function joined(...parts: readonly (string | null)[]): string | null {
  const known = parts.filter((part) => part !== null && part !== "");
  return known.length === 0 ? null : known.join(" ");
}

/** Text as Markdown code, whatever backticks it holds: MSVC writes `anonymous namespace'. */
function codeSpan(text: string): string {
  const ticks = "`".repeat(longestTicks(text) + 1);
  const pad = text.startsWith("`") || text.endsWith("`") ? " " : "";
  return ticks + pad + text + pad + ticks;
}

function fenceFor(text: string): string {
  return "`".repeat(Math.max(3, longestTicks(text) + 1));
}

function longestTicks(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map((match) => match[0].length));
}

/** Keeps text from a client from becoming Markdown or HTML. An underscore inside a word is only that. */
function escapeMarkdown(text: string): string {
  return text.replaceAll(/[\\`*[\]<>]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, "\\$&").replaceAll(/[\r\n]+/g, " ");
}
