// Whatever the bytes, reading ends with a value or a problem, soon. Mutations
// start at dumps that have every stream, so that each reader meets them.
import { describe, expect, it } from "vitest";
import { bytesSource } from "../../../stackwalk/minidump/byte-source.ts";
import { inspectMinidump, readMinidump } from "../../../stackwalk/minidump/minidump.ts";
import { buildMinidump } from "../../support/minidump-builder.ts";
import { mutateDump, randomFrom } from "../../support/minidump/mutation.ts";
import { drained, everything } from "./everything.ts";

const RUNS = Number(process.env["DEADAIR_PROPERTY_RUNS"] ?? 2000);
/** Time that one dump may take; the machine may be busy, so that one that took longer is asked again. */
const MILLISECONDS_MAX = 250;

/** Reads all of a dump; answers the milliseconds it took. */
function drain(bytes: Uint8Array): number {
  const start = performance.now();
  inspectMinidump(bytesSource(bytes));
  const result = readMinidump(bytesSource(bytes));
  if (result.ok) drained(result.value);
  return performance.now() - start;
}

function expectQuick(bytes: Uint8Array, label: string): void {
  let took = drain(bytes);
  for (let again = 0; took > MILLISECONDS_MAX && again < 2; again++) took = drain(bytes);
  expect(took, label).toBeLessThanOrEqual(MILLISECONDS_MAX);
}

const { linux, ...rest } = everything;
const seeds = [
  buildMinidump(everything),
  buildMinidump({ ...everything, bigEndian: true }),
  buildMinidump({ ...rest, os: "linux", arch: "arm64", ...(linux ? { linux } : {}), threads: (rest.threads ?? []).map((thread) => ({ ...thread, registers: {} })) }),
];
describe(`${RUNS} dumps`, () => {
  it("that were changed are read without a throw, and soon", { timeout: 20_000 + RUNS * 20 }, () => {
    const random = randomFrom(20261124);
    for (let run = 0; run < RUNS; run++) expectQuick(mutateDump(seeds[run % seeds.length]!, random), `run ${run}`);
  });

  it("of nothing but noise behind a magic are refused or read", { timeout: 20_000 + RUNS * 20 }, () => {
    const random = randomFrom(7);
    for (let run = 0; run < RUNS; run++) {
      const bytes = Uint8Array.from({ length: 32 + random(600) }, () => (random(3) === 0 ? random(256) : 0));
      const view = new DataView(bytes.buffer);
      const little = random(2) === 0;
      bytes.set(Buffer.from(little ? "MDMP" : "PMDM"));
      view.setUint32(8, random(20), little);
      view.setUint32(12, random(64), little);
      expectQuick(bytes, `run ${run}`);
    }
  });

  it("whose streams are other streams' bytes are read: every type over every part", () => {
    const bytes = seeds[0]!;
    const count = new DataView(bytes.buffer).getUint32(8, true);
    for (let a = 0; a < count; a++) {
      for (let b = 0; b < count; b++) {
        const changed = Uint8Array.from(bytes);
        changed.set(bytes.subarray(32 + 12 * b + 4, 32 + 12 * b + 12), 32 + 12 * a + 4);
        expectQuick(changed, `${a} over ${b}`);
      }
    }
  });
});

/** A dump of `size` bytes whose only lists of this type lie over all of it. */
function hugeList(type: number, size: number, fill: (view: DataView, at: number) => void): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  bytes.set(Buffer.from("MDMP"));
  view.setUint32(8, 1, true);
  view.setUint32(12, 32, true);
  for (const [i, word] of [type, size - 44, 44].entries()) view.setUint32(32 + 4 * i, word, true);
  fill(view, 44);
  return bytes;
}

describe("a list as large as its file", () => {
  const MB = 1024 * 1024;
  const counted = (bytes: number) => (view: DataView, at: number) => view.setUint32(at, Math.floor((view.byteLength - at - 4) / bytes), true);
  const extended = (bytes: number) => (view: DataView, at: number) => [16, bytes, Math.floor((view.byteLength - at - 16) / bytes)].forEach((word, i) => view.setUint32(at + 4 * i, word, true));
  it.each<[string, Uint8Array]>([
    ["of threads", hugeList(3, 4 * MB, counted(48))],
    ["of modules", hugeList(4, 4 * MB, counted(108))],
    ["of thread names", hugeList(24, 4 * MB, counted(12))],
    ["of handles", hugeList(12, 4 * MB, extended(32))],
    ["of unloaded modules", hugeList(14, 4 * MB, extended(24))],
    ["of memory info", hugeList(16, 4 * MB, extended(48))],
    // Every region lies over all others, and the first ends first.
    ["of regions that overlap", hugeList(5, 4 * MB, (view, at) => {
      const count = Math.floor((view.byteLength - at - 4) / 16);
      view.setUint32(at, count, true);
      for (let i = 0; i < count; i++) [(count - i) * 16, 0, 1_000_000 + i, 44].forEach((word, n) => view.setUint32(at + 4 + 16 * i + 4 * n, word, true));
    })],
    ["of mappings", hugeList(0x47670009, 4 * MB, (view, at) => Buffer.from(view.buffer).fill("1-2 r\n", at))],
    ["of nothing but colons", hugeList(0x47670003, 4 * MB, (view, at) => Buffer.from(view.buffer).fill(":", at))],
    ["of variables", hugeList(0x47670007, 4 * MB, () => undefined)],
  ])("%s is read within its bounds", (_, bytes) => {
    let took = Infinity;
    for (let again = 0; again < 3 && took > 4 * MILLISECONDS_MAX; again++) took = drain(bytes);
    // Four megabytes of entries are more work than a dump of mutated kilobytes.
    expect(took).toBeLessThan(4 * MILLISECONDS_MAX);
  });
});
