// Call frames, byte by byte: every instruction, every way to write a pointer,
// every version of the format, and what is made of damaged ones.
import { readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mutationCount } from "../../support/damage.ts";
import type { FrameSection } from "../../../symbols/dwarf/frame-section.ts";
import { cacheOfFrames, frameSections, rowAt } from "./frame-sections.ts";

const runs = mutationCount();

type Options = {
  readonly kind?: FrameSection["kind"];
  readonly arch?: FrameSection["arch"];
  readonly little?: boolean;
  readonly long?: boolean;
  readonly version?: number;
  readonly augmentation?: string;
  /** Between the augmentation's length and the instructions. */
  readonly data?: readonly number[];
  readonly column?: number;
  readonly codeAlign?: number;
  readonly initial?: readonly number[];
  /** First address and size as they are written; 0x1000 and 0x100 when not given. */
  readonly pointers?: readonly number[];
  readonly section?: Partial<FrameSection>;
};

const sectionRva = 0x5000;

/** A number in two's complement, lowest byte first. */
function littleBytes(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) => (i > 3 ? (value < 0 ? 0xff : 0) : (value >> (8 * i)) & 0xff));
}

/** A section with one CIE and one FDE with these instructions. */
function sectionOf(instructions: readonly number[], options: Options = {}): FrameSection {
  const { kind = "eh_frame", arch = "amd64", little = true, long = false, version = 1, codeAlign = 1 } = options;
  const addressBytes = arch === "amd64" || arch === "arm64" ? 8 : 4;
  const augmentation = options.augmentation ?? (kind === "eh_frame" ? "zR" : "");
  const isExceptions = kind === "eh_frame";
  const whole = (value: number, bytes: number): number[] => (little ? littleBytes(value, bytes) : littleBytes(value, bytes).reverse());
  const entry = (body: readonly number[]): number[] => [...(long ? [...whole(-1, 4), ...whole(body.length, 8)] : whole(body.length, 4)), ...body];
  const idBytes = long && !isExceptions ? 8 : 4;
  const data = options.data ?? [0x1b];
  const initial = options.initial ?? [0x0c, 7, 8, 0x90, 1];
  const column = options.column ?? (arch === "amd64" ? 16 : arch === "x86" ? 8 : arch === "arm64" ? 30 : 14);
  const common = entry([
    ...whole(isExceptions ? 0 : -1, idBytes),
    version,
    ...Buffer.from(`${augmentation}\0`),
    ...(version === 4 ? [addressBytes, 0] : []),
    ...(augmentation === "eh" ? data : []),
    codeAlign,
    0x80 - addressBytes,
    column,
    ...(augmentation.startsWith("z") ? [data.length, ...data] : []),
    ...initial,
  ]);
  const idPlace = common.length + (long ? 12 : 4);
  const pointers = options.pointers ?? (isExceptions ? [...whole(0x1000 - (sectionRva + idPlace + 4), 4), ...whole(0x100, 4)] : [...whole(0x1000, addressBytes), ...whole(0x100, addressBytes)]);
  const frame = entry([...whole(isExceptions ? idPlace : 0, idBytes), ...pointers, ...(augmentation.startsWith("z") ? [0] : []), ...instructions]);
  return { bytes: Uint8Array.from([...common, ...frame, 0, 0, 0, 0]), rva: sectionRva, little, addressBytes, arch, kind, toRva: (address) => address, ...options.section };
}

/** The rows of a section, `address rule` each, and what was left out. */
function rowsOf(section: FrameSection): string[] {
  const cache = cacheOfFrames([section]);
  const { counts, warnings } = cache.meta();
  const rows = Array.from({ length: counts["unwindRows"]! }, (_, i) => cache.rowStart(i)).flatMap((rva) => {
    const row = rowAt(cache, rva);
    return row === null ? [] : [`${rva.toString(16)} ${row.replace("entry: ", "")}`];
  });
  return [...rows, ...Object.entries(warnings).map(([reason, times]) => `${reason} ${times}`)];
}

const entered = "cfa = rsp + 8, ra = [cfa - 8]";
const from = (rva: string, rule: string): string[] => [`1000 ${entered}`, `${rva} ${rule}`];

