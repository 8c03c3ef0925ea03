// What an encoding of `__unwind_info` says of a function's body, as the words of
// an unwind rule (cache/unwind-rule.ts). The bits are those of Apple's
// compact_unwind_encoding.h; what they mean is said by who writes and who reads
// them, LLVM's back ends and libunwind:
//
//     x86, amd64   frame      ebp points to a frame record; registers are saved `offset` words below it
//                  frameless  esp is `size` words below the caller's; registers are saved below the return address
//                  indirect   the same, but `size` says where in the code the bytes are that `sub` takes from esp
//     arm64        frame      fp points to a frame record; pairs of registers are saved right below it
//                  frameless  sp is below the caller's, pairs are saved right below that; lr returns
//     all          dwarf      call frame information says it
//
// For frameless arm64 libunwind reads the pairs a word higher than LLVM puts
// them, and loses the room that they take. That is a bug that no exception can
// meet, since only functions that call nobody have no frame; a crash can, so
// here it is done as the compiler meant it.
import { ARM64_FIRST_SLOT, cfaKind, raKind, RULE_SLOT_WORDS, RULE_WORDS, saveKind } from "../cache/unwind-rule.ts";
import { registerFiles } from "../registers.ts";

/** Architectures that encodings are read of. */
export type CompactArch = "x86" | "amd64" | "arm64";

/** What an encoding is about: a rule can say it, call frame information does, nobody knows, or it makes no sense. */
export type CompactKind = "rule" | "dwarf" | "none" | "unknown";

const modeShift = 24;
const modeMask = 0x0f;
const intelMode = { frame: 1, frameless: 2, indirect: 3, dwarf: 4 } as const;
const arm64Mode = { frameless: 2, dwarf: 3, frame: 4, signedFrame: 5 } as const;

/** By Apple's number of a register, from 1: ours. */
const intelRegisters = { x86: [0, 3, 1, 2, 7, 6, 5], amd64: [0, 3, 12, 13, 14, 15, 6] } as const;
/** Registers that a frameless function of x86 or amd64 saves, at most. */
const framelessMax = 6;
/** By count of registers: what their order's number is divided by. */
const radixes: readonly (readonly number[])[] = [[], [1], [5, 1], [20, 4, 1], [60, 12, 3, 1], [120, 24, 6, 2, 1], [120, 24, 6, 2, 1]];
const { sp: SP64, fp: FP64, lr: LR64 } = registerFiles.arm64;
/** First register of the pairs of x registers; bits 0 to 4 of an encoding. */
const pairs = [19, 21, 23, 25, 27] as const;

/** Where the indirect form finds its bytes: distance from the function's first byte; -1 for other encodings. */
export function indirectOffset(arch: CompactArch, encoding: number): number {
  return arch !== "arm64" && ((encoding >>> modeShift) & modeMask) === intelMode.indirect ? (encoding >>> 16) & 0xff : -1;
}

/** Puts the rule of an encoding into `words` and says whether there is one. `subtracted` is what the code of an indirect one takes from the stack pointer. */
export function readEncoding(arch: CompactArch, encoding: number, subtracted: number, words: Int32Array): CompactKind {
  words.fill(0, 0, RULE_WORDS);
  if ((encoding & 0x0fffffff) === 0) return "none";
  const mode = (encoding >>> modeShift) & modeMask;
  if (arch === "arm64") {
    if (mode === arm64Mode.dwarf) return "dwarf";
    if (mode === arm64Mode.frame || mode === arm64Mode.signedFrame) return arm64Frame(encoding, words);
    return mode === arm64Mode.frameless ? arm64Frameless(encoding, words) : "unknown";
  }
  switch (mode) {
    case intelMode.frame:
      return intelFrame(arch, encoding, words);
    case intelMode.frameless:
      return intelFrameless(arch, encoding, ((encoding >>> 16) & 0xff) * wordBytes(arch), words);
    case intelMode.indirect:
      return intelFrameless(arch, encoding, subtracted + ((encoding >>> 13) & 7) * wordBytes(arch), words);
    default:
      return mode === intelMode.dwarf ? "dwarf" : "unknown";
  }
}

