// Punycode (RFC 3492) as Rust's names have it: `_` before the coded part.

const BASE = 36;
const T_MIN = 1;
const T_MAX = 26;
const SKEW = 38;
const DAMP = 700;
/** Characters of the longest identifier that is decoded; each may move all others. */
const CHARACTERS_MAX = 1024;

/** The identifier that `coded` stands for; null when it is none. */
export function decodePunycode(coded: string): string | null {
  const split = coded.lastIndexOf("_");
  const points = split < 0 ? [] : Array.from(coded.slice(0, split), (letter) => letter.codePointAt(0)!);
  let point = 0x80;
  let index = 0;
  let bias = 72;
  let at = split + 1;
  if (at >= coded.length || coded.length > CHARACTERS_MAX) return null;
  while (at < coded.length) {
    const before = index;
    let weight = 1;
    for (let k = BASE; ; k += BASE) {
      if (at >= coded.length) return null;
      const digit = digitOf(coded.charCodeAt(at++));
      if (digit < 0) return null;
      index += digit * weight;
      const threshold = Math.min(Math.max(k - bias, T_MIN), T_MAX);
      if (digit < threshold) break;
      weight *= BASE - threshold;
      if (index > 0x7fffffff || weight > 0x7fffffff) return null;
    }
    const count = points.length + 1;
    bias = adapted(index - before, count, before === 0);
    point += Math.floor(index / count);
    index %= count;
    if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return null;
    points.splice(index++, 0, point);
  }
  return String.fromCodePoint(...points);
}

function digitOf(unit: number): number {
  if (unit >= 0x61 && unit <= 0x7a) return unit - 0x61;
  return unit >= 0x30 && unit <= 0x39 ? unit - 0x30 + 26 : -1;
}

function adapted(given: number, count: number, isFirst: boolean): number {
  let delta = Math.floor(given / (isFirst ? DAMP : 2));
  delta += Math.floor(delta / count);
  let k = 0;
  for (; delta > ((BASE - T_MIN) * T_MAX) / 2; k += BASE) delta = Math.floor(delta / (BASE - T_MIN));
  return k + Math.floor(((BASE - T_MIN + 1) * delta) / (delta + SKEW));
}
