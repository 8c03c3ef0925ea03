// Names of functions. Compilers say a function's name once and let everything
// else point to it: code and inlined calls to their abstract function
// (`abstract_origin`), that to its declaration in a class (`specification`). So
// a name is found by following references until one of them has it:
//
//  1. The linker's name, which says namespaces and parameters; the builder
//     makes it readable.
//  2. Else the plain name behind the names of the namespaces, classes and
//     functions that its declaration lies in. GCC gives no linker's name to
//     functions that only their own file sees. A function of a namespace that
//     all see and that has none is `extern "C"`: its plain name is all.
//
// References may lead to other units (link-time optimisation, dwz), and to the
// file that has what dwz took out; their scopes are found by a walk of their
// own, once a unit.
import type { ModuleBuilder } from "../cache/module-builder.ts";
import { nameless } from "../cache/module-symbols.ts";
import { NumberMap } from "../cache/number-map.ts";
import { slot } from "./abbreviations.ts";
import { form, tag } from "./codes.ts";
import type { DwarfFaults } from "./dwarf-faults.ts";
import type { DwarfFile } from "./dwarf-file.ts";
import { inSupplement, isInSupplement } from "./unit-walk.ts";
import type { Unit } from "./unit.ts";
import type { WorkBudget } from "./work-budget.ts";

/** References that are followed for one name. */
const referencesMax = 16;
/** Scopes around one name. */
const scopesMax = 64;
/** Characters of a name that is put together. */
const nameLengthMax = 16_384;
const anonymousNamespace = "(anonymous namespace)";
const anonymousType = "{unnamed type}";
/** GCC's class of a lambda has no name; what is in it has: the call, and `_FUN`, to which a lambda without captures converts. The demangler's spelling, but for parameters, which are elsewhere. */
const lambda = "{lambda(...)}";

/** What following an entry's references led to. */
type Declaration = {
  /** Number of the linker's name in the builder's strings; 0 when there is none. */
  readonly linkage: number;
  readonly name: string;
  /** The entry where references end, which lies where it was declared. */
  readonly offset: number;
  readonly file: DwarfFile;
  readonly unit: Unit;
  readonly tag: number;
  /** Whether other files see it. */
  readonly isExternal: boolean;
};

/** Finds names of entries. */
export class DieNames {
  private readonly builder: ModuleBuilder;
  private readonly budget: WorkBudget;
  private readonly faults: DwarfFaults;
  private readonly scopeAround: (file: DwarfFile, unit: Unit, offset: number) => number;
  /** The file and the unit that are being read, and the names of its own entries by their offset in it. */
  private file: DwarfFile;
  private unit: Unit | null = null;
  private readonly own = new NumberMap();
  /** The same names as numbers of inlined functions in the builder. */
  private readonly ownOrigins = new NumberMap();

  /** `scopeAround` gives the offset of the innermost scope around an entry of any unit, -1 for none. */
  constructor(builder: ModuleBuilder, file: DwarfFile, budget: WorkBudget, faults: DwarfFaults, scopeAround: (file: DwarfFile, unit: Unit, offset: number) => number) {
    this.builder = builder;
    this.file = file;
    this.budget = budget;
    this.faults = faults;
    this.scopeAround = scopeAround;
  }

  /** Says in which unit of which file most names are asked for from now on. */
  enter(file: DwarfFile, unit: Unit): void {
    this.file = file;
    this.unit = unit;
    this.own.clear();
    this.ownOrigins.clear();
  }

  /** The number, in the builder, of the function whose entry is at an offset, as one that was inlined. */
  originOf(offset: number): number {
    const known = this.ownOrigins.get(offset);
    if (known >= 0) return known;
    const origin = this.builder.originOf(this.nameOf(offset));
    this.ownOrigins.set(offset, origin);
    return origin;
  }

