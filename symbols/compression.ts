// Whether bytes are compressed is told by their first bytes, never by a file
// name or a header: build machines rename files, proxies drop headers.

/** A compression that symbol files come in. */
export type Compression = "gzip" | "zstd";

/** Which compression the bytes begin with; null for none known. Needs four bytes. */
export function sniffCompression(prefix: Uint8Array): Compression | null {
  // RFC 1952, 2.3.1: ID1, ID2, and the only method there is.
  if (prefix[0] === 0x1f && prefix[1] === 0x8b && prefix[2] === 8) return "gzip";
  // RFC 8878, 3.1.1: the magic number of a frame, little-endian.
  if (prefix[0] === 0x28 && prefix[1] === 0xb5 && prefix[2] === 0x2f && prefix[3] === 0xfd) return "zstd";
  return null;
}
