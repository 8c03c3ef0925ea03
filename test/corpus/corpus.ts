// Crash data of others, in ../shared/corpus: its files compiled as a person would
// name them, and answers compared that two files give about every address.
import { existsSync } from "node:fs";
import path from "node:path";
import { frameName } from "../../signature/frame-name.ts";
import type { Frame } from "../../stackwalk/report.ts";
import { ruleText } from "../../stackwalk/unwind/rule-text.ts";
import type { InlinePlace, SourcePlace } from "../../symbols/cache/module-symbols.ts";
import type { SymbolCache } from "../../symbols/cache/symbol-cache.ts";
import { registerFiles } from "../../symbols/registers.ts";
import { openSymbolFiles } from "../../symbols/symbol-file.ts";
import { emptyPlace } from "../symbols/cache/cached-symbols.ts";

/** Where the corpus is, if it is. */
export const corpus = path.resolve(import.meta.dirname, "../../../shared/corpus");
/** Whether it is. */
export const hasCorpus = existsSync(path.join(corpus, "CATALOGUE.md"));
/** What stands behind the name of a suite that needs it. */
export const corpusNote = hasCorpus ? "" : " (needs ../shared, which is not there)";

/** A file of the corpus. */
export const corpusFile = (file: string): string => path.join(corpus, file);

/** The symbols that files of the corpus have together, with what lies beside them. Throws when they are refused. */
export function symbolsOf(files: readonly string[], archName: string | null = null): SymbolCache {
  const opened = openSymbolFiles(files.map(corpusFile), archName);
  if (!opened.ok) throw new Error(opened.problem.message);
  return opened.value;
}

/** What was compared, and all that differs, with the first address of each difference and how many there are. */
export type Agreement = { readonly same: number; readonly different: readonly string[] };

/** Differences by what they say, so that a function is one of them and not a thousand. */
export class Differences {
  same = 0;
  private readonly found = new Map<string, { readonly at: number; count: number }>();

  add(at: number, what: string): void {
    const known = this.found.get(what);
    if (known === undefined) this.found.set(what, { at, count: 1 });
    else known.count++;
  }

  result(): Agreement {
    return { same: this.same, different: [...this.found].map(([what, { at, count }]) => `${at.toString(16)} (${count}): ${what}`) };
  }
}

const names = new Map<string, string>();

/** A name as signatures compare names: no parameters, no template arguments, no marks of copies. */
export function plainName(name: string): string {
  let plain = names.get(name);
  if (plain === undefined) {
    plain = frameName({ function: name, file: null, line: null, module: null, offset: "0" } as unknown as Frame, false).text;
    names.set(name, plain);
  }
  return plain;
}

/** How two files' answers are compared. */
export type Comparison = {
  /** The last address, plus one. */
  readonly end: number;
  /** False where the other file has no inlined calls: its line is then that of the innermost. */
  readonly inlines?: boolean;
  /** False where the other file has names alone. */
  readonly lines?: boolean;
  /** Spells both files' paths alike. */
  readonly file?: (path: string) => string;
  /** Says of a pair of names that differ whether they should. */
  readonly isExplained?: (theirs: string, ours: string) => boolean;
};

/** Compares what two caches say of every address that the first knows. Public symbols of `.sym` files have no end; where ours has none either it is not compared. */
export function compareAnswers(theirs: SymbolCache, ours: SymbolCache, comparison: Comparison): Agreement {
  const { end, inlines = true, lines = true, file = (text) => path.posix.normalize(text), isExplained = () => false } = comparison;
  const [their, our] = [emptyPlace(), emptyPlace()];
  const differences = new Differences();
  const isSameName = (one: string, other: string): boolean => one === other || plainName(one) === plainName(other) || isExplained(one, other);
  const isSamePlace = (one: SourcePlace | InlinePlace, other: SourcePlace | InlinePlace): boolean => !lines || (file(one.file ?? "") === file(other.file ?? "") && one.line === other.line);
  for (let at = 0; at < end; at++) {
    if (!theirs.lookUp(at, their)) continue;
    const isKnown = ours.lookUp(at, our);
    if (their.isPublic) {
      if (!isKnown) continue;
      if (isSameName(withoutCopy(their.name), our.name)) differences.same++;
      else differences.add(at, `PUBLIC ${their.name} | ${our.name}`);
      continue;
    }
    const [one, other] = [chainOf(their), chainOf(our)];
    const isSame = inlines
      ? one.length === other.length && one.every((frame, i) => isSameName(frame.name, other[i]!.name) && isSamePlace(frame, other[i]!))
      : isSameName(their.name, our.name) && isSamePlace(their, other[0]!);
    if (isKnown && isSame && their.start === our.start) differences.same++;
    else differences.add(at, `${textOf(one)} | ${isKnown ? textOf(other) : "nothing"}`);
  }
  return differences.result();
}

/** Compares how to unwind wherever the first cache says it. */
export function compareRows(theirs: SymbolCache, ours: SymbolCache, end: number, isExplained: (theirs: string, ours: string | null, at: number) => boolean = () => false): Agreement {
  const differences = new Differences();
  for (let at = 0; at < end; at++) {
    const their = ruleAt(theirs, at);
    if (their === null) continue;
    const our = ruleAt(ours, at);
    if (our === their) differences.same++;
    else if (!isExplained(their, our, at)) differences.add(at, `${their} | ${our}`);
  }
  return differences.result();
}

const ruleTexts = new WeakMap<SymbolCache, Map<number, string>>();

/** How to unwind from an address; null where nothing says it. */
export function ruleAt(cache: SymbolCache, rva: number): string | null {
  const row = cache.unwindRow(rva);
  const rule = row < 0 ? 0 : cache.rowRule(row);
  if (rule === 0) return null;
  const texts = ruleTexts.get(cache) ?? new Map<number, string>();
  ruleTexts.set(cache, texts);
  const text = texts.get(rule) ?? (ruleText(registerFiles[cache.arch!], cache.rules, rule, cache.expressions) || "end");
  texts.set(rule, text);
  return text;
}

/** Functions at a place, innermost first. */
export const chainOf = (place: SourcePlace): readonly (SourcePlace | InlinePlace)[] => [...place.inlines, place];

/** As one line of text. */
export const textOf = (chain: readonly (SourcePlace | InlinePlace)[]): string => chain.map(({ name, file, line }) => `${name} ${file}:${line}`).join(" < ");

/** Names of copies that compilers make (`[clone .part.1]`) are those of the function in debug information. */
const withoutCopy = (name: string): string => name.replace(/( \[clone [^\]]*\])+$/, "");