function wordBytes(arch: CompactArch): 4 | 8 {
  return registerFiles[arch].wordBytes;
}

function intelFrame(arch: "x86" | "amd64", encoding: number, words: Int32Array): CompactKind {
  const bytes = wordBytes(arch);
  const { fp } = registerFiles[arch];
  setCfa(words, fp, bytes * 2);
  returnAt(words, -bytes);
  save(words, fp, -bytes * 2);
  let place = -bytes * 2 - ((encoding >>> 16) & 0xff) * bytes;
  for (let i = 0; i < 5; i++, place += bytes) {
    const number = (encoding >>> (i * 3)) & 7;
    // The frame pointer is in the record.
    if (number > 5 || (number !== 0 && place >= -bytes * 2)) return "unknown";
    if (number !== 0) save(words, intelRegisters[arch][number]!, place);
  }
  return "rule";
}

function intelFrameless(arch: "x86" | "amd64", encoding: number, size: number, words: Int32Array): CompactKind {
  const bytes = wordBytes(arch);
  const count = (encoding >>> 10) & 7;
  if (count > framelessMax || size < (count + 1) * bytes || size > 0x4000_0000) return "unknown";
  setCfa(words, registerFiles[arch].sp, size);
  returnAt(words, -bytes);
  // The order of the registers is a number: of those that are left, which one comes next.
  const left = [1, 2, 3, 4, 5, 6];
  let order = encoding & 0x3ff;
  const radix = radixes[count]!;
  for (let i = 0; i < count; i++) {
    const next = i < radix.length ? Math.floor(order / radix[i]!) : 0;
    order -= i < radix.length ? next * radix[i]! : 0;
    const number = left[next];
    if (number === undefined) return "unknown";
    left.splice(next, 1);
    save(words, intelRegisters[arch][number]!, (i - count - 1) * bytes);
  }
  return "rule";
}

function arm64Frame(encoding: number, words: Int32Array): CompactKind {
  setCfa(words, FP64, 16);
  returnAt(words, -8);
  saveArm64(words, FP64, -16);
  savePairs(encoding, words, -24);
  return "rule";
}

function arm64Frameless(encoding: number, words: Int32Array): CompactKind {
  const size = ((encoding >>> 12) & 0xfff) * 16;
  setCfa(words, SP64, size);
  words[2] = raKind.register;
  words[3] = LR64;
  return savePairs(encoding, words, -8) < -size - 8 ? "unknown" : "rule";
}

/** Says where pairs are saved, from a place downwards, and returns the place after the last. d registers come below x registers, and no rule has them. */
function savePairs(encoding: number, words: Int32Array, from: number): number {
  let place = from;
  for (let i = 0; i < pairs.length; i++) {
    if (((encoding >>> i) & 1) === 0) continue;
    saveArm64(words, pairs[i]!, place);
    saveArm64(words, pairs[i]! + 1, place - 8);
    place -= 16;
  }
  for (let bits = (encoding >>> 8) & 0xf; bits !== 0; bits &= bits - 1) place -= 16;
  return place;
}

function setCfa(words: Int32Array, register: number, offset: number): void {
  words[0] = cfaKind.register | (register << 8);
  words[1] = offset;
}

function returnAt(words: Int32Array, offset: number): void {
  words[2] = raKind.atCfa;
  words[3] = offset;
}

function saveArm64(words: Int32Array, register: number, offset: number): void {
  save(words, register - ARM64_FIRST_SLOT, offset);
}

function save(words: Int32Array, slot: number, offset: number): void {
  words[4] = words[4]! | (saveKind.atCfa << (slot * 2));
  words[RULE_SLOT_WORDS + slot] = offset;
}
