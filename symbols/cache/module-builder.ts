// What every compiler of debug files fills: functions, public symbols, source
// lines, inlined calls, unwind rows and frame programs of one module. When all
// files of the module have been read, `finish` makes the cache of it.
//
// Steps of a compiler, for each function: `addFunction`, then once each, and
// before the next function, `addLines` and `addInlines` with what belongs to
// it. Rows and ranges are packed at once, so that beyond the sections
// themselves a compile holds one function at a time. Unwind rows
// (unwind-rows.ts) and frame programs (win-records.ts) come in any order.
//
// Strings are numbers of `strings`, files and origins numbers that `fileOf` and
// `originOf` give; 0 is none. Addresses are relative to the module's base and
// below 2^32 - 1. Names may be in the linker's spelling; the cache has both.
//
// When several files tell of the same addresses, the one that was read first
// is believed: `beginSource` says that another file follows, whose functions
// count only where none of an earlier file is. Within one file the rules are
// those of symbol-ranges.ts.
//
// Limits: those of the sections (layout.ts). Whatever is left out is counted
// in `warnings`.
import type { Arch } from "../registers.ts";
import { writeCache, type SectionData } from "./cache-writer.ts";
import { Uint32List } from "./growable-array.ts";
import { InlineTreeBuilder } from "./inline-tree.ts";
import { type ModuleIdentity, SYMBOL_WORDS, type SectionKind, headerFlag, publicFlag, section } from "./layout.ts";
import { LineRowsBuilder } from "./line-rows.ts";
import { takeLinkerNames } from "./linker-names.ts";
import { LooseLines } from "./loose-lines.ts";
import { NumberMap } from "./number-map.ts";
import { buildPageIndex } from "./page-index.ts";
import { RuleTable } from "./rule-table.ts";
import { StringTable } from "./string-table.ts";
import { flattenSymbols } from "./symbol-ranges.ts";
import { UnwindRowsBuilder } from "./unwind-rows.ts";
import { WinRecords } from "./win-records.ts";

/** Gives the readable form of a mangled name, null for a name that is none. */
export type Demangle = (name: string) => string | null;

/** Collects one module and writes its cache. */
export class ModuleBuilder {
  readonly strings = new StringTable();
  /** Names of files and of inlined functions by their numbers; strings. */
  readonly files = new Uint32List();
  readonly origins = new Uint32List();
  readonly rules = new RuleTable();
  readonly unwind = new UnwindRowsBuilder();
  readonly win = new WinRecords(this.rules);
  /** What was left out or mended: a reason, and how often. */
  readonly warnings = new Map<string, number>();
  /** See `headerFlag.leafWithoutRow`. */
  leafWithoutRow = false;
  /** See `headerFlag.lacksCompanion`. */
  lacksCompanion = false;

  /** Hears how far the reading of a large file is. */
  onProgress: ((done: number, total: number) => void) | null = null;

  private readonly lines = new LineRowsBuilder();
  private readonly inlines = new InlineTreeBuilder();
  private readonly looseLines = new LooseLines();
  /** By function, in the order in which they came. */
  private readonly functionStart = new Uint32List();
  private readonly functionEnd = new Uint32List();
  private readonly functionName = new Uint32List();
  private readonly functionLinkage = new Uint32List();
  private readonly functionParameters = new Uint32List();
  /** Index of the function's first checkpoint. */
  private readonly functionLines = new Uint32List();
  private readonly functionInlines = new Uint32List();
  /** By public symbol. */
  private readonly publicStart = new Uint32List();
  private readonly publicName = new Uint32List();
  private readonly publicParameters = new Uint32List();
  private readonly publicEnds = new Uint32List(16);
  /** By source: its first function. */
  private readonly sources: number[] = [0];
  /** Sources whose functions keep the names that they have. */
  private readonly named = new Set<number>();
  private readonly fileNumbers = new NumberMap();
  private readonly originNumbers = new NumberMap();

