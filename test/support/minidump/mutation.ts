// Damage for dumps: the same every time, so that what fails can be run again.

/** Random numbers below a bound, the same every time (mulberry32). */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const odd = [0, 1, 4, 8, 12, 0x7f, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff];

/** Changes some bytes, some words to numbers that are often wrong, some directory entries to point elsewhere, and the length. */
export function mutateDump(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  const changed = Uint8Array.from(bytes);
  const view = new DataView(changed.buffer);
  for (let i = random(12); i > 0; i--) changed[random(changed.length)] = random(256);
  for (let i = random(8); i > 0; i--) view.setUint32(random(changed.length / 4 - 1) * 4, odd[random(odd.length)] ?? 0, true);
  for (let i = random(3); i > 0; i--) {
    const entry = 32 + 12 * random(40);
    view.setUint32(entry + [0, 4, 8][random(3)]!, random(4) === 0 ? view.getUint32(32 + 12 * random(40), true) : random(changed.length), true);
  }
  return random(8) === 0 ? changed.subarray(0, random(changed.length)) : changed;
}