describe("instructions", () => {
  test.each<[name: string, instructions: number[], rows: string[], options?: Options]>([
    ["none: the CIE's", [], [`1000 ${entered}`]],
    ["nop", [0, 0, 0], [`1000 ${entered}`]],
    ["advance_loc, def_cfa_offset, offset: push rbp", [0x41, 0x0e, 16, 0x86, 2], from("1001", "cfa = rsp + 16, ra = [cfa - 8], rbp = [cfa - 16]")],
    ["advance_loc1 and 2 and 4 of an aligned code", [0x02, 4, 0x0e, 16, 0x03, 1, 0, 0x0e, 24, 0x04, 1, 0, 0, 0, 0x0e, 32], [`1000 ${entered}`, "1010 cfa = rsp + 16, ra = [cfa - 8]", "1014 cfa = rsp + 24, ra = [cfa - 8]", "1018 cfa = rsp + 32, ra = [cfa - 8]"], { codeAlign: 4 }],
    ["advance_loc8", [0x1d, 9, 0, 0, 0, 0, 0, 0, 0, 0x0e, 16], from("1009", "cfa = rsp + 16, ra = [cfa - 8]")],
    ["set_loc", [0x01, 6, 0x10, 0, 0, 0, 0, 0, 0, 0x0e, 16], from("1006", "cfa = rsp + 16, ra = [cfa - 8]"), { kind: "debug_frame" }],
    ["def_cfa, def_cfa_register", [0x41, 0x0c, 6, 16, 0x41, 0x0d, 3], [`1000 ${entered}`, "1001 cfa = rbp + 16, ra = [cfa - 8]", "1002 cfa = rbx + 16, ra = [cfa - 8]"]],
    ["def_cfa_sf, def_cfa_offset_sf", [0x41, 0x12, 6, 0x7e, 0x41, 0x13, 0x7d], [`1000 ${entered}`, "1001 cfa = rbp + 16, ra = [cfa - 8]", "1002 cfa = rbp + 24, ra = [cfa - 8]"]],
    ["offset_extended, offset_extended_sf, GNU_negative_offset_extended", [0x41, 0x05, 12, 3, 0x11, 13, 4, 0x2f, 14, 0x7e], from("1001", "cfa = rsp + 8, ra = [cfa - 8], r12 = [cfa - 24], r13 = [cfa - 32], r14 = [cfa + 1008]")],
    ["restore, restore_extended: what the CIE says", [0x83, 2, 0x8c, 3, 0x41, 0xc3, 0x41, 0x06, 12], ["1000 cfa = rsp + 8, ra = [cfa - 8], rbx = [cfa - 16], r12 = [cfa - 24]", "1001 cfa = rsp + 8, ra = [cfa - 8], r12 = [cfa - 24]", `1002 ${entered}`]],
    ["remember_state, restore_state: nested", [0x41, 0x83, 2, 0x0a, 0x41, 0x0e, 16, 0x0a, 0x41, 0x0e, 24, 0x41, 0x0b, 0x41, 0x0b], [`1000 ${entered}`, "1001 cfa = rsp + 8, ra = [cfa - 8], rbx = [cfa - 16]", "1002 cfa = rsp + 16, ra = [cfa - 8], rbx = [cfa - 16]", "1003 cfa = rsp + 24, ra = [cfa - 8], rbx = [cfa - 16]", "1004 cfa = rsp + 16, ra = [cfa - 8], rbx = [cfa - 16]", "1005 cfa = rsp + 8, ra = [cfa - 8], rbx = [cfa - 16]"]],
    ["undefined", [0x07, 3], [`1000 ${entered}, rbx is lost`]],
    ["undefined, of the return address: the outermost frame, whatever follows", [0x07, 16, 0x41, 0x0e, 16], ["1000 end"]],
    ["same_value of a preserved register says nothing; of another it does", [0x08, 3, 0x08, 0], [`1000 ${entered}, rax = rax`]],
    ["register, of another and of the return address", [0x09, 3, 12, 0x09, 16, 2], ["1000 cfa = rsp + 8, ra = rcx, rbx = r12"]],
    ["register, of one that a walk does not know", [0x09, 3, 0x55], [`1000 ${entered}, rbx is lost`, "unsayableFrameRule 1"]],
    ["val_offset, val_offset_sf", [0x14, 3, 2, 0x15, 12, 0x7f], [`1000 ${entered}, rbx = cfa - 16, r12 = cfa + 8`]],
    ["val_offset 0 of the stack pointer is what it is anyway", [0x14, 7, 0], [`1000 ${entered}`]],
    ["def_cfa_expression: what is register and offset after all", [0x0f, 2, 0x76, 0x70], ["1000 cfa = rbp - 16, ra = [cfa - 8]"]],
    ["def_cfa_expression: GCC's realigned stack", [0x0f, 3, 0x76, 0x78, 0x06, 0x10, 6, 2, 0x76, 0], ["1000 cfa = [rbp - 8], ra = [cfa - 8], rbp = [rbp]"]],
    ["def_cfa_expression: a linkage table", [0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22], ["1000 cfa = (rsp + 8) + (((rip % 16) / 11) * 8), ra = [cfa - 8]"]],
    ["expression on the frame address", [0x10, 3, 2, 0x23, 16], [`1000 ${entered}, rbx = [cfa + 16]`]],
    ["val_expression on the frame address", [0x16, 3, 3, 0x40, 0x1c, 0x96], [`1000 ${entered}, rbx = cfa - 16`]],
    ["expression of the return address", [0x10, 16, 2, 0x77, 0x18], ["1000 cfa = rsp + 8, ra = [rsp + 24]"]],
    ["GNU_args_size", [0x2e, 0x90, 1], [`1000 ${entered}`]],
    ["a vector register", [0x05, 0x21, 3], [`1000 ${entered}`]],
    ["a frame address from a vector register", [0x41, 0x0c, 0x21, 3], from("1001", "nothing").concat("unsayableFrameRule 1")],
    ["an offset that no rule has room for", [0x41, 0x0e, 0x80, 0x80, 0x80, 0x80, 0x10], from("1001", "nothing").concat("unsayableFrameRule 1")],
    ["negate_ra_state, GNU_window_save", [0x41, 0x2d, 0x0e, 16], from("1001", "cfa = rsp + 16, ra = [cfa - 8]")],
    ["past the function's end", [0x02, 0xff, 0x0e, 16, 0x41, 0x0e, 24], [`1000 ${entered}`, "10ff cfa = rsp + 16, ra = [cfa - 8]"]],
    // What cannot be understood leaves the rows before it.
    ["unknown", [0x41, 0x0e, 16, 0x41, 0x3b, 0x41, 0x0e, 24], [`1000 ${entered}`, "1001 cfa = rsp + 16, ra = [cfa - 8]", "1002 nothing", "malformedFrame 1"]],
    ["restore_state too often", [0x41, 0x0b], from("1001", "nothing").concat("malformedFrame 1")],
    ["remember_state without end", [0x41, ...Array.from({ length: 65 }, () => 0x0a)], from("1001", "nothing").concat("malformedFrame 1")],
    ["set_loc backwards", [0x41, 0x01, 0, 0, 0, 0x80], from("1001", "nothing").concat("malformedFrame 1")],
    ["an expression longer than the entry", [0x41, 0x0f, 9, 0x77], from("1001", "nothing").concat("unsayableFrameRule 1", "malformedFrame 1")],
    ["a number without end", [0x41, 0x0e, 0xff], from("1001", "nothing").concat("malformedFrame 1")],
    ["a number that never ends", [0x41, 0x0e, ...Array.from({ length: 30 }, () => 0xff), 1], from("1001", "nothing").concat("malformedFrame 1")],
  ])("%s", (_, instructions, rows, options) => {
    expect(rowsOf(sectionOf(instructions, options)).sort()).toEqual(rows.toSorted());
  });
});

