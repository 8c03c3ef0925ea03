// The head of a text report: what happened, in lines that a person reads
// first. What the dump's reason says, and beneath it what the instruction, the
// memory and the registers add.
import type { BitFlip, CrashInfo, MemoryAccess, Report } from "./report.ts";

/** From here on a flipped bit is likelier than other causes, by rust-minidump's reckoning. */
const BIT_FLIP_CONFIDENCE = 0.5;

/** The lines, the first of which says what happened. */
export function crashLines(report: Report): string[] {
  const { crash_info: crash, mac_crash_info: mac } = report;
  const lines = [crashLine(crash)];
  if (crash.instruction) lines.push(`  ${[crash.instruction, ...(crash.memory_accesses ?? []).map(accessText)].join("  ")}`);
  if (crash.stack_overflow) lines.push(`The stack ran out. ${crash.stack_overflow.detail}`);
  const flip = likelyFlip(crash.possible_bit_flips ?? []);
  if (flip) lines.push(flipText(flip));
  for (const one of crash.crash_inconsistencies ?? []) lines.push(`The dump contradicts itself: ${one.replaceAll("_", " ")}.`);
  if (crash.assertion) lines.push(`assertion: ${crash.assertion}`);
  for (const record of mac?.records ?? []) {
    const texts = [record["message"], record["message2"]].filter((text) => text !== null && text !== undefined && text !== "");
    if (texts.length > 0) lines.push(`${record["module"] ?? "a module"} said: ${texts.join(" ")}`);
  }
  return lines;
}

/** An address without the zeros that pad it. */
export function shortAddress(address: string): string {
  return address.replace(/^0x0+(?=[0-9a-f])/i, "0x");
}

function crashLine(crash: CrashInfo): string {
  if (crash.address === null) return "No crash: the dump was asked for.";
  return `${crash.type ?? "Unknown crash"} at ${shortAddress(crash.address)}${adjustment(crash)}`;
}

function adjustment({ adjusted_address: adjusted }: CrashInfo): string {
  if (!adjusted) return "";
  if (adjusted.kind === "non-canonical") return `, really ${shortAddress(adjusted.address)}, which no memory can have`;
  const offset = shortAddress(adjusted.offset);
  return offset === "0x0" ? ", a null pointer" : `, a null pointer + ${offset}`;
}

function accessText({ address, size, access_type: type, is_likely_guard_page: guard }: MemoryAccess): string {
  const verb = { read: "reads", write: "writes", readwrite: "changes", unknown: "touches" }[type ?? "unknown"];
  return `${verb}${size === null ? "" : ` ${size} ${size === 1 ? "byte" : "bytes"}`} at ${shortAddress(address)}${guard ? ", a guard page" : ""}`;
}

function likelyFlip(flips: readonly BitFlip[]): BitFlip | undefined {
  const likely = flips.filter((flip) => flip.confidence >= BIT_FLIP_CONFIDENCE);
  return likely.sort((a, b) => b.confidence - a.confidence)[0];
}

function flipText({ address, confidence, source_register: register }: BitFlip): string {
  const what = register === null ? "the address" : register;
  return `Perhaps a memory error: with one bit flipped, ${what} would be ${shortAddress(address)} (${Math.round(confidence * 100)} %).`;
}