  constructor() {
    this.files.push(0);
    this.origins.push(0);
  }

  /** How many functions there are. */
  get functions(): number {
    return this.functionStart.length;
  }

  /** How many line rows, inlined ranges and public symbols there are. */
  get counts(): { readonly lines: number; readonly inlines: number; readonly publics: number } {
    return { lines: this.lines.rows, inlines: this.inlines.nodes, publics: this.publicStart.length };
  }

  /** Says that what follows is from another file than what came. */
  beginSource(): void {
    if (this.sources.at(-1) !== this.functions) this.sources.push(this.functions);
    this.named.delete(this.sources.length - 1);
  }

  /** Says that functions of this source have the names that people shall see, whatever the linker called them. */
  keepNames(): void {
    this.named.add(this.sources.length - 1);
  }

  /** Adds a function from `start` up to `end`, which is above it. `linkage` is the linker's spelling where `name` is not it; `parameterBytes` those on the stack, x86 only. */
  addFunction(start: number, end: number, name: number, linkage = 0, parameterBytes = 0): void {
    this.functionStart.push(start);
    this.functionEnd.push(end);
    this.functionName.push(name);
    this.functionLinkage.push(linkage === name ? 0 : linkage);
    this.functionParameters.push(parameterBytes);
    this.functionLines.push(this.lines.starts.length);
    this.functionInlines.push(this.inlines.starts.length);
  }

  /** Adds the lines of the function that was added last: `count` times ROW_WORDS words of line-rows.ts, in any order. */
  addLines(rows: Uint32Array, count: number): void {
    const last = this.functions - 1;
    this.lines.add(this.functionStart.data[last]!, this.functionEnd.data[last]!, rows, count);
  }

  /** Adds lines that no function is known of: `count` rows as for `addLines`, ascending. They are given to the public symbol around them. */
  addLooseLines(rows: Uint32Array, count: number): void {
    this.looseLines.add(rows, count);
  }

  /** Adds what was inlined into the function that was added last: `count` times INLINE_WORDS words of inline-tree.ts, in any order. */
  addInlines(ranges: Uint32Array, count: number): void {
    const last = this.functions - 1;
    this.inlines.add(this.functionStart.data[last]!, this.functionEnd.data[last]!, ranges, count);
  }

  /** Adds a bare linker symbol. */
  addPublic(start: number, name: number, parameterBytes = 0): void {
    this.publicStart.push(start);
    this.publicName.push(name);
    this.publicParameters.push(parameterBytes);
  }

  /** Says that no public symbol reaches past an address: where a section ends, say. */
  endPublics(end: number): void {
    this.publicEnds.push(end);
  }

  /** The number of a file by its path, a string. */
  fileOf(path: number): number {
    return numberOf(this.files, this.fileNumbers, path);
  }

  /** The number of an inlined function by its name, a string. */
  originOf(name: number): number {
    return numberOf(this.origins, this.originNumbers, name);
  }

  /** Counts something that was left out or mended. */
  warn(reason: string, times = 1): void {
    if (times > 0) this.warnings.set(reason, (this.warnings.get(reason) ?? 0) + times);
  }