describe("expressions", () => {
  const cfaOf = (...bytes: number[]): string => rowsOf(sectionOf([0x0f, bytes.length, ...bytes]))[0]!.replace(/^1000 (?:cfa = )?(.*?)(?:, ra.*)?$/, "$1");
  test.each<[name: string, bytes: number[], cfa: string]>([
    ["const1u", [0x77, 0, 0x08, 0xff, 0x22], "rsp + 255"],
    ["const1s", [0x77, 0, 0x09, 0xff, 0x22], "rsp - 1"],
    ["const2u, const2s", [0x0a, 0xff, 0xff, 0x0b, 0xff, 0xff, 0x1e], "65535 * -1"],
    ["const4u that fits, const4s", [0x0c, 1, 0, 0, 0, 0x0d, 0xff, 0xff, 0xff, 0xff, 0x1d], "1 % -1"],
    ["const8s, constu, consts", [0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10, 0x81, 1, 0x1c, 0x11, 0x7e, 0x1c], "(-1 - 129) - -2"],
    ["bregx", [0x92, 12, 0x7c], "r12 - 4"],
    ["dup, mul", [0x76, 0, 0x12, 0x1e], "rbp * rbp"],
    ["swap", [0x76, 0, 0x77, 0, 0x16, 0x1c], "rsp - rbp"],
    ["over, drop", [0x76, 0, 0x73, 0, 0x14, 0x1c, 0x13], "rbp"],
    ["pick", [0x76, 0, 0x73, 0, 0x15, 1, 0x1c], "rbx - rbp"],
    ["rot: the top goes below the next two", [0x76, 0, 0x73, 0, 0x7c, 0, 0x17, 0x1e, 0x1c], "r12 - (rbp * rbx)"],
    ["and, as align", [0x77, 0, 0x09, 0xf0, 0x1a], "rsp @ 16"],
    ["and, as a rest", [0x77, 0, 0x3f, 0x1a], "rsp % 16"],
    ["neg, not", [0x77, 0, 0x1f, 0x76, 0, 0x20, 0x22], "(rsp * -1) + ((rbp * -1) - 1)"],
    ["shl, shr", [0x77, 0, 0x33, 0x24, 0x32, 0x25], "(rsp * 8) / 4"],
    ["gt, of what is small", [0x77, 0, 0x3f, 0x1a, 0x34, 0x2b], "(((rsp % 16) / 5) + 3) / 4"],
    ["lt, of what is small", [0x77, 0, 0x3f, 0x1a, 0x3b, 0x2d], "1 - ((rsp % 16) / 11)"],
    ["ge, of what is always", [0x77, 0, 0x3f, 0x1a, 0x30, 0x2a], "1"],
    ["deref_size of a word", [0x77, 0, 0x94, 8], "[rsp]"],
    // What rules cannot say.
    ["ge, of what may be large", [0x77, 0, 0x3b, 0x2a], "nothing"],
    ["and with other bits", [0x77, 0, 0x35, 0x1a], "nothing"],
    ["or", [0x77, 0, 0x35, 0x21], "nothing"],
    ["a branch", [0x77, 0, 0x2f, 0, 0], "nothing"],
    ["deref_size of less", [0x77, 0, 0x94, 4], "nothing"],
    ["const4u that is too large", [0x0c, 0xff, 0xff, 0xff, 0xff], "nothing"],
    ["an address", [0x03, 0, 0, 0, 0, 0, 0, 0, 0], "nothing"],
    ["the frame address itself", [0x9c], "nothing"],
    ["too little on the stack", [0x22], "nothing"],
    ["nothing", [], "nothing"],
    ["too much code", [0x77, 0, ...Array.from({ length: 12 }, () => [0x12, 0x22]).flat()], "nothing"],
    ["too many values", Array.from({ length: 40 }, () => 0x30), "nothing"],
  ])("%s", (_, bytes, cfa) => expect(cfaOf(...bytes)).toBe(cfa));
});

