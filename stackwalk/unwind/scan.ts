// Scanning: the caller by looking through the stack for the first word that
// can be a return address. The last resort; one wrong word, and the frame is
// invented.
//
// 40 words are looked at, and 160 where the callee is sure (from the context,
// or by call frame information), since then a large frame is likelier than a
// lost track. A word that the peers would take for a frame and we refuse starts
// the count anew: from that frame they would look on, and find the true frames
// above it. The caller's frame pointer is guessed on x86 and amd64 as
// rust-minidump does, from the word before the return address or because the
// callee's still points above it.
import { calledByLeaf, notAfterCall, notExecutable, refusal } from "./return-address.ts";
import { canRead, clearCaller, HIGH, isKnown, outcome, readWord, setNumber, setRegister, valueOf, type Outcome, type Walk } from "./walk-state.ts";

/** Words that are looked at. */
const WINDOW = 40;
/** Words that are looked at from a frame that is sure. */
const WIDE_WINDOW = 160;
/** Words that are looked at in all, however often the count starts anew. */
const WORDS_MAX = 16_384;
/** Bytes that a frame rarely exceeds: 99.5 % of frames are smaller (Breakpad's figure). */
const FRAME_GAP = 128 * 1024;

/** Finds the caller by scanning. */
export function byScan(walk: Walk): Outcome {
  const { callee, file } = walk;
  if (!isKnown(callee, file.sp)) return outcome.nothing;
  const start = valueOf(callee, file.sp);
  const words = callee.trust === "context" || callee.trust === "cfi" ? WIDE_WINDOW : WINDOW;
  const at = scanFor(walk, start, words, WINDOW);
  if (at < 0) return outcome.nothing;
  const { caller } = walk;
  const { low, high } = walk;
  clearCaller(walk);
  if (at > start) guessFramePointer(walk, at);
  setRegister(caller, file.pc, low, high);
  setNumber(caller, file.sp, at + file.wordBytes);
  caller.trust = "scan";
  caller.technique = "scan";
  if (walk.why !== null) walk.why.use(`${file.names[file.pc]} = the word ${at - start} bytes above ${file.names[file.sp]}`, null);
  return outcome.found;
}

/** Address of the first word from `start` that can be a return address, which is then in `walk.low` and `walk.high`; -1 when none of `words` can. A word that only the dump's memory speaks against makes that at least `more` further words. */
export function scanFor(walk: Walk, start: number, words: number, more = 0): number {
  const { wordBytes } = walk.file;
  let end = words;
  for (let index = 0, at = start; index < end && index < WORDS_MAX; index++, at += wordBytes) {
    if (!readWord(walk, at)) return -1;
    const { low, high } = walk;
    const reason = refusal(walk, low, high);
    if (reason === "") {
      walk.low = low;
      walk.high = high;
      return at;
    }
    if (more > 0 && (reason === notExecutable || reason === notAfterCall || reason === calledByLeaf)) end = Math.max(end, index + 1 + more);
    // Words that point to no module are most of a stack, and no candidates.
    if (walk.why !== null && reason !== "it is in no module") walk.why.reject("scan", at, low + high * HIGH, reason);
  }
  return -1;
}

function guessFramePointer(walk: Walk, at: number): void {
  const { callee, caller, file } = walk;
  if (file.arch !== "x86" && file.arch !== "amd64") return;
  const lastKnown = isKnown(callee, file.fp);
  const last = lastKnown ? valueOf(callee, file.fp) : 0;
  const before = at - file.wordBytes;
  // On amd64 a saved frame pointer is believed only where the callee's own points to it.
  if (file.arch === "amd64" && !lastKnown) return;
  if (!readWord(walk, before)) return;
  const saved = walk.low + walk.high * HIGH;
  if (saved > at && saved - before <= FRAME_GAP && (file.arch === "x86" || last === before)) {
    if (canRead(walk, saved)) setNumber(caller, file.fp, saved);
  } else if (lastKnown && last >= at + file.wordBytes && (file.arch === "amd64" || canRead(walk, last))) {
    setRegister(caller, file.fp, callee.words[file.fp * 2]!, callee.words[file.fp * 2 + 1]!);
  }
}
