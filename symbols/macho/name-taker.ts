// Names of symbols on their way into a module's strings. They are stored as C
// spells them, with an underscore before each; debug information has them
// without, and so have crashes of other systems.
import type { ModuleBuilder } from "../cache/module-builder.ts";

const underscore = 0x5f;
const lineFeed = 0x0a;
/** Bytes of one name, at most; a longer one is left out. The longest mangled names of real programs have a few ten thousand. */
const nameBytesMax = 65_535;
/** What a name costs beside its bytes. */
const nameCost = 8;

/** Takes names, for as many bytes of work as it may do. */
export class NameTaker {
  private readonly builder: ModuleBuilder;
  private readonly scratch = Buffer.alloc(nameBytesMax + 8);
  private budget: number;

  constructor(builder: ModuleBuilder, budget: number) {
    this.builder = builder;
    this.budget = budget;
  }

  /** The number, in the builder's strings, of the name that begins at a place and ends with a NUL; 0 when it has no end, or is empty, or none a programmer knows. */
  take(names: Buffer, at: number): number {
    const first = names[at];
    // The linker's and the assembler's own labels; those of C and all languages above it have an underscore.
    if (this.budget < 0 || first === undefined || first === 0x6c /* l */ || first === 0x4c /* L */) return 0;
    const { scratch } = this;
    const start = first === underscore ? at + 1 : at;
    const limit = Math.min(names.length, start + nameBytesMax);
    let end = start;
    for (; end < limit; end++) {
      const byte = names[end]!;
      if (byte === 0) break;
      scratch[end - start] = byte === lineFeed || byte === 0x0d ? 0x20 : byte;
    }
    this.budget -= end - at + nameCost;
    if (end === limit || this.budget < 0) return 0;
    scratch[end - start] = lineFeed;
    return this.builder.strings.takeLine(scratch, 0);
  }
}