describe("entries", () => {
  const pushed = [0x41, 0x0e, 16];
  const rows = from("1001", "cfa = rsp + 16, ra = [cfa - 8]");
  test.each<[name: string, options: Options, rows: string[]]>([
    [".debug_frame, version 1", { kind: "debug_frame" }, rows],
    [".debug_frame, version 3", { kind: "debug_frame", version: 3 }, rows],
    [".debug_frame, version 4", { kind: "debug_frame", version: 4 }, rows],
    [".debug_frame in 64-bit DWARF", { kind: "debug_frame", version: 4, long: true }, rows],
    [".eh_frame with long lengths", { long: true }, rows],
    ["most significant byte first", { kind: "debug_frame", little: false }, rows],
    ["an older GCC's exception table", { augmentation: "eh", kind: "debug_frame", data: [1, 2, 3, 4, 5, 6, 7, 8] }, rows],
    ["all letters", { augmentation: "zPLRSBG", data: [0x00, 1, 2, 3, 4, 5, 6, 7, 8, 0x1b, 0x1b] }, rows],
    ["a pointer of the personality at an aligned place", { augmentation: "zPR", data: [0x50, ...Array.from({ length: 14 }, () => 0), 0x1b] }, rows],
    ["an unknown letter", { augmentation: "zX" }, ["unusableFrame 1"]],
    ["an augmentation of which nothing is known", { augmentation: "armcc+" }, ["unusableFrame 1"]],
    ["an unknown version", { version: 9 }, ["unusableFrame 1"]],
    ["a CIE that cannot be understood", { initial: [0x3b] }, ["malformedFrame 1", "unusableFrame 1"]],
    ["a CIE that advances", { initial: [0x41] }, ["malformedFrame 1", "unusableFrame 1"]],
    // Pointers.
    ["absptr", { data: [0x00], pointers: [...littleBytes(0x1000, 8), ...littleBytes(0x100, 8)] }, rows],
    ["uleb", { data: [0x01], pointers: [0x80, 0x20, 0x80, 2] }, rows],
    ["udata2", { data: [0x02], pointers: [0, 0x10, 0, 1] }, rows],
    ["udata4", { data: [0x03], pointers: [...littleBytes(0x1000, 4), ...littleBytes(0x100, 4)] }, rows],
    ["udata8", { data: [0x04], pointers: [...littleBytes(0x1000, 8), ...littleBytes(0x100, 8)] }, rows],
    ["sleb, relative to the text", { data: [0x29], pointers: [0x80, 0x60, 0x80, 2], section: { textRva: 0x2000 } }, rows],
    ["sdata2, relative to the data", { data: [0x3a], pointers: [0, 0xe0, 0, 1], section: { dataRva: 0x3000 } }, rows],
    ["sdata8, relative to its place", { data: [0x1c], pointers: [...littleBytes(0x1000 - sectionRva - 0x1e, 8), ...littleBytes(0x100, 8)] }, rows],
    ["relative to data that there is not", { data: [0x3b] }, []],
    ["through memory", { data: [0x9b] }, ["indirectFrame 1"]],
    ["omitted", { data: [0xff], pointers: [] }, ["malformedFrame 1"]],
    ["an address outside of the module", { data: [0x00], pointers: [...littleBytes(0x1000, 8), ...littleBytes(0x100, 8)], section: { toRva: () => -1 } }, []],
    ["what the linker dropped", { kind: "debug_frame", pointers: [...littleBytes(0, 8), ...littleBytes(0x100, 8)] }, []],
    ["no bytes", { kind: "debug_frame", pointers: [...littleBytes(0x1000, 8), ...littleBytes(0, 8)] }, []],
    ["more than 4 GiB", { kind: "debug_frame", pointers: [...littleBytes(0x1000, 8), 0, 0, 0, 0, 1, 0, 0, 0] }, ["frameBeyondRange 1"]],
  ])("%s", (_, options, expected) => {
    expect(rowsOf(sectionOf(pushed, options))).toEqual(expected);
  });

  test("a frame that was interrupted", () => {
    const cache = cacheOfFrames([sectionOf([], { augmentation: "zRS" })]);
    expect(cache.rules[cache.rowRule(cache.unwindRow(0x1000)) * 21]! & 0x10000).toBe(0x10000);
  });

  test.each<[string, Options, string]>([
    ["x86", { arch: "x86", initial: [0x0c, 4, 4, 0x88, 1, 0x85, 2] }, "cfa = esp + 4, ra = [cfa - 4], ebp = [cfa - 8]"],
    ["x86 of Apple, where esp and ebp are exchanged", { arch: "x86", initial: [0x0c, 5, 4, 0x88, 1, 0x84, 2], section: { swapsStackRegisters: true } }, "cfa = esp + 4, ra = [cfa - 4], ebp = [cfa - 8]"],
    ["arm64: the return address is in lr until it is saved", { arch: "arm64", initial: [0x0c, 31, 0] }, "cfa = sp, ra = lr"],
    ["arm64: lr and fp saved", { arch: "arm64", initial: [0x0c, 31, 16, 0x9e, 1, 0x9d, 2] }, "cfa = sp + 16, ra = [cfa - 8], fp = [cfa - 16]"],
    ["arm64: a column of its own for the return address", { arch: "arm64", column: 32, initial: [0x0c, 31, 16, 0x9e, 1, 0x09, 32, 30] }, "cfa = sp + 16, ra = lr, lr = [cfa - 8]"],
    ["arm", { arch: "arm", initial: [0x0c, 13, 8, 0x8e, 1, 0x8b, 2] }, "cfa = sp + 8, ra = [cfa - 4], fp = [cfa - 8]"],
    ["amd64 without a rule for the return address", { initial: [0x0c, 7, 8] }, "nothing"],
  ])("%s", (_, options, row) => expect(rowsOf(sectionOf([], options))).toEqual([`1000 ${row}`]));

  test("two entries' length, cut at each byte, loses no more than is cut", () => {
    const whole = sectionOf(pushed);
    for (let length = 0; length < whole.bytes.length; length++) {
      const cut = rowsOf({ ...whole, bytes: whole.bytes.subarray(0, length) });
      expect(cut.filter((row) => !row.startsWith("malformed"))).toEqual(length >= whole.bytes.length - 4 ? rows : []);
    }
  });
});

