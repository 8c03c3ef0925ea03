// Which threads a report keeps, when a process had more than the limit.

/** Indexes of the threads that are kept: the first ones, and always the one that crashed (-1 when none did). */
export function keptThreads(count: number, crashing: number, max: number): number[] {
  const kept = Array.from({ length: Math.min(count, max) }, (_, i) => i);
  if (crashing >= kept.length && crashing < count && kept.length > 0) kept[kept.length - 1] = crashing;
  return kept;
}
