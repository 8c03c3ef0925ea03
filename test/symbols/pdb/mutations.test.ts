// Damaged PDBs: none makes the readers throw, and none keeps them long.
// DEADAIR_MUTATIONS sets how many are tried of all files together.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { mutationCount } from "../../support/damage.ts";
import { halves, buildPdb, namesOffsets, nulText, subsectionRecord, symbolRecord, words } from "../../support/pdb-builder.ts";
import { compileMutant, MutantSource } from "./mutations.ts";

const fixture = (path: string): Buffer => readFileSync(resolve(import.meta.dirname, "../../../fixtures/out/windows", path));
const program = "$T0 .raSearch = $eip $T0 ^ = $esp $T0 4 + =";
const [source, text] = namesOffsets(["C:\\a.cpp", program]);

/** One with all the tables that linkers at hand do not write: OMAP, both kinds of frame data, several modules. */
const odd = buildPdb({
  machine: 0x14c,
  names: ["C:\\a.cpp", program],
  sections: [{ rva: 0x1000, bytes: 0x1000, isCode: true }, { rva: 0x3000, bytes: 0x100 }],
  publics: Array.from({ length: 20 }, (_, i) => ({ name: `_f${i}@${4 * i}`, section: 1, offset: 0x40 * i })),
  omapToSource: [[0x1000, 0x1400], [0x1400, 0x1000], [0x1800, 0x80000000], [0x1810, 0x1800], [0x2000, 0]],
  omapFromSource: [[0x1000, 0x1400], [0x1400, 0x1000], [0x1800, 0x1810]],
  frameData: Buffer.concat(Array.from({ length: 16 }, (_, i) => Buffer.concat([words(0x1000 + 0x40 * i, 0x40, 4, 8, 0, text!), halves(3, 4), words(4)]))),
  fpo: Buffer.concat(Array.from({ length: 8 }, (_, i) => Buffer.concat([words(0x1400 + 0x40 * i, 0x20, 2), halves(1, 0x1203)]))),
  modules: Array.from({ length: 4 }, (_, m) => ({
    name: `m${m}.obj`,
    symbols: [symbolRecord(0x1110, words(0, 0, 0, 0x80, 0, 0x80, 0, 0x100 * m), halves(1), Buffer.of(0), nulText(`f${m}`)), symbolRecord(6)],
    c13: Buffer.concat([subsectionRecord(0xf4, words(source!), Buffer.of(0, 0, 0, 0)), subsectionRecord(0xf2, words(0x100 * m), halves(1, 0), words(0x80, 0, 3, 36, 0, 7, 8, 9, 16, 10))]),
  })),
});

const files: readonly { readonly name: string; readonly bytes: () => Buffer }[] = [
  { name: "OMAP, frame data, FPO", bytes: () => odd },
  { name: "the x86 plugin", bytes: () => fixture("x86/Halcyon.pdb") },
  { name: "the arm64 host", bytes: () => fixture("arm64/RackHost.pdb") },
];

describe("a damaged PDB", () => {
  it.each(files)("is compiled or refused: $name", { timeout: 3_600_000 }, ({ bytes }) => {
    const mutants = new MutantSource(bytes());
    const fates = { compiled: 0, refused: 0 };
    let worst = 0;
    for (let seed = 0; seed < mutationCount() / files.length; seed++) {
      const mutant = mutants.make(seed);
      const started = performance.now();
      try {
        fates[compileMutant(mutant)]++;
      } catch (error) {
        throw new Error(`mutant ${seed}`, { cause: error });
      }
      worst = Math.max(worst, performance.now() - started);
    }
    expect(worst).toBeLessThan(2000);
    // Where all are refused, or none, the mutants teach nothing.
    expect(Math.min(fates.compiled, fates.refused)).toBeGreaterThan(0);
  });

  it("was a good one before", () => {
    for (const { bytes } of files) expect(compileMutant(bytes())).toBe("compiled");
  });
});