describe("damaged sections", () => {
  const fixture = frameSections(path.resolve(import.meta.dirname, "../../../fixtures/out/1.4.2/halcyon.lv2/halcyon.so"))[0]!;
  const seeds: readonly FrameSection[] = [
    { ...fixture, bytes: fixture.bytes.slice(0, 1200) },
    sectionOf([0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22, 0x41, 0x10, 3, 2, 0x23, 16, 0x0a, 0x41, 0x0b], { augmentation: "zPLRSBG", data: [0x00, 1, 2, 3, 4, 5, 6, 7, 8, 0x1b, 0x1b] }),
    sectionOf([0x41, 0x0e, 16, 0x04, 1, 0, 0, 0, 0x0f, 3, 0x76, 0x78, 0x06], { kind: "debug_frame", version: 4, long: true }),
  ];
  test("give rows or a count, in bounded time", () => {
    const mutation = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), value: fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(0, 0xff, 0x80, 0x7f, 0x0f, 0x10)), cut: fc.nat({ max: 3 }) });
    let slowest = 0;
    fc.assert(
      fc.property(fc.nat({ max: seeds.length - 1 }), fc.array(mutation, { minLength: 1, maxLength: 6 }), (which, mutations) => {
        const seed = seeds[which]!;
        let bytes = Uint8Array.from(seed.bytes);
        for (const { at, value, cut } of mutations) {
          const place = Math.floor(at * bytes.length);
          if (cut === 3) bytes = Uint8Array.from([...bytes.subarray(0, place), ...bytes.subarray(place + (value & 15))]);
          else bytes[place] = value;
        }
        const since = performance.now();
        rowsOf({ ...seed, bytes });
        slowest = Math.max(slowest, performance.now() - since);
      }),
      { numRuns: runs },
    );
    expect(slowest).toBeLessThan(2000);
  }, 600_000);

  test("bytes at random", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom("eh_frame" as const, "debug_frame" as const), (bytes, kind) => void rowsOf({ ...fixture, kind, bytes })),
      { numRuns: Math.ceil(runs / 3) },
    );
  }, 600_000);

  test.each<[name: string, bytes: () => number[]]>([
    ["common entries in each other", () => Array.from({ length: 20_000 }, (_, i) => (i % 4 === 0 ? 8 : 0))],
    ["a function of advances", () => Array.from({ length: 100_000 }, () => [0x41, 0x0e, 16, 0x41, 0x0e, 24]).flat()],
    ["states without end", () => Array.from({ length: 100_000 }, () => [0x0a, 0x0b]).flat()],
    ["values that double", () => Array.from({ length: 20_000 }, (_, i) => [0x0f, 14, 0x77, i & 0x3f, ...Array.from({ length: 6 }, () => [0x12, 0x22]).flat()]).flat()],
  ])("%s cost no more than their bytes", (_, instructions) => {
    const bytes = instructions();
    const since = performance.now();
    rowsOf(sectionOf(bytes, { pointers: [0x00, 0xc0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f] }));
    expect(performance.now() - since).toBeLessThan(3000);
  });
});

test("a mingw program of the corpus", (context) => {
  const file = path.resolve(import.meta.dirname, "../../../../shared/corpus/mozilla+dump_syms/test_data/windows/basic32-dwarf.dll");
  try {
    readFileSync(file);
  } catch {
    context.skip();
  }
  const cache = cacheOfFrames(frameSections(file));
  expect([cache.meta().counts["unwindRows"], cache.meta().warnings]).toEqual([372, {}]);
});