  /** Makes the bytes of the cache. Nothing may be added after it. `demangle` is given names in the linker's spelling. */
  finish(identity: ModuleIdentity, arch: Arch | null, demangle?: Demangle): Uint8Array {
    const { strings, lines, inlines, rules } = this;
    const sections = new Map<SectionKind, SectionData>();
    const symbolCounts = this.addSymbols(arch, sections, demangle);

    sections.set(section.lineRows, lines.blob.view());
    sections.set(section.inlineCalls, inlines.blob.view());
    const rows = this.unwind.finish();
    sections.set(section.rowStart, rows.starts);
    sections.set(section.rowRule, rows.low);
    sections.set(section.rowRuleHigh, rows.high);
    sections.set(section.rowPage, buildPageIndex(rows.starts));
    const win = this.win.finish();
    sections.set(section.winPrograms, win.programs);
    sections.set(section.winFpo, win.fpo);
    sections.set(section.winShapes, win.shapes);
    if (rules.count > 1) sections.set(section.rules, rules.ruleSection());
    sections.set(section.expressions, rules.expressionSection());

    this.warn("overlappingLine", lines.overlaps);
    this.warn("unplacedInline", inlines.dropped);
    this.warn("overlappingCfi", rows.overlaps);
    this.warn("overlappingWin", win.overlaps);
    this.warn("ruleOverflow", rules.overflow);
    if (strings.isFull) this.warn("nameOverflow");
    const counts = { ...symbolCounts, lines: lines.rows, inlines: inlines.nodes, unwindRows: rows.starts.length, rules: rules.count, winPrograms: win.programs.length / 3, winFpo: win.fpo.length / 3 };
    const warnings = Object.fromEntries([...this.warnings].toSorted());
    return writeCache({ ...identity, counts, warnings }, arch, sections, (this.leafWithoutRow ? headerFlag.leafWithoutRow : 0) | (this.lacksCompanion ? headerFlag.lacksCompanion : 0));
  }

  /** The sections about functions and public symbols, without those that were dropped, and all names. */
  private addSymbols(arch: Arch | null, sections: Map<SectionKind, SectionData>, demangle: Demangle | undefined): { readonly functions: number; readonly publics: number } {
    const { lines, inlines } = this;
    // They count only where no function is.
    this.beginSource();
    this.looseLines.placeIn(this.functionStart.view(), this.publicStart.view(), this.publicEnds.view(), (symbol, end, rows, count) => {
      this.addFunction(this.publicStart.data[symbol]!, end, this.publicName.data[symbol]!, 0, this.publicParameters.data[symbol]!);
      this.addLines(rows, count);
    });
    const plain = this.sources.map((first, i): readonly [number, number] => [first, this.named.has(i) ? first : (this.sources[i + 1] ?? this.functions)]);
    takeLinkerNames({ start: this.functionStart, name: this.functionName }, this.functionLinkage, plain, { start: this.publicStart, name: this.publicName }, this.strings);
    const ranges = flattenSymbols({ functionStart: this.functionStart.view(), functionEnd: this.functionEnd.view(), publicStart: this.publicStart.view(), publicEnds: this.publicEnds.view() }, this.sources);
    const { functions, publics } = ranges;
    this.warn("overlappingFunction", ranges.overlappingFunctions);
    this.warn("overlappingPublic", this.publicStart.length - publics.length);
    sections.set(section.rangeStart, ranges.starts);
    sections.set(section.rangeSymbol, ranges.symbols);
    sections.set(section.rangePage, buildPageIndex(ranges.starts));
    const lineRuns = pickRuns(this.functionLines, functions, lines.starts, lines.offsets);
    const inlineRuns = pickRuns(this.functionInlines, functions, inlines.starts, inlines.offsets);
    sections.set(section.lines, lineRuns.points);
    sections.set(section.inlines, inlineRuns.points);
    const starts = pickBoth(this.functionStart, functions, this.publicStart, publics);
    const names = pickBoth(this.functionName, functions, this.publicName, publics);
    const linkage = new Uint32Array(names.length);
    for (let i = 0; i < functions.length; i++) linkage[i] = this.functionLinkage.data[functions[i]!]!;
    this.addNames(names, linkage, sections, demangle);
    sections.set(section.symbols, joinSymbols(starts, names, functions.length, lineRuns.first, inlineRuns.first));
    const parameters = pickBoth(this.functionParameters, functions, this.publicParameters, publics);
    if (arch === "x86" && parameters.some((bytes) => bytes > 0)) sections.set(section.symbolParameters, parameters);
    return { functions: functions.length, publics: publics.length };
  }

