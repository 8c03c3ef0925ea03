// Split DWARF of the plugins that are checked in, for tests: loose .dwo files as
// a bundle, and packages.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import type { SplitDwarf } from "../../../symbols/dwarf/companions.ts";
import { writeDwoBundle } from "../../../symbols/dwarf/dwo-bundle.ts";
import { openDwoBundle, openDwp } from "../../../symbols/dwarf/dwp.ts";
import { readElfImage } from "../../../symbols/elf/image.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";

const fixtures = path.resolve(import.meta.dirname, "../../../fixtures/out/elf");

/** The bytes of a file of fixtures/out/elf. */
export function readFixture(file: string): Buffer<ArrayBuffer> {
  return Buffer.from(readFileSync(path.join(fixtures, file)));
}

/** Whose the bundles of tests are. */
export const bundledId = "00112233445566778899AABBCCDDEEFF0";

/** The bundle of some files. */
export function bundleOf(files: readonly (readonly [name: string, bytes: Buffer])[]): Buffer<ArrayBuffer> {
  const { pieces } = writeDwoBundle(
    bundledId,
    "halcyon.so",
    files.map(([name, { length: size }]) => ({ name, size })),
  );
  return Buffer.concat(pieces.map((piece) => (typeof piece === "number" ? files[piece]![1] : piece)));
}

/** The bundle of a variant's .dwo files. */
export function looseFiles(variant: string): Buffer<ArrayBuffer> {
  return bundleOf(readdirSync(path.join(fixtures, variant, "dwo")).map((name) => [name, readFixture(`${variant}/dwo/${name}`)]));
}

/** The package of a variant. */
export function packedFiles(variant: string): Buffer<ArrayBuffer> {
  return readFixture(`${variant}/halcyon.so.dwp`);
}

/** The units of a bundle or a package; null when it is refused. What cannot be read is counted in `builder`. */
export function splitOf(bytes: Buffer, builder: ModuleBuilder): SplitDwarf | null {
  const image = readElfImage(bytesOf(bytes));
  const file = image.ok ? { ok: true as const, value: openDwp(image.value) } : openDwoBundle(bytesOf(bytes));
  const split = file.ok ? file.value.split!(builder) : file;
  return split.ok ? split.value : null;
}
