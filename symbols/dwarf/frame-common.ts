// Common entries (CIE): what the call frames of several functions share.
//
// The augmentation says what a compiler added to the format. Of letters that
// are not known nothing can be said, not even where the next field begins, so
// such an entry and its functions are left out.
import { type CommonFrame, runProgram } from "./cfa-program.ts";
import type { CfaState } from "./cfa-state.ts";
import type { FrameCursor } from "./frame-cursor.ts";
import { type FrameSection, pointerEncoding, readPointer } from "./frame-section.ts";

/** A common entry, or why its functions cannot be read: it is malformed, or written for another reader. */
export type CommonEntry = { readonly ok: true; readonly common: CommonFrame } | { readonly ok: false; readonly reason: "malformed" | "unknown" };

const malformed: CommonEntry = { ok: false, reason: "malformed" };
const unknown: CommonEntry = { ok: false, reason: "unknown" };
/** Characters of an augmentation, at most; `zPLRSB` has six. */
const augmentationChars = 16;

/** Reads the entry whose fields after the id begin at the cursor. The state is used, and in no state afterwards. */
export function readCommon(cursor: FrameCursor, state: CfaState, section: FrameSection): CommonEntry {
  const version = cursor.u8();
  if (version !== 1 && version !== 3 && version !== 4) return cursor.failed ? malformed : unknown;
  const augmentation = readText(cursor);
  if (augmentation === null) return malformed;
  let addressBytes = section.addressBytes;
  let segmentBytes = 0;
  if (version === 4) {
    const bytes = cursor.u8();
    segmentBytes = cursor.u8();
    if (bytes !== 4 && bytes !== 8) return cursor.failed ? malformed : unknown;
    addressBytes = bytes;
  }
  // GCC before 3.0 put the address of its exception table here.
  if (augmentation === "eh") cursor.skip(addressBytes);
  const codeAlign = cursor.uleb();
  const dataAlign = cursor.sleb();
  const returnColumn = version === 1 ? cursor.u8() : cursor.uleb();
  const hasData = augmentation.startsWith("z");
  let encoding: number = pointerEncoding.absolute;
  let isSignal = false;
  if (hasData) {
    const bytes = cursor.uleb();
    const after = cursor.at + bytes;
    if (cursor.failed || !(after <= cursor.end)) return malformed;
    for (const letter of augmentation.slice(1)) {
      if (letter === "R") encoding = cursor.u8();
      else if (letter === "S") isSignal = true;
      else if (letter === "L") cursor.u8();
      else if (letter === "P") readPointer(cursor, cursor.u8(), section, addressBytes);
      // Pointers are signed with the other key, or memory is tagged: both change no rule.
      else if (letter !== "B" && letter !== "G") return unknown;
    }
    if (cursor.failed) return malformed;
    cursor.at = after;
  } else if (augmentation !== "" && augmentation !== "eh") return unknown;

  const shape = { codeAlign, dataAlign, returnColumn, encoding, hasData, isSignal, addressBytes, segmentBytes };
  state.reset(returnColumn, isSignal);
  const initial = state.copy();
  if (cursor.failed || !runProgram(cursor, state, { ...shape, initial }, section, null)) return malformed;
  return { ok: true, common: { ...shape, initial: state.copy() } };
}

/** The text up to a NUL; null when it does not end soon. */
function readText(cursor: FrameCursor): string | null {
  let text = "";
  for (;;) {
    const byte = cursor.u8();
    if (cursor.failed || text.length > augmentationChars) return null;
    if (byte === 0) return text;
    text += String.fromCharCode(byte);
  }
}
