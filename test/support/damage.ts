// Damage for files of any format, of the kind that disks, networks and enemies
// do; the same for the same random numbers, so that what fails can be run again.

/** A random number below a bound. */
export type Random = (below: number) => number;

/** How many mutants a test tries; DEADAIR_MUTATIONS asks for more than the default. */
export function mutationCount(byDefault = 3000): number {
  return Number(process.env["DEADAIR_MUTATIONS"] ?? byDefault);
}

/** Numbers that readers go wrong on. */
const evil = [0, 1, 2, 3, 0x7f, 0x80, 0xff, 0xfff, 0x1000, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffffe, 0xffffffff];

/** Damages bytes at a place, which has four of them at least behind it: some bytes or words changed, cut, doubled or moved. Changes `bytes`, and returns them or what they have become. */
export function damageAt(bytes: Buffer<ArrayBuffer>, at: number, random: Random): Buffer<ArrayBuffer> {
  const length = 1 + random(Math.min(64, bytes.length - at));
  switch (random(8)) {
    case 0:
      bytes[at] = random(256);
      return bytes;
    case 1:
      bytes[at]! ^= 1 << random(8);
      return bytes;
    case 2:
      bytes.writeUInt32LE(evil[random(evil.length)]!, at & ~3);
      return bytes;
    case 3:
      bytes.writeUInt16LE(evil[random(evil.length)]! & 0xffff, at & ~1);
      return bytes;
    case 4:
      bytes.writeUInt32LE((bytes.readUInt32LE(at & ~3) + random(17) - 8) >>> 0, at & ~3);
      return bytes;
    case 5:
      return random(4) === 0 ? bytes.subarray(0, at) : bytes.fill(random(2) === 0 ? 0 : 0xff, at, at + length);
    case 6:
      bytes.copy(bytes, random(bytes.length - 4), at, at + length);
      return bytes;
    default:
      return Buffer.concat([bytes.subarray(0, at), random(2) === 0 ? bytes.subarray(at + length) : bytes.subarray(Math.max(0, at - length))]);
  }
}

/** Where damage hurts most, and how many bytes there are. */
export type Place = readonly [offset: number, bytes: number];

/** A copy of a file with damage at a few places: one time in `rarely` anywhere, else at one of `places`. */
export function damagedFile(file: Buffer, places: readonly Place[], random: Random, rarely = 2): Buffer {
  let copy = Buffer.from(file);
  for (let changes = 1 + random(6); changes > 0 && copy.length > 64; changes--) {
    const [from, bytes] = random(rarely) === 0 ? [0, copy.length] : places[random(places.length)]!;
    copy = damageAt(copy, Math.min(from + random(Math.max(1, bytes)), copy.length - 8), random);
  }
  return copy;
}
