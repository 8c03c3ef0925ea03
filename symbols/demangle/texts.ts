// Fixed texts, as bytes and numbered, so that a node can hold one.

const encoder = new TextEncoder();

/** The bytes of each text, by number. Number 0 is the empty text. */
export const texts: Uint8Array[] = [new Uint8Array(0)];

/** Numbers a text. */
export function text(value: string): number {
  texts.push(encoder.encode(value));
  return texts.length - 1;
}
