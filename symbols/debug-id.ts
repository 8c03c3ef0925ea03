// Debug ids: what ties a module in a crash to its symbol file.
//
// Every toolchain stamps a module and its debug file with the same GUID; on
// Windows an age is added that grows each time the PDB is rewritten. Deadair
// writes the pair as Breakpad does: 32 hex digits of the GUID, then the age in
// hex without leading zeros (0 where the platform has none), upper case, no
// dashes. Sentry's tools write `443ed919-…-1`, Mozilla's old ones lower case;
// both are the same id and become the same text here.

/** Hex digits of a GUID. */
const guidDigits = 32;

/** The id in Breakpad form, or null when the text is no debug id with an age: 33 to 40 hex digits once dashes are gone. */
export function normaliseDebugId(text: string): string | null {
  if (text.length > 64) return null;
  const digits = text.replaceAll("-", "").toUpperCase();
  return /^[0-9A-F]{33,40}$/.test(digits) ? digits : null;
}

/** Like `normaliseDebugId`, but a bare GUID (a Mach-O UUID, say) is taken as age 0. */
export function normaliseDebugIdOrGuid(text: string): string | null {
  const digits = text.replaceAll("-", "");
  return normaliseDebugId(digits.length === guidDigits ? `${digits}0` : digits);
}
