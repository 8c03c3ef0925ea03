// A refresh of a list, without a jump: rows keep their places and change only
// what they say.

/** What every row has. */
export type Row = { readonly id: string };

/** Puts fresh rows over the shown ones, in the shown order; what is not shown yet waits. A shown row goes only when the fresh rows are `whole` (all there are) and lack it. Pure. */
export function mergeRows<T extends Row>(shown: readonly T[], fresh: readonly T[], whole: boolean): { readonly shown: readonly T[]; readonly waiting: readonly T[] } {
  const byId = new Map(fresh.map((row) => [row.id, row]));
  const known = new Set(shown.map((row) => row.id));
  const left = whole ? shown.filter((row) => byId.has(row.id)) : shown;
  return { shown: left.map((row) => byId.get(row.id) ?? row), waiting: fresh.filter((row) => !known.has(row.id)) };
}
