// What could not be read of a module's DWARF, counted for all of its files
// together: they are parts of one story, and the builder's warnings tell of it
// as a whole.

/** Counts, by what the builder's warnings call them. */
export type DwarfFaults = {
  /** References that lead nowhere, to a file that is not there, or in circles. */
  brokenReference: number;
  /** Strings that are in a file that is not there, or nowhere. */
  missingString: number;
  /** Ranges that are not within the image. */
  outsideImage: number;
  /** Lists of ranges that could not be read to their end. */
  malformedRanges: number;
};

/** None so far. */
export function noFaults(): DwarfFaults {
  return { brokenReference: 0, missingString: 0, outsideImage: 0, malformedRanges: 0 };
}
