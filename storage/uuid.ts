// Ids are UUIDv7 (RFC 9562 section 5.7): 48 bits of milliseconds, then random
// bits with a counter, so that ids made by one process rise strictly and an
// index on them grows at its right edge.
import { randomFillSync } from "node:crypto";

const pool = new Uint8Array(4096);
let used = pool.length;
let lastMs = 0;
let counter = 0;

/** Makes a UUIDv7; every id of this process is greater than the one before. */
export function uuidv7(): string {
  if (used + 8 > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    // Start low in the 12 bits so that many ids fit into one millisecond.
    counter = ((pool[used]! << 8) | pool[used + 1]!) & 0x3ff;
  } else if (++counter > 0xfff) {
    lastMs++;
    counter = 0;
  }
  const time = lastMs.toString(16).padStart(12, "0");
  let tail = (0x80 | (pool[used]! & 0x3f)).toString(16);
  for (let i = 1; i < 8; i++) tail += pool[used + i]!.toString(16).padStart(2, "0");
  used += 8;
  return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, "0")}-${tail.slice(0, 4)}-${tail.slice(4)}`;
}

/** True for the text form of any UUID. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text);
}
