// What the walk found out about a crash beyond its reason: what the
// instruction did, what the address really was, whether the stack ran out.
// Words for the page and for the texts; nothing for walkers that do not say.
import type { Report } from "./report.ts";

type CrashInfo = Report["crash_info"];

/** One finding. */
export type Finding = {
  readonly name: string;
  /** Code of the program, such as an instruction; null when there is none. */
  readonly code: string | null;
  /** The rest, in words; "" when the code says it all. */
  readonly text: string;
};

/** From here on a flipped bit is likelier than other causes, by rust-minidump's reckoning. */
const bitFlipConfidence = 0.5;

/** What was found, what is surest first. */
export function crashFindings(crash: CrashInfo): readonly Finding[] {
  const findings: Finding[] = [];
  if (crash.instruction) findings.push({ name: "Instruction", code: crash.instruction, text: (crash.memory_accesses ?? []).map(accessText).join(", ") });
  if (crash.stack_overflow) findings.push({ name: "Stack", code: null, text: `It ran out. ${crash.stack_overflow.detail.replaceAll(/0x[0-9a-f]+/gi, shortAddress)}` });
  const flip = likelyFlip(crash);
  if (flip) findings.push({ name: "Memory error?", code: null, text: `With one bit flipped, ${flip.source_register ?? "the address"} would be ${shortAddress(flip.address)} (${Math.round(flip.confidence * 100)} %)` });
  const doubts = crash.crash_inconsistencies ?? [];
  if (doubts.length > 0) findings.push({ name: "Contradiction", code: null, text: doubts.map((doubt) => doubt.replaceAll("_", " ")).join(", ") });
  return findings;
}

/** What the address really was, such as `a null pointer + 0x18`; null when it was what it seems. */
export function addressNote({ adjusted_address: adjusted }: CrashInfo): string | null {
  if (!adjusted) return null;
  if (adjusted.kind === "non-canonical") return `really ${shortAddress(adjusted.address)}, which no memory can have`;
  const offset = shortAddress(adjusted.offset);
  return offset === "0x0" ? "a null pointer" : `a null pointer + ${offset}`;
}

/** The last error of a thread of Windows; null when there was none. */
export function lastError(thread: Report["threads"][number] | undefined): string | null {
  const error = thread?.last_error_value ?? null;
  return error === "ERROR_SUCCESS" ? null : error;
}

/** An address without its leading zeros: `0x18`. */
export function shortAddress(address: string): string {
  return address.replace(/^0x0+(?=[0-9a-f])/i, "0x");
}

function accessText({ address, size, access_type: type, is_likely_guard_page: guard }: NonNullable<CrashInfo["memory_accesses"]>[number]): string {
  const verb = { read: "reads", write: "writes", readwrite: "changes", unknown: "touches" }[type ?? "unknown"];
  return `${verb}${size === null ? "" : ` ${size} ${size === 1 ? "byte" : "bytes"}`} at ${shortAddress(address)}${guard === true ? ", a guard page" : ""}`;
}

function likelyFlip(crash: CrashInfo) {
  const likely = (crash.possible_bit_flips ?? []).filter((flip) => flip.confidence >= bitFlipConfidence);
  return likely.sort((a, b) => b.confidence - a.confidence)[0];
}
