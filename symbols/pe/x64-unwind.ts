// The unwind data of x64 programs for Windows, as unwind rows.
//
// What: `.pdata` has an entry for each function that is not a leaf: first
// address, the address after the last, and where its unwind codes are
// (x64-codes.ts). Why: Windows itself unwinds with them, from any instruction,
// so they are exact where frame pointers are not kept and scans invent. A PDB
// has nothing of it.
//
// A function gets one row for its entry, one for each operation of its prolog,
// and one for each instruction of its epilogs after the first; the last row of
// the prolog holds for the body, again after each epilog:
//
//     push rbx            cfa = rsp + 8
//     sub rsp, 32         cfa = rsp + 16, rbx = [cfa - 16]
//     …                   cfa = rsp + 48, rbx = [cfa - 16]
//     add rsp, 32         the same
//     pop rbx             cfa = rsp + 16, rbx = [cfa - 16]
//     ret                 cfa = rsp + 8
//
// Steps: entries in the order of the table; the codes (x64-codes.ts) run on a
// frame (x64-frame.ts); then the function's code is searched for epilogs
// (x64-epilogs.ts). What Windows does with an address in each of these places
// is what the rows say, but where its own look at the code is too short-sighted
// (x64-epilogs.ts names the cases).
//
// Limits: an entry counts only if it begins after the one before it, as Windows'
// search demands, and lies beyond its end or within it (x64-entry-rows.ts). As
// many codes are read, and as much code is searched, as the file has bytes.
// Entries that make no sense are left out and counted (`malformedUnwind`), and so
// are those that overlap (`overlappingCfi`), code that is not in the file
// (`missingCode`), and epilogs that version 2 lists and whose code is not
// understood (`unreadEpilog`).
import type { ModuleBuilder } from "../cache/module-builder.ts";
import { cfaKind, raKind, RULE_SLOT_WORDS, RULE_WORDS, saveKind } from "../cache/unwind-rule.ts";
import { registerFiles } from "../registers.ts";
import { directory, type PeImage } from "./image.ts";
import { RvaWindow } from "./rva-window.ts";
import { u32, X64Codes } from "./x64-codes.ts";
import { EntryRows } from "./x64-entry-rows.ts";
import { isVolatile, X64Epilog } from "./x64-epilogs.ts";
import { x64Register, X64Frame } from "./x64-frame.ts";

const entryBytes = 12;
/** Bytes of one function that are searched for epilogs. */
const searchedBytes = 16 * 1024 * 1024;
const { sp: SP } = registerFiles.amd64;

/** Adds the rows of all functions that an x64 image's exception directory lists. Throws what `fs` throws. */
export function addX64Unwind(image: PeImage, builder: ModuleBuilder): void {
  const { rva, size } = image.directory(directory.exceptions);
  const functions = new FunctionRows(image, builder);
  const entries = new RvaWindow(image);
  for (let at = 0; at + entryBytes <= size; at += entryBytes) {
    const place = entries.place(rva + at, entryBytes);
    if (place < 0) {
      builder.warn("malformedUnwind");
      break;
    }
    const start = u32(entries.data, place);
    const end = u32(entries.data, place + 4);
    const unwindRva = u32(entries.data, place + 8);
    // Linkers leave room at the table's end.
    if (start === 0 && end === 0) continue;
    if (start >= end) builder.warn("malformedUnwind");
    else functions.add(start, end, unwindRva);
  }
  functions.finish();
}

/** Makes the rows of one function after the other. */
class FunctionRows {
  private readonly image: PeImage;
  private readonly builder: ModuleBuilder;
  private readonly infos: RvaWindow;
  private readonly code: RvaWindow;
  private readonly codes = new X64Codes();
  private readonly frame: X64Frame;
  private readonly epilog = new X64Epilog();
  private readonly words = new Int32Array(RULE_WORDS);
  private readonly rows: EntryRows;
  /** Bytes of code that were searched. */
  private searched = 0;

  constructor(image: PeImage, builder: ModuleBuilder) {
    this.image = image;
    this.builder = builder;
    this.infos = new RvaWindow(image);
    this.code = new RvaWindow(image);
    this.frame = new X64Frame(builder.rules);
    this.rows = new EntryRows(builder.unwind);
  }

