// The signature of a crash: a readable line that is the same for every crash of
// one bug, and the reasons why it is what it is.
//
// Why: an engineer looks at groups, not at crashes. The innermost frame alone is
// a bad key (it is memcpy, or abort, or a module without symbols), and the whole
// stack is one too (the host below a plugin differs from crash to crash). What
// works in the field is Mozilla's answer, Socorro's signatures: take frames from
// the innermost out, skip those that are noise, go on past those that say too
// little, stop at the first that says enough. Which frames those are is
// knowledge of runtimes, not of code, and stands in text files: see
// lists/README.md, which has the steps. The lists are our own.
//
// The rooms of this folder:
//   brackets.ts      walking (), <>, [], {}, `quotes' in linear time
//   cpp-name.ts      C, C++ and Objective-C names made comparable
//   rust-name.ts     the same for Rust
//   frame-name.ts    function, else file#line, else module, else (unloaded …), else @address
//   list-file.ts     the lists, and matching by them
//   assemble.ts      the walk over the frames, with a verdict for each
//   rules/           what comes after the stack, one file a rule
//
// After the stack come the rules, in the order of `rules` below. Each has a
// predicate and an action; each change is a note; one that throws is skipped
// with a note. Rules that only tidy the text come last.
//
// The fingerprint is the group's key: the SHA-256 of the version and of the
// signature's parts before any tidying, so that a cut at 255 characters never
// merges two groups. What differs between crashes of one bug is left out of it:
// addresses without a module, numbers within an abort message. When no frame tells
// one bug from another (an empty stack, bare modules, `abort` alone) the parts
// are too poor to be a key; then the crash reason and the main module (the host)
// count too, and a note says so. There is no one bucket for the rest.
//
// Limits: 40 frames, 4 bare modules, names read to 32 768 and kept to 1024
// characters, 255 characters of signature. Everything is linear in the input.
//
// Lists can be passed in, which is how a change of them is tried on old crashes.
//
// To extend: most often, add a line to a list. For a new kind of crash add a
// file to rules/ and a line to `rules`. A change that gives other fingerprints
// for old crashes raises `SIGNATURE_VERSION`; the version is part of the
// fingerprint so that old and new groups never mix unnoticed.
import { hash } from "node:crypto";
import type { Report } from "../stackwalk/report.ts";
import { assemble, type FrameVerdict, type NamedFrame, nameFrames } from "./assemble.ts";
import { type Lists, ownLists } from "./list-file.ts";
import { abortMessage } from "./rules/abort-message.ts";
import { badHardware } from "./rules/bad-hardware.ts";
import { outOfMemory } from "./rules/out-of-memory.ts";
import { type Draft, type Rule, runRules } from "./rules/rule.ts";
import { stackOverflow } from "./rules/stack-overflow.ts";
import { printable, truncate, whitespace } from "./rules/tidy-text.ts";

export type { FrameVerdict } from "./assemble.ts";

/** Version of the algorithm and the lists together. */
const SIGNATURE_VERSION = 1;

/** A signature with the reasons for it. */
export type Signature = {
  /** Version of the algorithm and lists. */
  readonly version: number;
  /** Readable, at most 255 characters. */
  readonly signature: string;
  /** Hex SHA-256 of what identifies the group; the same for every crash of one group. */
  readonly fingerprint: string;
  /** All normalised frames of the crashing thread (the first 40), joined with " | ". */
  readonly protoSignature: string;
  readonly frames: readonly FrameVerdict[];
  /** Each change a rule made, such as `stack-overflow: "a" -> "stackoverflow | a"`. */
  readonly notes: readonly string[];
};

/** The rules after the stack, in their order; the last three only tidy the text. */
const rules: readonly Rule[] = [badHardware, outOfMemory, abortMessage, stackOverflow, printable, whitespace, truncate];

/** Makes the signature of a report. Pure; never throws. */
export function sign(report: Report, lists: Lists = ownLists): Signature {
  const crashing = report.crash_info.crashing_thread;
  const thread = report.threads[crashing ?? 0];
  const isWindows = report.system_info.os?.startsWith("Windows") === true;
  const named = thread === undefined ? [] : nameFrames(thread, isWindows, lists);
  const assembly = assemble(named, lists);
  const notes: string[] = [];
  if (crashing === null && named.length > 0) notes.push("no crashing thread is known; the first thread is used");
  notes.push(...assembly.notes);

  const empty = crashing === null ? "EMPTY: no crashing thread identified" : "EMPTY: no frame data available";
  const first: Draft = {
    signature: assembly.used.length === 0 ? empty : assembly.used.map((frame) => frame.text).join(" | "),
    parts: [...(assembly.used.length === 0 ? [empty] : assembly.used.map(fingerprintPart)), ...(assembly.telling ? [] : context(report))],
    protoSignature: named.filter((frame) => frame.kind !== "empty").map((frame) => frame.text).join(" | "),
  };
  const { draft, notes: ruleNotes } = runRules(rules, report, first);
  notes.push(...ruleNotes);
  // A rule that replaced the parts (OOM | small) needs no context.
  if (!assembly.telling && draft.parts.length >= first.parts.length) {
    const [reason = "", module = ""] = context(report);
    notes.push(`no frame says enough on its own; the fingerprint also holds the crash reason "${reason.slice(0, 100)}" and the main module "${module.slice(0, 100)}"`);
  }
  return {
    version: SIGNATURE_VERSION,
    signature: draft.signature,
    fingerprint: hash("sha256", JSON.stringify([SIGNATURE_VERSION, ...draft.parts])),
    protoSignature: draft.protoSignature,
    frames: assembly.verdicts,
    notes,
  };
}

/** A frame's name as the fingerprint has it: an address outside every module differs in each process, unless it is so low that it is a null pointer with an offset. */
function fingerprintPart(frame: NamedFrame): string {
  if (frame.kind !== "address") return frame.text;
  return /^@0x[0-9a-f]{1,4}$/i.test(frame.text) ? frame.text : "@";
}

/** What tells failures apart when their frames do not: why it crashed, and in which program. */
function context(report: Report): string[] {
  return [report.crash_info.type ?? "", report.modules[report.main_module ?? -1]?.filename.toLowerCase() ?? ""];
}
