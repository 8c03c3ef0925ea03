// The sums that xz files are checked by. CRC-32 and SHA-256 come with Node; this
// is CRC-64 of ECMA-182, which xz itself writes, in two halves of 32 bits.

const tableLow = new Uint32Array(256);
const tableHigh = new Uint32Array(256);
for (let i = 0; i < 256; i++) {
  let low = i;
  let high = 0;
  for (let bit = 0; bit < 8; bit++) {
    const carry = low & 1;
    low = ((low >>> 1) | ((high & 1) << 31)) >>> 0;
    high >>>= 1;
    // The polynomial with its bits reversed.
    if (carry === 1) {
      low = (low ^ 0xd7870f42) >>> 0;
      high = (high ^ 0xc96c5795) >>> 0;
    }
  }
  tableLow[i] = low;
  tableHigh[i] = high;
}

/** The CRC-64 of some bytes, as they stand in a file: 8 bytes, the lowest first. */
export function crc64(bytes: Uint8Array): Buffer {
  let low = 0xffffffff;
  let high = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) {
    const index = (low ^ bytes[i]!) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ tableLow[index]!;
    high = (high >>> 8) ^ tableHigh[index]!;
  }
  const sum = Buffer.alloc(8);
  sum.writeUInt32LE(~low >>> 0, 0);
  sum.writeUInt32LE(~high >>> 0, 4);
  return sum;
}