  /** Adds a function. */
  add(start: number, end: number, unwindRva: number): void {
    const { codes, frame, rows, builder } = this;
    if (codes.work > this.image.bytes.size || !codes.read(this.infos, unwindRva)) builder.warn("malformedUnwind");
    else if (!rows.begin(start, end)) builder.warn("overlappingCfi");
    else {
      const body = this.addProlog(start, end);
      if ((frame.total > 0 || frame.hasSaved) && !frame.hasMachineFrame && !frame.isBroken) this.addEpilogs(start, end, body);
      rows.finish();
    }
  }

  /** Ends the last function. */
  finish(): void {
    this.rows.flush();
  }

  /** Adds the rows of the prolog and returns the rule of the body. */
  private addProlog(start: number, end: number): number {
    const { codes, frame, rows } = this;
    frame.reset();
    let next = codes.count - 1;
    for (; next >= codes.own; next--) frame.apply(codes, next);
    for (let at = 0; ; ) {
      // Where the prolog has ended all operations hold, whatever their offsets say.
      while (next >= 0 && (codes.offset[next]! <= at || at >= codes.prologBytes)) frame.apply(codes, next--);
      const rule = frame.rule();
      if (start + at < end) rows.add(start + at, rule);
      if (next < 0) return rule;
      at = Math.min(codes.offset[next]!, codes.prologBytes);
    }
  }

  /** Adds the rows of epilogs. */
  private addEpilogs(start: number, end: number, body: number): void {
    const { epilog, codes, builder, rows } = this;
    const bytes = Math.min(end - start, searchedBytes);
    this.searched += bytes;
    const first = this.searched > this.image.bytes.size ? -1 : this.code.place(start, bytes);
    if (first < 0) {
      builder.warn("missingCode");
      return;
    }
    const { data } = this.code;
    const last = first + bytes;
    const offset = start - first;
    const section = this.image.sectionAt(start, 1)!;
    epilog.codeStart = section.rva - offset;
    epilog.codeEnd = epilog.codeStart + section.size;
    let seen = 0;
    for (let at = first + codes.prologBytes; epilog.find(data, at, first, last, this.frame); at = epilog.end) {
      this.addEpilog(offset);
      if (offset + epilog.end < end) rows.add(offset + epilog.end, body);
      seen += this.listed(end - (offset + epilog.end), end - (offset + epilog.start));
    }
    if (seen < codes.epilogs) builder.warn("unreadEpilog", codes.epilogs - seen);
  }

  /** Adds the rows of the epilog that was found; `offset` makes an address of a place in the code. */
  private addEpilog(offset: number): void {
    const { epilog, frame, words, rows } = this;
    // What was stored, and restored before, holds the caller's value already.
    if (epilog.move === "add" || epilog.move === "frame") rows.add(offset + epilog.start, frame.epilogRule(epilog.move === "add"));
    let above = epilog.pops * 8;
    for (let step = 0; step < epilog.steps; step++) {
      words.fill(0);
      let distance = above + 8 + epilog.returnBytes;
      words[0] = cfaKind.register | (SP << 8);
      words[1] = distance;
      words[2] = raKind.atCfa;
      words[3] = -8 - epilog.returnBytes;
      for (let later = step; later < epilog.steps; later++) {
        const register = epilog.popped[later]!;
        if (register < 0) continue;
        const slot = x64Register[register]!;
        if (!isVolatile(register)) {
          words[4] = words[4]! | (saveKind.atCfa << (slot * 2));
          words[RULE_SLOT_WORDS + slot] = -distance;
        }
        distance -= 8;
      }
      rows.add(offset + epilog.stepAt[step]!, this.builder.rules.add(words));
      if (epilog.popped[step]! >= 0) above -= 8;
    }
  }

  /** How many epilogs that version 2 lists begin in a stretch, given by its distances from the function's end. */
  private listed(from: number, to: number): number {
    const { codes } = this;
    let count = 0;
    for (let i = 0; i < codes.epilogs; i++) if (codes.epilogDistance[i]! > from && codes.epilogDistance[i]! <= to) count++;
    return count;
  }
}
