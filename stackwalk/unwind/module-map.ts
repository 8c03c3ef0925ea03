// Which module holds an address.
//
// Ranges that overlap are settled as rust-minidump settles them: sorted by
// base and then by end, a module that begins inside the one before it has no
// addresses at all. Modules of size 0 have none either.
import { baseName } from "../minidump/module-list.ts";
import type { DumpModule } from "../minidump/model.ts";

/** The modules of a process by address. */
export class ModuleMap {
  /** Address of the first byte that any module has; Infinity without modules. */
  readonly lowest: number;
  /** Address after the last byte that any module has; 0 without modules. */
  readonly highest: number;
  private readonly bases: Float64Array;
  private readonly ends: Float64Array;
  private readonly indexes: Int32Array;
  private readonly modules: readonly DumpModule[];
  private readonly names: (string | undefined)[] = [];
  /** Where the last address was found: neighbours on a stack are often of one module. */
  private last = 0;

  constructor(modules: readonly DumpModule[]) {
    this.modules = modules;
    const order = modules.map((_, index) => index).filter((index) => modules[index]!.size > 0 && modules[index]!.base + modules[index]!.size < 2 ** 64);
    order.sort((a, b) => modules[a]!.base - modules[b]!.base || modules[a]!.size - modules[b]!.size || a - b);
    const kept: number[] = [];
    let end = 0;
    for (const index of order) {
      const { base, size } = modules[index]!;
      if (base < end) continue;
      kept.push(index);
      end = base + size;
    }
    this.bases = Float64Array.from(kept, (index) => modules[index]!.base);
    this.ends = Float64Array.from(kept, (index) => modules[index]!.base + modules[index]!.size);
    this.indexes = Int32Array.from(kept);
    this.lowest = this.bases[0] ?? Infinity;
    this.highest = end;
  }

  /** Index, in the dump's list, of the module that holds an address; -1 when none does. */
  find(address: number): number {
    if (address < this.lowest || address >= this.highest) return -1;
    const { bases, ends, last } = this;
    if (address >= bases[last]! && address < ends[last]!) return this.indexes[last]!;
    let low = 0;
    let high = bases.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (bases[middle]! <= address) low = middle;
      else high = middle;
    }
    if (address >= ends[low]!) return -1;
    this.last = low;
    return this.indexes[low]!;
  }

  /** Address of a module's first byte. */
  base(index: number): number {
    return this.modules[index]!.base;
  }

  /** Base name of a module's file, in lower case. */
  name(index: number): string {
    return (this.names[index] ??= baseName(this.modules[index]!.codeFile).toLowerCase());
  }
}
