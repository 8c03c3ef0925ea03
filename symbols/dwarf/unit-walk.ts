// The pass over a unit's entries, in the order of the file: finds functions with
// code, what was inlined into them, and the scopes that names need.
//
// Nine of ten entries are types, parameters and variables, of which only the
// size matters; the abbreviations know how to pass over them
// (abbreviations.ts). Half of them lie in classes, which every source file that
// uses a class describes again, and functions that are only declared have
// parameters: GCC writes where the next entry is that is not in them, so these
// are passed over in one step. A class may have code in it: Clang, Zig and others
// leave it there. GCC puts what has code next to the class, and keeps it in it
// only for classes in functions (`gen_subprogram_die`); so its classes are passed
// over where they lie in nothing but namespaces. Their scopes are then not known,
// and whoever needs one walks again (dwarf.ts).
//
// What is open at a depth (scope, function, depth of
// inlining) is kept in stacks of numbers, and what is found in flat lists.
// Names are not looked at: they may depend on scopes that come later.
import { Uint32List } from "../cache/growable-array.ts";
import { dieFlag, dieKind, slot } from "./abbreviations.ts";
import { form, tag } from "./codes.ts";
import type { DwarfFile } from "./dwarf-file.ts";
import { step } from "./form-sizes.ts";
import { readFixed } from "./section-cursor.ts";
import { ScopeIndex } from "./scope-index.ts";
import type { Unit } from "./unit.ts";

/** Words of a function in `UnitWalk.functions`: offset of its entry; index of its first range and past its last; its first and last inlined range, numbers + 1, 0 for none. */
export const FUNCTION_WORDS = 5;
/** Words of an inlined range in `UnitWalk.inlines`: the next of its function, number + 1; depth; first address; bytes; line of the call; file of the call in the unit's own numbering; offset of the entry that has the name, and `inSupplement` where it is in what dwz took out. */
export const INLINED_WORDS = 7;

/** Added to the offset of an entry in what dwz took out. Offsets are below it (`sectionBytesMax`). */
export const inSupplement = 2 ** 31;

/** The file of a call that does not say it. */
const noFile = 0xffffffff;
/** Entries in each other, at most; compilers stay far below a thousand. */
const depthMax = 1 << 22;
/** What keeping a function, an inlined range or a scope costs, in bytes that are read: some times the memory that it takes here and in the builder. */
const [functionCost, inlinedCost, scopeCost] = [256, 64, 64];

/** Walks units, one after the other. */
export class UnitWalk {
  readonly functions = new Uint32List(FUNCTION_WORDS * 256);
  /** First address and bytes of each range of a function. */
  readonly ranges = new Uint32List(512);
  readonly inlines = new Uint32List(INLINED_WORDS * 1024);
  readonly scopes = new ScopeIndex();
  private readonly found = new Uint32List(64);
  /** By depth: the scope that is open, number + 1; the function, number + 1; how deep in inlined calls. */
  private openScope = new Int32Array(256);
  private openFunction = new Int32Array(256);
  private openDepth = new Int32Array(256);