  /** The number, in the builder's strings, of the name of the function whose entry is at an offset, with `inSupplement` for what dwz took out. */
  nameOf(offset: number): number {
    const { file, unit, own } = this;
    if (unit === null || offset <= unit.start || offset >= unit.end) return this.foreignName(file, offset);
    const known = own.get(offset);
    if (known >= 0) return known;
    const name = this.find(file, offset);
    own.set(offset, name);
    return name;
  }

  /** The name of an entry outside of the unit that is being read. */
  private foreignName(file: DwarfFile, offset: number): number {
    if (offset >= inSupplement && file.supplement !== null) return this.foreignName(file.supplement, offset - inSupplement);
    let name = file.names.get(offset);
    if (name === undefined) {
      name = this.find(file, offset);
      file.names.set(offset, name);
    }
    return name;
  }

  private find(file: DwarfFile, offset: number): number {
    const { strings } = this.builder;
    const declaration = this.follow(file, offset, true);
    if (declaration === null) return strings.takeText(nameless);
    if (declaration.linkage !== 0) return declaration.linkage;
    return strings.takeText(declaration.name === "" ? nameless : this.qualified(declaration));
  }

  /** Follows an entry's references until they end, or a linker's name comes when one is wanted; null when nothing can be read. */
  private follow(from: DwarfFile, start: number, wantsLinkage: boolean): Declaration | null {
    let file = from;
    let name = "";
    let isExternal = false;
    let itsTag = 0;
    let last = -1;
    let lastFile = from;
    let lastUnit: Unit | null = null;
    let offset = start;
    for (let i = 0; i < referencesMax; i++) {
      const { reader, strings } = file;
      const { forms, values } = reader;
      const unit = this.unit !== null && file === this.file && offset > this.unit.start && offset < this.unit.end ? this.unit : file.units.containing(offset);
      if (unit === null || !this.budget.spend(64) || !reader.readAt(unit, offset)) break;
      if (last < 0) itsTag = reader.tag;
      const linkage = wantsLinkage && reader.has(slot.linkageName) ? strings.take(unit, forms[slot.linkageName]!, values[slot.linkageName]!) : 0;
      if (name === "" && linkage === 0 && reader.has(slot.name)) name = strings.text(unit, forms[slot.name]!, values[slot.name]!);
      if (reader.has(slot.external)) isExternal = true;
      const next = reader.has(slot.specification) ? slot.specification : slot.abstractOrigin;
      if (linkage !== 0 || !reader.has(next)) return { linkage, name, offset, file, unit, tag: itsTag, isExternal };
      last = offset;
      lastFile = file;
      lastUnit = unit;
      offset = values[next]!;
      if (forms[next] === form.refAddr) continue;
      if (!isInSupplement(forms[next]!) || file.supplement === null) break;
      file = file.supplement;
    }
    this.faults.brokenReference++;
    return lastUnit === null ? null : { linkage: 0, name, offset: last, file: lastFile, unit: lastUnit, tag: itsTag, isExternal };
  }

  /** A name behind those of the scopes that its declaration lies in. A function around a local class is known by its plain name there. */
  private qualified(declaration: Declaration): string {
    let text = declaration.name;
    let inner = declaration;
    for (let i = 0; i < scopesMax && text.length < nameLengthMax; i++) {
      const around = this.scopeAround(inner.file, inner.unit, inner.offset);
      const outer = around < 0 ? null : this.follow(inner.file, around, false);
      if (outer === null || (i === 0 && declaration.isExternal && declaration.tag === tag.subprogram && outer.tag === tag.namespace)) break;
      text = `${scopeName(outer, text)}::${text}`;
      inner = outer;
    }
    return text;
  }
}

function scopeName(scope: Declaration, inner: string): string {
  if (scope.name !== "") return scope.name;
  if (scope.tag === tag.namespace) return anonymousNamespace;
  return /^(?:operator\(\)|_FUN$)/.test(inner) ? lambda : anonymousType;
}
