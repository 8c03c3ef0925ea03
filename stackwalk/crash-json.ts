// What a report says of the crash itself, as JSON.
import { list, listOrNull, numberOrNull, quoted, quotedOrNull } from "./json-text.ts";
import type { BitFlip, CrashInfo, MemoryAccess } from "./report.ts";

/** The object `crash_info`: rust-minidump's keys, then ours. */
export function crashJson(crash: CrashInfo): string {
  let text = `{"address":${quotedOrNull(crash.address)},"adjusted_address":${adjustedJson(crash.adjusted_address)},"assertion":${quotedOrNull(crash.assertion)},"crash_inconsistencies":${listOrNull(crash.crash_inconsistencies, quoted)},"crashing_thread":${numberOrNull(crash.crashing_thread)},"instruction":${quotedOrNull(crash.instruction)},"instruction_pointer_update":${updateJson(crash.instruction_pointer_update)},"memory_accesses":${listOrNull(crash.memory_accesses, accessJson)},"possible_bit_flips":${listOrNull(crash.possible_bit_flips, flipJson)},"type":${quotedOrNull(crash.type)}`;
  if (crash.exception !== undefined) text += `,"exception":${exceptionJson(crash.exception)}`;
  if (crash.stack_overflow !== undefined) text += `,"stack_overflow":${overflowJson(crash.stack_overflow)}`;
  return `${text}}`;
}

function adjustedJson(adjusted: CrashInfo["adjusted_address"]): string {
  if (adjusted === null || adjusted === undefined) return "null";
  return adjusted.kind === "non-canonical" ? `{"address":${quoted(adjusted.address)},"kind":"non-canonical"}` : `{"kind":"null-pointer","offset":${quoted(adjusted.offset)}}`;
}

function updateJson(update: CrashInfo["instruction_pointer_update"]): string {
  return update === null || update === undefined ? "null" : `{"address":${quoted(update.address)}${guardPage(update.is_likely_guard_page)}}`;
}

function accessJson(access: MemoryAccess): string {
  const type = access.access_type === undefined ? "" : `"access_type":${quoted(access.access_type)},`;
  return `{${type}"address":${quoted(access.address)}${guardPage(access.is_likely_guard_page)},"size":${numberOrNull(access.size)}}`;
}

function guardPage(likely: boolean | undefined): string {
  return likely === true ? `,"is_likely_guard_page":true` : "";
}

function flipJson({ address, confidence, details, source_register: register }: BitFlip): string {
  const facts = `{"is_null":${details.is_null},"nearby_registers":${numberOrNull(details.nearby_registers)},"poison_registers":${details.poison_registers},"was_low":${details.was_low},"was_non_canonical":${details.was_non_canonical}}`;
  return `{"address":${quoted(address)},"confidence":${numberOrNull(confidence)},"details":${facts},"source_register":${quotedOrNull(register)}}`;
}

function exceptionJson(exception: NonNullable<CrashInfo["exception"]> | null): string {
  return exception === null ? "null" : `{"code":${quoted(exception.code)},"flags":${quoted(exception.flags)},"parameters":${list(exception.parameters, quoted)}}`;
}

function overflowJson(overflow: NonNullable<CrashInfo["stack_overflow"]> | null): string {
  return overflow === null ? "null" : `{"cause":${quoted(overflow.cause)},"detail":${quoted(overflow.detail)}}`;
}
