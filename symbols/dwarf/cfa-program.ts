// Call frame instructions (DWARF 5, 6.4.2, and the vendors' own): the program
// of one function, which says at which address which register moved where.
// Running it gives the rows of an unwind record.
import type { UnwindRowsBuilder } from "../cache/unwind-rows.ts";
import type { CfaState } from "./cfa-state.ts";
import type { FrameCursor } from "./frame-cursor.ts";
import { type FrameSection, readPointer } from "./frame-section.ts";

/** What the functions of one common entry (CIE) share. */
export type CommonFrame = {
  /** What distances of code, and offsets in the stack, are multiples of. */
  readonly codeAlign: number;
  readonly dataAlign: number;
  /** DWARF number of the register that stands for the return address. */
  readonly returnColumn: number;
  /** How a function's pointers are written. */
  readonly encoding: number;
  /** Whether functions have augmentation data to be passed over. */
  readonly hasData: boolean;
  readonly isSignal: boolean;
  readonly addressBytes: 4 | 8;
  /** Bytes of a segment selector before an address. */
  readonly segmentBytes: number;
  /** The state that functions begin with. */
  readonly initial: Int32Array;
};

/** Where rows go, and up to where. */
export type RowTarget = { readonly unwind: UnwindRowsBuilder; readonly start: number; readonly end: number };

/** Runs the instructions from the cursor's place to its end, on the state. Rows are added as they come where there is a `target`. False when an instruction cannot be understood; nothing is known from its address on, and the target has been told so. */
export function runProgram(cursor: FrameCursor, state: CfaState, common: CommonFrame, section: FrameSection, target: RowTarget | null): boolean {
  const { codeAlign, dataAlign, initial } = common;
  let place = target === null ? 0 : target.start;
  while (cursor.at < cursor.end) {
    const instruction = cursor.u8();
    const low = instruction & 0x3f;
    let next = place;
    switch (instruction >>> 6) {
      case 1: // advance_loc
        next += low * codeAlign;
        break;
      case 2: // offset
        state.savedAt(low, cursor.uleb() * dataAlign);
        break;
      case 3: // restore
        state.restore(low, initial);
        break;
      default:
        next = extended(low, cursor, state, common, section, place, dataAlign);
    }
    if (cursor.failed || !(next >= place)) {
      target?.unwind.add(place, 0);
      return false;
    }
    if (next === place) continue;
    // A common entry is at no address.
    if (target === null) return false;
    target.unwind.add(place, state.rule());
    if (next >= target.end) return true;
    place = next;
  }
  target?.unwind.add(place, state.rule());
  return true;
}

/** An instruction whose number takes the whole byte; returns the address after it, NaN for one that cannot be understood. */
function extended(instruction: number, cursor: FrameCursor, state: CfaState, common: CommonFrame, section: FrameSection, place: number, dataAlign: number): number {
  switch (instruction) {
    case 0x00: // nop
      return place;
    case 0x01: {
      // set_loc
      const address = readPointer(cursor, common.encoding, section, common.addressBytes);
      return address < 0 ? Number.NaN : address;
    }
    case 0x02: // advance_loc1
      return place + cursor.u8() * common.codeAlign;
    case 0x03: // advance_loc2
      return place + cursor.u16() * common.codeAlign;
    case 0x04: // advance_loc4
      return place + cursor.u32() * common.codeAlign;
    case 0x1d: // MIPS_advance_loc8
      return place + cursor.u64() * common.codeAlign;
    case 0x0a: // remember_state
      return state.remember() ? place : Number.NaN;
    case 0x0b: // restore_state
      return state.recall() ? place : Number.NaN;
    case 0x0c: // def_cfa
      state.setCfa(cursor.uleb(), cursor.uleb());
      return place;
    case 0x12: // def_cfa_sf
      state.setCfa(cursor.uleb(), cursor.sleb() * dataAlign);
      return place;
    case 0x0d: // def_cfa_register
      state.setCfaRegister(cursor.uleb());
      return place;
    case 0x0e: // def_cfa_offset
      state.setCfaOffset(cursor.uleb());
      return place;
    case 0x13: // def_cfa_offset_sf
      state.setCfaOffset(cursor.sleb() * dataAlign);
      return place;
    case 0x0f: {
      // def_cfa_expression
      const end = blockEnd(cursor);
      state.setCfaExpression(cursor, end);
      if (!cursor.failed) cursor.at = end;
      return place;
    }
    case 0x2d: // AARCH64_negate_ra_state, also GNU_window_save: the walk strips signatures from all addresses
    case 0x2c: // AARCH64_negate_ra_state_with_pc
      return place;
    case 0x2e: // GNU_args_size: said by the frame address, too
      cursor.uleb();
      return place;
    default:
      return aboutRegister(instruction, cursor, state, common, dataAlign) ? place : Number.NaN;
  }
}

/** An instruction about one register, whose number comes first; false for one that there is not. */
function aboutRegister(instruction: number, cursor: FrameCursor, state: CfaState, common: CommonFrame, dataAlign: number): boolean {
  const register = cursor.uleb();
  switch (instruction) {
    case 0x05: // offset_extended
      state.savedAt(register, cursor.uleb() * dataAlign);
      return true;
    case 0x11: // offset_extended_sf
      state.savedAt(register, cursor.sleb() * dataAlign);
      return true;
    case 0x2f: // GNU_negative_offset_extended
      state.savedAt(register, -cursor.uleb() * dataAlign);
      return true;
    case 0x06: // restore_extended
      state.restore(register, common.initial);
      return true;
    case 0x07: // undefined
      state.isUndefined(register);
      return true;
    case 0x08: // same_value
      state.isIn(register, register);
      return true;
    case 0x09: // register
      state.isIn(register, cursor.uleb());
      return true;
    case 0x14: // val_offset
      state.isCfaPlus(register, cursor.uleb() * dataAlign);
      return true;
    case 0x15: // val_offset_sf
      state.isCfaPlus(register, cursor.sleb() * dataAlign);
      return true;
    case 0x10: // expression
    case 0x16: {
      // val_expression
      const end = blockEnd(cursor);
      state.isExpression(register, cursor, end, instruction === 0x10);
      if (!cursor.failed) cursor.at = end;
      return true;
    }
    default:
      return false;
  }
}

/** Where the block begins to end that has its length before it; the cursor's end when that is beyond. */
function blockEnd(cursor: FrameCursor): number {
  const length = cursor.uleb();
  if (length <= cursor.end - cursor.at) return cursor.at + length;
  cursor.failed = true;
  return cursor.end;
}
