// What a compile leaves out or mends, counted by reason: it goes into the
// cache's META, for those who ask why an address has no name.

/** Counts by reason. A reason that did not occur is 0. */
export type CompileTally = {
  /** Lines of no known kind. */
  unknownRecord: number;
  malformedFile: number;
  malformedFunction: number;
  malformedPublic: number;
  malformedLine: number;
  malformedInline: number;
  malformedInlineOrigin: number;
  malformedCfi: number;
  malformedWin: number;
  /** Line, inline and STACK CFI records that follow no FUNC or INIT which could own them. */
  orphanLine: number;
  orphanInline: number;
  orphanCfi: number;
  /** Records for addresses beyond 4 GiB. */
  beyondRange: number;
  /** Records longer than a read. */
  overlongRecord: number;
  overlappingFunction: number;
  overlappingPublic: number;
  overlappingLine: number;
  overlappingCfi: number;
  /** STACK WIN records that were dropped; `mendedWin` were shortened. */
  overlappingWin: number;
  mendedWin: number;
  /** Inlined ranges that lie in nothing or nest too deep. */
  unplacedInline: number;
  /** STACK CFI records of an architecture that cannot be walked. */
  foreignCfi: number;
  /** Rows whose rule was left out because there were too many. */
  ruleOverflow: number;
  /** Names that were left out because all together passed 2 GiB. */
  nameOverflow: number;
};

/** A tally of nothing. */
export function emptyTally(): CompileTally {
  return {
    unknownRecord: 0,
    malformedFile: 0,
    malformedFunction: 0,
    malformedPublic: 0,
    malformedLine: 0,
    malformedInline: 0,
    malformedInlineOrigin: 0,
    malformedCfi: 0,
    malformedWin: 0,
    orphanLine: 0,
    orphanInline: 0,
    orphanCfi: 0,
    beyondRange: 0,
    overlongRecord: 0,
    overlappingFunction: 0,
    overlappingPublic: 0,
    overlappingLine: 0,
    overlappingCfi: 0,
    overlappingWin: 0,
    mendedWin: 0,
    unplacedInline: 0,
    foreignCfi: 0,
    ruleOverflow: 0,
    nameOverflow: 0,
  };
}

/** The reasons that occurred. */
export function occurred(tally: CompileTally): { readonly [reason: string]: number } {
  return Object.fromEntries(Object.entries(tally).filter(([, count]) => count > 0));
}
