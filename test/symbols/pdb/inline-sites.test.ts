// Sites laid over lines, against a model that asks about one address at a time.
import fc from "fast-check";
import { expect, it } from "vitest";
import { Uint32List } from "../../../symbols/cache/growable-array.ts";
import { INLINE_WORDS } from "../../../symbols/cache/inline-tree.ts";
import { ROW_WORDS } from "../../../symbols/cache/line-rows.ts";
import { ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import { InlineSites } from "../../../symbols/pdb/inline-sites.ts";
import { ModuleFiles } from "../../../symbols/pdb/subsections.ts";

const start = 0x1000;
const end = 0x1040;

type Row = { readonly start: number; readonly end: number; readonly line: number; readonly file: number };
type Site = { readonly depth: number; readonly origin: number; readonly steps: readonly (readonly [gap: number, bytes: number, line: number])[] };

/** Lines that follow each other, with gaps. */
const ownRows = fc.array(fc.tuple(fc.nat(6), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 3 })), { maxLength: 8 }).map((steps) => {
  const rows: Row[] = [];
  let at = start;
  for (const [gap, bytes, line] of steps) {
    at += gap;
    if (at + bytes <= end) rows.push({ start: at, end: at + bytes, line, file: 1 });
    at += bytes;
  }
  return rows;
});
const someSites = fc.array(fc.record({ depth: fc.nat(3), origin: fc.integer({ min: 1, max: 4 }), steps: fc.array(fc.tuple(fc.nat(12), fc.nat(10), fc.nat(3)), { maxLength: 5 }) }), { maxLength: 8 });

/** A site's program: a step with a line, then a length, after which the offset is there. */
function programOf({ steps }: Site): Buffer {
  return Buffer.from(steps.flatMap(([gap, bytes, line]) => [6, line << 1, 3, gap, 4, bytes]));
}

/** The rows that such a program stands for; its lines add up. */
function rowsOf({ steps, origin }: Site): Row[] {
  let at = start;
  let line = origin * 100;
  return steps.map(([gap, bytes, more]) => {
    at += gap + bytes;
    line += more;
    return { start: at - bytes, end: at, line, file: origin + 10 };
  }).filter((row) => row.end > row.start);
}

/** Chain at an address, outermost first: the origin and what is said of its call; then the line of the innermost. */
function model(rows: readonly Row[], sites: readonly Site[], at: number): string {
  let line = rows.find((row) => row.start <= at && at < row.end);
  const chain: string[] = [];
  for (let depth = 0; ; depth++) {
    const layer = sites.filter((site) => site.depth === depth).flatMap((site) => rowsOf(site).map((row) => ({ ...row, origin: site.origin })));
    // The one that begins last has it, of several the one that came last.
    const last = layer.filter((row) => row.start <= at).toSorted((x, y) => x.start - y.start).at(-1);
    if (last === undefined || at >= last.end) break;
    chain.push(`${last.origin}@${line === undefined ? "?" : `${line.file}:${line.line}`}`);
    line = last;
  }
  return `${chain.join(" ")} ${line === undefined ? "" : `${line.file}:${line.line}`}`;
}

it("each address has the innermost line, and each call the line that is below it", () => {
  const files = new ModuleFiles(new ModuleBuilder(), { text: () => null, take: () => 0 });
  fc.assert(
    fc.property(ownRows, someSites, (own, sites) => {
      const list = new InlineSites(files);
      for (const site of sites) expect(list.take(site.depth, start, site.origin, site.origin + 10, site.origin * 100, programOf(site), 0, programOf(site).length)).toBe(true);
      const rows = new Uint32List(64);
      for (const row of own) for (const word of [row.start, row.end - row.start, row.line, row.file]) rows.push(word);
      const composed = list.compose(rows, start, end);
      const words = (data: Uint32Array, length: number, size: number): number[][] => Array.from({ length: length / size }, (_, i) => [...data.subarray(i * size, (i + 1) * size)]);
      const lines = words(composed.data, composed.length, ROW_WORDS);
      const ranges = words(list.ranges.data, list.ranges.length, INLINE_WORDS);
      for (let at = start; at < end; at++) {
        const line = lines.find(([first, bytes]) => first! <= at && at < first! + bytes!);
        const chain = ranges.filter(([, first, bytes]) => first! <= at && at < first! + bytes!);
        expect(chain.map(([depth]) => depth)).toEqual(chain.map((_, depth) => depth));
        const calls = chain.map(([, , , callLine, callFile, origin]) => `${origin}@${callFile}:${callLine}`).join(" ");
        const wanted = model(own, sites, at);
        // Where nothing is below, the call has the line before it, or none.
        const pattern = wanted.replaceAll(/\?(?= |$)/g, "~");
        const ours = `${calls} ${line === undefined ? "" : `${line[3]}:${line[2]}`}`.split(" ").map((part, i) => (pattern.split(" ")[i]?.endsWith("~") === true ? part.replace(/@.*/, "@~") : part)).join(" ");
        expect(ours).toBe(pattern);
      }
      // In order, not empty, not overlapping.
      for (let i = 1; i < lines.length; i++) expect(lines[i]![0]).toBeGreaterThanOrEqual(lines[i - 1]![0]! + lines[i - 1]![1]!);
    }),
    { numRuns: 300 },
  );
});
