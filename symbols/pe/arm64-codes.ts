// Runs of arm64 unwind codes as bytes: how long each is, and how many
// instructions of a prolog or epilog a run stands for. Microsoft's "ARM64
// exception handling" has the codes; those that it leaves out are from the
// headers and tools that write them (LLVM, Wine).
//
// A run ends with `end`. A code stands for one instruction of 4 bytes, so the
// place in a half-done prolog or epilog says which codes still count. Two kinds
// stand for none: the ends, and what the kernel or a thunk put on the stack
// before the first instruction ran.

/** Codes that are one whole byte. */
export const unwindCode = {
  allocScalable: 0xdf,
  allocLarge: 0xe0,
  setFp: 0xe1,
  addFp: 0xe2,
  nop: 0xe3,
  end: 0xe4,
  /** The run's own codes end here; what follows is what another fragment of the function did. */
  endFragment: 0xe5,
  saveNext: 0xe6,
  saveAny: 0xe7,
  trapFrame: 0xe8,
  machineFrame: 0xe9,
  context: 0xea,
  contextX64: 0xeb,
  clearUnwoundToCall: 0xec,
  signLr: 0xfc,
} as const;

/** Codes of one run, at most. Saving all that a function has to save takes below 40; a run may have the codes of a parent's prolog too. */
export const runCodes = 128;

/** Bytes of a code by its first byte. */
export function codeBytes(first: number): number {
  if (first < 0xc0) return 1;
  if (first < 0xe0) return 2;
  switch (first) {
    case unwindCode.allocLarge:
      return 4;
    case unwindCode.addFp:
      return 2;
    case unwindCode.saveAny:
      return 3;
    default:
      // Four codes are reserved with their sizes.
      return first >= 0xf8 && first <= 0xfb ? first - 0xf6 : 1;
  }
}

/** Fills `places` with the run from `at` on: its start, then the place after each code that stands for an instruction. Gives the number of instructions; -1 when the run has too many codes. */
export function instructionPlaces(codes: Uint8Array, at: number, places: Int32Array): number {
  let count = 0;
  places[0] = at;
  for (let steps = 0; at < codes.length; steps++) {
    const first = codes[at]!;
    if (first === unwindCode.end || first === unwindCode.endFragment) return count;
    if (steps === runCodes) return -1;
    at += codeBytes(first);
    // What stood on the stack beforehand took no instruction (0xe8 to 0xef).
    if ((first & 0xf8) !== 0xe8) places[++count] = Math.min(at, codes.length);
  }
  return count;
}
