// Pieces of JSON text, for a writer that knows its shape (report-json.ts).
// JSON.stringify would need an object with the schema's keys in their order,
// built for nothing else, and takes a third longer even without that.
//
// A text that grows by + is a rope in V8: each + is a node, and each node
// costs once more when the rope becomes bytes. So templates have as few and as
// long constants between values as the shape allows.

// Printable ASCII without quotes and backslashes, so nearly every name. A
// class that everything must be in is looked through twice as fast as one for
// a character that must be missing.
const plain = /^[ !#-[\]-~]*$/;

/** A string as JSON; a lone surrogate is escaped, so that the text can be written as UTF-8. */
export function quoted(text: string): string {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** A string as JSON without its quotes, for a template that has them. */
export function inside(text: string): string {
  return plain.test(text) ? text : JSON.stringify(text).slice(1, -1);
}

/** A string or null, as JSON. Absent is null. */
export function quotedOrNull(text: string | null | undefined): string {
  return text === null || text === undefined ? "null" : quoted(text);
}

/** A number or null, as JSON. What JSON cannot say (NaN, infinity) and absent is null. */
export function numberOrNull(value: number | null | undefined): string {
  return typeof value === "number" && Number.isFinite(value) ? String(value) : "null";
}

/** A list as JSON, each of its items by `write`; null and absent are null. */
export function listOrNull<Item>(items: readonly Item[] | null | undefined, write: (item: Item) => string): string {
  return items === null || items === undefined ? "null" : list(items, write);
}

/** A list as JSON, each of its items by `write`. */
export function list<Item>(items: readonly Item[], write: (item: Item) => string): string {
  let text = "[";
  for (let i = 0; i < items.length; i++) text += i === 0 ? write(items[i]!) : `,${write(items[i]!)}`;
  return `${text}]`;
}

/** Texts by name as a JSON object, in the order that the object has. */
export function pairs(texts: { readonly [name: string]: string | null }): string {
  let text = "{";
  for (const name of Object.keys(texts)) text += `${text.length > 1 ? "," : ""}${quoted(name)}:${quotedOrNull(texts[name])}`;
  return `${text}}`;
}