  /** Walks a unit of a file and keeps what it found until the next one; false when the unit could not be read to its end. Without `wantsCode` it finds scopes only, and all of them. Long, since every entry of a file passes here: what it needs is in local variables. */
  walk(file: DwarfFile, unit: Unit, wantsCode = true): boolean {
    this.functions.length = 0;
    this.ranges.length = 0;
    this.inlines.length = 0;
    this.scopes.clear();
    const { scopes } = this;
    const { reader, budget } = file;
    const { info, little } = file.sections;
    const { end, abbreviations } = unit;
    const { words, steps, dense } = abbreviations;
    const passesClasses = wantsCode && unit.isGnuC;
    let at = unit.firstDie;
    let depth = 0;
    let scope = 0;
    let owner = 0;
    let inlined = 0;
    /** How many of the entries that are open are the unit or a namespace, from the outermost on. */
    let spaces = 0;
    while (at < end) {
      const die = at;
      let number = info[at++]!;
      if (number >= 0x80) {
        number &= 0x7f;
        for (let shift = 7; at < end && shift < 28; shift += 7) {
          const byte = info[at++]!;
          number |= (byte & 0x7f) << shift;
          if (byte < 0x80) break;
        }
      }
      if (number === 0) {
        if (--depth < 0) return true;
        const outer = this.openScope[depth]!;
        if (scope !== outer) scopes.close(scope, at);
        scope = outer;
        owner = this.openFunction[depth]!;
        inlined = this.openDepth[depth]!;
        if (depth < spaces) spaces = depth;
        if (depth === 0) return true;
        continue;
      }
      const word = number < dense.length ? dense[number]! : abbreviations.find(number);
      if (word < 0) return false;
      const flags = words[word]!;
      const hasChildren = (flags & dieFlag.hasChildren) !== 0;
      const kind = flags & 7;
      let nextScope = scope;
      let nextOwner = owner;
      let nextInlined = inlined;
      if (kind === dieKind.code && wantsCode) {
        at = reader.read(unit, word, at);
        nextOwner = this.addFunction(file, unit, die);
        nextInlined = 0;
        if (hasChildren && budget.spend(scopeCost)) nextScope = scopes.open(die, scope);
      } else if (kind === dieKind.inlined && owner !== 0) {
        at = reader.read(unit, word, at);
        this.addInlined(file, unit, owner, inlined, die);
        nextInlined = inlined + 1;
      } else {
        const fixed = words[word + 1]!;
        if (fixed >= 0) at += fixed;
        else {
          for (let i = words[word + 2]!; ; i++) {
            const operation = steps[i]!;
            const kindOfStep = operation & 15;
            if (kindOfStep === step.bytes) at += operation >>> 4;
            else if (kindOfStep === step.end) break;
            else if (kindOfStep === step.leb) {
              while (at < end && info[at]! >= 0x80) at++;
              at++;
            } else if (kindOfStep === step.block && at < end && info[at]! < 0x80) at += 1 + info[at]!;
            else {
              at = reader.pass(unit, operation, at);
              if (at < 0) return false;
            }
          }
        }
        if (flags >= dieFlag.leadsOn && at <= end && ((flags & dieFlag.leadsOn) !== 0 || (passesClasses && depth === spaces))) {
          const next = unit.start + readFixed(info, at - 4, 4, little);
          if (next > at && next < end) {
            if ((flags & dieFlag.classLeadsOn) !== 0 && budget.spend(scopeCost)) scopes.close(scopes.open(die, scope, 1), next);
            at = next;
            continue;
          }
        }
        if (hasChildren) {
          if ((kind === dieKind.scope || kind === dieKind.code) && budget.spend(scopeCost)) nextScope = scopes.open(die, scope);
          if (depth === spaces && (depth === 0 || words[word + 4] === tag.namespace)) spaces++;
        }
      }
      if (at < 0 || at > end) return false;
      if (!hasChildren) {
        if (depth === 0) return true;
        continue;
      }
      if (depth >= this.openScope.length) {
        if (depth >= depthMax) return false;
        this.deepen();
      }
      this.openScope[depth] = scope;
      this.openFunction[depth] = owner;
      this.openDepth[depth] = inlined;
      depth++;
      scope = nextScope;
      owner = nextOwner;
      inlined = nextInlined;
    }
    return depth === 0;
  }

  /** Notes the function that was read; returns its number + 1, 0 when it has no code. */
  private addFunction({ reader, ranges: codeRanges, budget }: DwarfFile, unit: Unit, die: number): number {
    const { functions, ranges } = this;
    if (!budget.spend(functionCost)) return 0;
    const first = ranges.length;
    codeRanges.add(unit, reader, ranges);
    if (ranges.length === first) return 0;
    functions.push(die);
    functions.push(first);
    functions.push(ranges.length);
    functions.push(0);
    functions.push(0);
    return functions.length / FUNCTION_WORDS;
  }

  /** Notes the inlined call that was read, in a function and some calls deep. */
  private addInlined({ reader, ranges: codeRanges, budget }: DwarfFile, unit: Unit, owner: number, depth: number, die: number): void {
    const { functions, inlines, found } = this;
    found.length = 0;
    codeRanges.add(unit, reader, found);
    const itsLine = reader.has(slot.callLine) ? clampedLine(reader.values[slot.callLine]!) : 0;
    const itsFile = reader.has(slot.callFile) ? Math.min(reader.values[slot.callFile]!, noFile) : noFile;
    const originForm = reader.forms[slot.abstractOrigin]!;
    const itsOrigin = reader.values[slot.abstractOrigin]!;
    const origin = originForm === form.refAddr ? itsOrigin : isInSupplement(originForm) && itsOrigin < inSupplement ? itsOrigin + inSupplement : die;
    for (let i = 0; i < found.length && budget.spend(inlinedCost); i += 2) {
      const number = inlines.length / INLINED_WORDS + 1;
      const head = (owner - 1) * FUNCTION_WORDS;
      if (functions.data[head + 3] === 0) functions.data[head + 3] = number;
      else inlines.data[(functions.data[head + 4]! - 1) * INLINED_WORDS] = number;
      functions.data[head + 4] = number;
      inlines.push(0);
      inlines.push(depth);
      inlines.push(found.data[i]!);
      inlines.push(found.data[i + 1]!);
      inlines.push(itsLine);
      inlines.push(itsFile);
      inlines.push(origin);
    }
  }

  private deepen(): void {
    const wider = (stack: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> => {
      const copy = new Int32Array(stack.length * 2);
      copy.set(stack);
      return copy;
    };
    this.openScope = wider(this.openScope);
    this.openFunction = wider(this.openFunction);
    this.openDepth = wider(this.openDepth);
  }
}

/** Whether a form refers to an entry that dwz took out. */
export function isInSupplement(itsForm: number): boolean {
  return itsForm === form.gnuRefAlt || itsForm === form.refSup4 || itsForm === form.refSup8;
}

/** A line number as rows have it; what cannot be one is 0. */
function clampedLine(line: number): number {
  return line >= 0 && line <= 0x7fffffff ? line : 0;
}