  /** The strings and what points to them. Names in the linker's spelling become readable in `names` and move to `linkage`. */
  private addNames(names: Uint32Array, linkage: Uint32Array, sections: Map<SectionKind, SectionData>, demangle: Demangle | undefined): void {
    const { strings } = this;
    let originNames = this.origins.view();
    if (demangle !== undefined) {
      const readable = demangled(strings, [names, originNames], demangle);
      for (let i = 0; i < names.length; i++) {
        const name = names[i]!;
        if (readable[name] === name) continue;
        linkage[i] = name;
        names[i] = readable[name]!;
      }
      originNames = originNames.map((name) => readable[name]!);
    }
    if (linkage.some((name) => name !== 0)) sections.set(section.symbolLinkage, linkage);
    sections.set(section.fileName, this.files.view());
    sections.set(section.originName, originNames);
    sections.set(section.stringOffset, strings.offsetSection());
    sections.set(section.stringBytes, strings.byteSection());
  }
}

function numberOf(list: Uint32List, numbers: NumberMap, name: number): number {
  if (name === 0) return 0;
  let number = numbers.get(name);
  if (number < 0) {
    number = list.length;
    list.push(name);
    numbers.set(name, number);
  }
  return number;
}

/** By string: the string of its readable form, or itself. Only those are made that one of `lists` has. */
function demangled(strings: StringTable, lists: readonly Uint32Array[], demangle: (name: string) => string | null): Uint32Array {
  const readable = new Uint32Array(strings.count);
  for (const list of lists) {
    for (const id of list) {
      if (readable[id] !== 0) continue;
      readable[id] = id;
      // Itanium and Rust begin with _, Microsoft's with ?, Swift's with $ or _, and so does no path that matters.
      const first = strings.firstByteOf(id);
      if (first !== 0x5f && first !== 0x3f && first !== 0x24 && first !== 0x40) continue;
      const text = demangle(strings.textOf(id));
      if (text !== null && text !== "") readable[id] = strings.takeText(text);
    }
  }
  return readable;
}

/** The values of the kept functions, then those of the kept public symbols. */
function pickBoth(functionValues: Uint32List, functions: Uint32Array, publicValues: Uint32List, publics: Uint32Array): Uint32Array {
  const picked = new Uint32Array(functions.length + publics.length);
  for (let i = 0; i < functions.length; i++) picked[i] = functionValues.data[functions[i]!]!;
  for (let i = 0; i < publics.length; i++) picked[functions.length + i] = publicValues.data[publics[i]!]!;
  return picked;
}

/** The section `symbols`. */
function joinSymbols(starts: Uint32Array, names: Uint32Array, functions: number, firstLine: Uint32Array, firstInline: Uint32Array): Uint32Array {
  const joined = new Uint32Array((starts.length + 1) * SYMBOL_WORDS);
  for (let i = 0; i <= starts.length; i++) {
    const word = i * SYMBOL_WORDS;
    joined[word] = starts[i] ?? 0;
    joined[word + 1] = ((names[i] ?? 0) | (i < functions ? 0 : publicFlag)) >>> 0;
    joined[word + 2] = firstLine[Math.min(i, functions)]!;
    joined[word + 3] = firstInline[Math.min(i, functions)]!;
  }
  return joined;
}

/** The checkpoints of the kept functions, each function's run after that of the function before; `first` has one entry more than there are functions. */
function pickRuns(firsts: Uint32List, functions: Uint32Array, starts: Uint32List, offsets: Uint32List): { readonly first: Uint32Array; readonly points: Uint32Array } {
  const first = new Uint32Array(functions.length + 1);
  const points = new Uint32List(starts.length * 2);
  for (let i = 0; i < functions.length; i++) {
    const from = firsts.data[functions[i]!]!;
    const to = functions[i]! + 1 < firsts.length ? firsts.data[functions[i]! + 1]! : starts.length;
    first[i] = points.length / 2;
    for (let k = from; k < to; k++) {
      points.push(starts.data[k]!);
      points.push(offsets.data[k]!);
    }
  }
  first[functions.length] = points.length / 2;
  return { first, points: points.view() };
}
