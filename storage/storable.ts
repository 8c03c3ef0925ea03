// Text that Postgres can hold. What clients and dumps say is any Unicode, and a
// little more: `text` and `jsonb` refuse NUL, and `jsonb` refuses half of a
// surrogate pair. Neither is a reason to lose a crash, so both become U+FFFD.

/** The text with what Postgres refuses replaced. */
export function storableText(text: string): string {
  return text.replaceAll("\u0000", "\ufffd");
}

/** The same for a column that may be empty. */
export function storable<T extends string | null>(text: T): T {
  return (text === null ? null : storableText(text)) as T;
}

/** The same, cut to what an index holds: an entry of more than 2700 bytes is an error to Postgres, and would stop whoever folds counts for ever. */
export function storableName<T extends string | null>(text: T): T {
  return (text === null ? null : storableText(text).slice(0, nameChars).toWellFormed()) as T;
}

const nameChars = 200;

/** A value as JSON for a jsonb column. */
export function storableJson(value: unknown): string {
  // JSON.stringify escapes what is wanted here, and only that, as \u0000 and \udxxx; whole pairs stay as they are.
  // Each escape is taken as a whole, so that an escaped backslash before "u0000" is left alone.
  return JSON.stringify(value).replace(/\\(?:u([0-9a-f]{4})|.)/g, (escape, code: string | undefined) => (code === "0000" || code?.startsWith("d") ? "\\ufffd" : escape));
}
