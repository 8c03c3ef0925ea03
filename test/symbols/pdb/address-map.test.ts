// Addresses of a PDB: sections, and code that was moved after linking.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Uint32List } from "../../../symbols/cache/growable-array.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import type { AddressMap } from "../../../symbols/pdb/address-map.ts";
import { openParts } from "../../../symbols/pdb/pdb-parts.ts";
import { buildPdb, type SyntheticPdb } from "../../support/pdb-builder.ts";

const sections = [
  { rva: 0x1000, bytes: 0x100, isCode: true },
  { rva: 0x3000, bytes: 0x100 },
];

function mapOf(pdb: SyntheticPdb): AddressMap {
  const parts = openParts(bytesOf(buildPdb({ sections, ...pdb })));
  if (!parts.ok) throw new Error(parts.problem.message);
  return parts.value.addresses;
}

/** Pieces as `start+size`. */
function piecesOf(map: AddressMap, rva: number, size: number): string {
  const into = new Uint32List(4);
  map.mapRange(rva, size, into);
  const pieces: string[] = [];
  for (let i = 0; i < into.length; i += 2) pieces.push(`${into.data[i]!.toString(16)}+${into.data[i + 1]!.toString(16)}`);
  return pieces.join(" ");
}

describe("a program that nobody changed", () => {
  const map = mapOf({});
  it("has its sections' addresses, and no others", () => {
    expect([map.sectionCount, map.isMoved]).toEqual([2, false]);
    expect([map.toRva(1, 0), map.toRva(2, 0x10), map.toRva(1, 0x100)]).toEqual([0x1000, 0x3010, 0x1100]);
    expect([map.toRva(0, 0), map.toRva(3, 0), map.toRva(0xffff, 0), map.toRva(1, 0x101), map.toRva(2, 0xffffffff)]).toEqual([-1, -1, -1, -1, -1]);
    expect([map.isCode(1), map.isCode(2), map.isCode(0), map.isCode(3)]).toEqual([true, false, false, false]);
    expect(piecesOf(map, 0x1010, 0x20)).toBe("1010+20");
  });
  it("has no address beyond 32 bits", () => {
    const high = mapOf({ sections: [{ rva: 0xfffffff0, bytes: 0x100 }] });
    expect([high.toRva(1, 0xe), high.toRva(1, 0xf), high.toRva(1, 0x80)]).toEqual([0xfffffffe, -1, -1]);
  });
});

/** In the file that is no address: what was injected, or is gone. */
const none = 0x80000000;

const moves: readonly { readonly why: string; readonly pdb: SyntheticPdb; readonly asks: readonly (readonly [rva: number, size: number, pieces: string])[] }[] = [
  {
    why: "functions that changed places",
    pdb: { omapToSource: [[0x1000, 0x1040], [0x1040, 0x1000], [0x1080, 0x1080], [0x1100, none]] },
    asks: [
      [0x1000, 0x10, "1040+10"],
      [0x1040, 0x40, "1000+40"],
      [0x1030, 0x20, "1000+10 1070+10"],
      [0x1000, 0x80, "1000+80"],
      [0x1080, 0x10, "1080+10"],
      [0x10f0, 0x20, "10f0+10"],
    ],
  },
  {
    why: "code that was injected in the middle belongs to who is on both sides",
    pdb: { omapToSource: [[0x1000, 0x1000], [0x1010, none], [0x1020, 0x1010], [0x1030, 0x1020], [0x1100, 0]] },
    asks: [
      [0x1000, 0x20, "1000+30"],
      [0x1000, 0x10, "1000+10"],
      [0x1010, 0x10, "1020+10"],
      [0x1008, 0x10, "1008+20"],
      [0x1020, 0x10, "1030+10"],
    ],
  },
  {
    why: "what was removed has no place",
    pdb: { omapToSource: [[0x1000, 0x1000], [0x1010, 0x1020], [0x1040, 0x1080], [0x1080, none]] },
    asks: [
      [0x1010, 0x10, ""],
      [0x1008, 0x20, "1008+10"],
      [0x1050, 0x10, ""],
      [0x1050, 0x40, "1040+10"],
    ],
  },
  {
    why: "code that is there twice has two places",
    pdb: { omapToSource: [[0x1000, 0x1000], [0x1010, 0x1000], [0x1020, none], [0x1040, 0x1010], [0x1050, none]] },
    asks: [[0x1000, 0x10, "1000+20"], [0x1004, 4, "1004+4 1014+4"], [0x1000, 0x20, "1000+50"]],
  },
  {
    why: "the table the other way round serves when it is alone",
    pdb: { omapFromSource: [[0x1000, 0x2000], [0x1010, none], [0x1020, 0x2010], [0x1030, 0]] },
    asks: [
      [0x1000, 0x10, "2000+10"],
      [0x1010, 0x10, ""],
      [0x1008, 0x20, "2008+10"],
      [0x1030, 0x10, ""],
    ],
  },
];

describe("code that was moved", () => {
  it.each(moves)("$why", ({ pdb, asks }) => {
    const map = mapOf(pdb);
    expect(map.isMoved).toBe(true);
    expect(asks.map(([rva, size]) => [rva, size, piecesOf(map, rva, size)])).toEqual(asks);
  });

  it("has its first piece for a symbol, and none for one that is gone", () => {
    const map = mapOf(moves[2]!.pdb);
    expect([map.toRva(1, 8), map.linkedRva(1, 8), map.toRva(1, 0x10), map.toRva(1, 0x28)]).toEqual([0x1008, 0x1008, -1, 0x1018]);
  });

  it("agrees address by address with a walk over the table, whatever the table", () => {
    const table = fc.array(fc.tuple(fc.integer({ min: 1, max: 0x20 }), fc.oneof(fc.integer({ min: 0x1000, max: 0x1080 }), fc.constant(none))), { minLength: 1, maxLength: 12 });
    const property = fc.property(table, fc.integer({ min: 0xff0, max: 0x10a0 }), fc.integer({ min: 1, max: 0x60 }), (steps, rva, size) => {
      let image = 0x1000;
      const pairs: [number, number][] = [];
      for (const [length, linked] of steps) {
        pairs.push([image, linked]);
        image += length;
      }
      pairs.push([image, none]);
      const origins = new Map<number, number>();
      for (let i = 0; i + 1 < pairs.length; i++) {
        const [start, linked] = pairs[i]!;
        if (linked !== none) for (let at = start; at < pairs[i + 1]![0]; at++) origins.set(at, linked + at - start);
      }
      const into = new Uint32List(4);
      mapOf({ omapToSource: pairs }).mapRange(rva, size, into);
      const covered = new Set<number>();
      for (let i = 0; i < into.length; i += 2) for (let at = into.data[i]!; at < into.data[i]! + into.data[i + 1]!; at++) covered.add(at);
      for (const [at, origin] of origins) if (origin >= rva && origin < rva + size) expect(covered.has(at)).toBe(true);
      // What is covered beside that is injected code, or code between two pieces that lie around it.
      for (const at of covered) if (origins.has(at)) expect(origins.get(at)! >= rva && origins.get(at)! < rva + size).toBe(true);
    });
    fc.assert(property, { numRuns: 200 });
  });

  it("a table that makes every range meet every segment is given up in bounded time", () => {
    const pairs = Array.from({ length: 50_000 }, (_, i): [number, number] => [0x1000 + i * 2, 0x1000]);
    const map = mapOf({ omapToSource: pairs });
    const started = performance.now();
    for (let i = 0; i < 20_000; i++) map.toRva(1, 1);
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});
