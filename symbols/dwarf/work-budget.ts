// What a file may make us do beyond one pass over it.
//
// The pass over entries is linear, since units do not overlap. Everything else
// is reached through offsets: abbreviations, line programs, lists of ranges,
// names. A file can be made so that a thousand entries point to the same long
// list, or that ten thousand functions share one large line table, and each
// costs its whole length every time. Compilers write nothing like it: what is
// reached by offset is about as much as the file. So all of it is paid from one
// budget, a multiple of the file, and when that is spent the rest is left out.
//
// What is kept has its price too: functions, inlined ranges, rows of lines,
// scopes. An entry can be a byte, and what is kept of it fifty; what compilers
// write uses a seventh of the budget for all of this together.

/** How many times the bytes of all sections may be read by offset. */
const sectionTimes = 16;
/** What even the smallest file may use, in bytes. */
const freeBytes = 16 * 1024 * 1024;

/** Bytes that may still be read by offset. */
export class WorkBudget {
  private left: number;
  /** How often something was left out because there was nothing left. */
  refused = 0;

  constructor(sectionBytes: number) {
    this.left = sectionBytes * sectionTimes + freeBytes;
  }

  /** Pays for some bytes of work; false when it must not be done, and from then on always. */
  spend(bytes: number): boolean {
    this.left -= bytes;
    if (this.left >= 0) return true;
    this.refused++;
    return false;
  }
}
