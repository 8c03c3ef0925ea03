// Damages PDBs in every way that a disk, a network or an enemy does, and
// compiles what comes out: it must end with a value or a typed refusal, soon.
//
// A third of the mutants are damaged as files. The others have one of their
// streams damaged and are put together again, since most of a file's bytes are
// types that one byte more or less does not hurt, and a container that is
// broken at once teaches nothing about its readers.
import { ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import { openDebugFile } from "../../../symbols/compile.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { openMsf } from "../../../symbols/pdb/msf.ts";
import { damageAt, type Random } from "../../support/damage.ts";
import { randomFrom } from "../../support/minidump/mutation.ts";
import { buildMsf } from "../../support/pdb-builder.ts";

/** What became of a mutant. */
export type Fate = "compiled" | "refused";

/** Opens a PDB and makes a cache of it, as a compile does. Throws what the readers throw. */
export function compileMutant(bytes: Buffer): Fate {
  const file = openDebugFile(bytesOf(bytes));
  if (!file.ok) return "refused";
  const builder = new ModuleBuilder();
  const names = file.value.addNames(builder);
  const unwind = file.value.addUnwind(builder);
  const { facts } = file.value;
  builder.finish({ source: "pdb", sourceDigest: "", debugFile: "", debugId: facts.debugId ?? "", codeId: null, codeFile: null, generator: null, os: "windows", arch: facts.archName }, facts.arch);
  return names.ok && unwind.ok ? "compiled" : "refused";
}

/** A PDB taken apart once, of which mutants are made. */
export class MutantSource {
  private readonly original: Buffer;
  private readonly streams: readonly (Buffer | null)[];

  constructor(original: Buffer) {
    this.original = original;
    const msf = openMsf(bytesOf(original));
    if (!msf.ok) throw new Error(msf.problem.message);
    const { streamCount, size, read } = msf.value;
    this.streams = Array.from({ length: streamCount }, (_, i) => read(i, 0, Math.max(0, size(i))));
  }

  /** The mutant of a seed. */
  make(seed: number): Buffer {
    const random = randomFrom(seed);
    if (random(3) === 0) return damage(this.original, random);
    const streams = [...this.streams];
    // All of the streams have readers; 1 and 3, and the first modules, decide what the others mean.
    for (let changes = 1 + random(2); changes > 0; changes--) {
      const index = random(2) === 0 ? random(Math.min(streams.length, 16)) : random(streams.length);
      const stream = streams[index];
      if (stream === null || stream === undefined || random(40) === 0) streams[index] = random(2) === 0 ? null : (streams[random(streams.length)] ?? null);
      else streams[index] = damage(stream, random);
    }
    return buildMsf(streams);
  }
}

/** A copy that was damaged in some places. */
function damage(bytes: Buffer, random: Random): Buffer {
  let copy = Buffer.from(bytes);
  for (let changes = 1 + random(4); changes > 0 && copy.length > 8; changes--) copy = damageAt(copy, random(copy.length - 4), random);
  return copy;
}
