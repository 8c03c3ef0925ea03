// Loads and stores of arm64 (Arm Architecture Reference Manual, C4.1.94): all
// that compilers and C libraries use. Decoded are the register loads and
// stores with every way to form an address, pairs, literals, exclusive and
// ordered ones, the atomic operations, and whole vectors; not single lanes,
// memory tags and SVE.
import type { InstructionAccess } from "./instruction.ts";

/** How an address is formed from registers. */
export type Arm64Address = {
  /** Number of the base register, 31 for sp; null for an address relative to the instruction. */
  readonly base: number | null;
  readonly offset: number;
  /** A register that is added, its extension and how far it is shifted. */
  readonly index: { readonly register: number; readonly extend: Extend; readonly shift: number } | null;
};

/** How an index register is widened: `lsl` takes all of it. */
export type Extend = "uxtw" | "lsl" | "sxtw" | "sxtx";

/** A decoded load or store. */
export type LoadStore = {
  readonly text: string;
  readonly address: Arm64Address;
  readonly size: number;
  /** Null for a prefetch, which cannot fail. */
  readonly type: InstructionAccess["type"] | null;
};

/** A field of an instruction: `count` bits from bit `from`. */
export function field(code: number, from: number, count: number): number {
  return (code >>> from) & ((1 << count) - 1);
}

/** A field as a signed number. */
export function signedField(code: number, from: number, count: number): number {
  return (code << (32 - from - count)) >> (32 - count);
}

/** A number as the manual writes immediates. */
export function immediate(value: number): string {
  return value < 0 ? `#-0x${(-value).toString(16)}` : `#0x${value.toString(16)}`;
}

/** A general register of 32 or 64 bits; 31 is the zero register. */
export function general(number: number, wide: boolean): string {
  return number === 31 ? (wide ? "xzr" : "wzr") : `${wide ? "x" : "w"}${number}`;
}

function baseName(number: number): string {
  return number === 31 ? "sp" : `x${number}`;
}

/** Decodes a load or store; null for any other instruction. */
export function loadStore(code: number): LoadStore | null {
  // Loads and stores have bit 27 set and bit 25 clear.
  if (field(code, 27, 1) !== 1 || field(code, 25, 1) !== 0) return null;
  switch (field(code, 27, 3)) {
    case 0b001:
      return field(code, 26, 1) === 1 ? vectors(code) : field(code, 24, 1) === 0 ? exclusive(code) : null;
    case 0b011:
      return field(code, 24, 2) === 0 ? literal(code) : field(code, 26, 1) === 0 && field(code, 24, 2) === 1 ? ordered(code) : null;
    case 0b101:
      return pair(code);
    case 0b111:
      return single(code);
    default:
      return null;
  }
}

const at = (base: number | null, offset: number): Arm64Address => ({ base, offset, index: null });

function simple(mnemonic: string, operands: readonly string[], code: number, size: number, type: LoadStore["type"]): LoadStore {
  const base = field(code, 5, 5);
  return { text: `${mnemonic} ${[...operands, `[${baseName(base)}]`].join(", ")}`, address: at(base, 0), size, type };
}

/** Suffix of an access of a byte or half a word, by the logarithm of its bytes. */
const narrow = ["b", "h", "", ""];

function exclusive(code: number): LoadStore | null {
  const size = field(code, 30, 2);
  const load = field(code, 22, 1) === 1;
  const order = field(code, 15, 1) === 1;
  const paired = field(code, 21, 1) === 1;
  const wide = size === 3;
  const value = general(field(code, 0, 5), wide);
  const status = general(field(code, 16, 5), false);
  const suffix = narrow[size]!;
  if (field(code, 23, 1) === 1) {
    if (paired) return compareAndSwap(code, size, load, order);
    const kind = load ? (order ? "ldar" : "ldlar") : order ? "stlr" : "stllr";
    return simple(`${kind}${suffix}`, [value], code, 1 << size, load ? "read" : "write");
  }
  if (!paired) {
    const kind = load ? (order ? "ldaxr" : "ldxr") : order ? "stlxr" : "stxr";
    return simple(`${kind}${suffix}`, load ? [value] : [status, value], code, 1 << size, load ? "read" : "write");
  }
  if (size < 2) return compareAndSwapPair(code, size === 1, load, order);
  const second = general(field(code, 10, 5), wide);
  const kind = load ? (order ? "ldaxp" : "ldxp") : order ? "stlxp" : "stxp";
  return simple(kind, load ? [value, second] : [status, value, second], code, 2 << size, load ? "read" : "write");
}

function compareAndSwap(code: number, size: number, acquire: boolean, release: boolean): LoadStore | null {
  if (field(code, 10, 5) !== 31) return null;
  const wide = size === 3;
  const name = `cas${acquire ? "a" : ""}${release ? "l" : ""}${narrow[size]!}`;
  return simple(name, [general(field(code, 16, 5), wide), general(field(code, 0, 5), wide)], code, 1 << size, "readwrite");
}

function compareAndSwapPair(code: number, wide: boolean, acquire: boolean, release: boolean): LoadStore | null {
  const [expected, wanted] = [field(code, 16, 5), field(code, 0, 5)];
  if (field(code, 10, 5) !== 31 || expected % 2 === 1 || wanted % 2 === 1) return null;
  const pairOf = (first: number): string => `${general(first, wide)}, ${general(first + 1, wide)}`;
  return simple(`casp${acquire ? "a" : ""}${release ? "l" : ""}`, [pairOf(expected), pairOf(wanted)], code, wide ? 16 : 8, "readwrite");
}

/** LDAPUR and STLUR: ordered, with an offset that is not scaled. */
function ordered(code: number): LoadStore | null {
  if (field(code, 21, 1) !== 0 || field(code, 10, 2) !== 0) return null;
  const form = integerForm(field(code, 30, 2), field(code, 22, 2));
  if (!form || form.type === null) return null;
  const name = form.type === "write" ? `stlur${form.suffix}` : `ldapur${form.suffix}`;
  return withOffset(name, general(field(code, 0, 5), form.wide), field(code, 5, 5), signedField(code, 12, 9), form.size, form.type);
}

function withOffset(mnemonic: string, values: string, base: number, offset: number, size: number, type: LoadStore["type"]): LoadStore {
  const shown = offset === 0 ? "" : `, ${immediate(offset)}`;
  return { text: `${mnemonic} ${values}, [${baseName(base)}${shown}]`, address: at(base, offset), size, type };
}

function literal(code: number): LoadStore | null {
  const kind = field(code, 30, 2);
  const offset = signedField(code, 5, 19) * 4;
  const number = field(code, 0, 5);
  if (field(code, 26, 1) === 1) {
    if (kind === 3) return null;
    return { text: `ldr ${"sdq"[kind]!}${number}, ${immediate(offset)}`, address: at(null, offset), size: 4 << kind, type: "read" };
  }
  if (kind === 3) return { text: `prfm ${prefetchName(number)}, ${immediate(offset)}`, address: at(null, offset), size: 8, type: null };
  return { text: `${kind === 2 ? "ldrsw" : "ldr"} ${general(number, kind !== 0)}, ${immediate(offset)}`, address: at(null, offset), size: kind === 1 ? 8 : 4, type: "read" };
}

function prefetchName(number: number): string {
  const kind = ["pld", "pli", "pst"][number >>> 3];
  const level = (number >>> 1) & 3;
  return kind === undefined || level === 3 ? immediate(number) : `${kind}l${level + 1}${number & 1 ? "strm" : "keep"}`;
}

function pair(code: number): LoadStore | null {
  const kind = field(code, 30, 2);
  const vector = field(code, 26, 1) === 1;
  const load = field(code, 22, 1) === 1;
  const mode = field(code, 23, 2);
  const signed = !vector && kind === 1;
  if (kind === 3 || (signed && (!load || mode === 0))) return null;
  const bytes = vector ? 4 << kind : kind === 2 ? 8 : 4;
  const name = (number: number): string => (vector ? `${"sdq"[kind]!}${number}` : general(number, kind !== 0));
  const base = field(code, 5, 5);
  const offset = signedField(code, 15, 7) * bytes;
  const mnemonic = `${load ? "ld" : "st"}${mode === 0 ? "np" : signed ? "psw" : "p"}`;
  const values = `${name(field(code, 0, 5))}, ${name(field(code, 10, 5))}`;
  return indexed(mnemonic, values, base, offset, mode === 0 ? 2 : mode, bytes * 2, load ? "read" : "write");
}

/** A load or store whose base may be changed: mode 1 afterwards, 2 not at all, 3 before. */
function indexed(mnemonic: string, values: string, base: number, offset: number, mode: number, size: number, type: LoadStore["type"]): LoadStore {
  const start = `${mnemonic} ${values}, [${baseName(base)}`;
  if (mode === 1) return { text: `${start}], ${immediate(offset)}`, address: at(base, 0), size, type };
  if (mode === 3) return { text: `${start}, ${immediate(offset)}]!`, address: at(base, offset), size, type };
  return withOffset(mnemonic, values, base, offset, size, type);
}

/** What a load or store of a general register is, by the logarithm of its bytes and its opc field; null for none. */
function integerForm(size: number, opc: number): { readonly suffix: string; readonly wide: boolean; readonly size: number; readonly type: LoadStore["type"] } | null {
  const bytes = 1 << size;
  if (opc < 2) return { suffix: narrow[size]!, wide: size === 3, size: bytes, type: opc === 0 ? "write" : "read" };
  if (size === 3) return opc === 2 ? { suffix: "", wide: true, size: bytes, type: null } : null;
  if (size === 2) return opc === 2 ? { suffix: "sw", wide: true, size: bytes, type: "read" } : null;
  return { suffix: `s${narrow[size]!}`, wide: opc === 2, size: bytes, type: "read" };
}

const extensions: { readonly [option: number]: Extend } = { 2: "uxtw", 3: "lsl", 6: "sxtw", 7: "sxtx" };

function single(code: number): LoadStore | null {
  const size = field(code, 30, 2);
  const opc = field(code, 22, 2);
  const vector = field(code, 26, 1) === 1;
  const group = field(code, 24, 2);
  const last = field(code, 10, 2);
  const registerForm = group === 0 && field(code, 21, 1) === 1;
  if (group > 1 || (registerForm && last === 0)) return group === 0 && !vector ? atomic(code, size) : null;
  if (registerForm && last !== 2) return vector ? null : authenticated(code, size, last === 3);
  const unprivileged = group === 0 && !registerForm && last === 2;
  const form = vector ? (unprivileged ? null : vectorForm(size, opc)) : integerForm(size, opc);
  if (!form) return null;
  const number = field(code, 0, 5);
  const prefetch = !vector && form.type === null;
  const value = vector ? `${"bhsdq"[Math.log2(form.size)]!}${number}` : prefetch ? prefetchName(number) : general(number, form.wide);
  const name = (plain: string): string => (prefetch ? (plain === "r" ? "prfm" : `prfu${plain.slice(1)}m`) : `${form.type === "write" ? "st" : "ld"}${plain}${form.suffix}`);
  const base = field(code, 5, 5);
  if (group === 1) return withOffset(name("r"), value, base, field(code, 10, 12) * form.size, form.size, form.type);
  if (registerForm) return registerOffset(code, name("r"), value, form.size, form.type);
  const offset = signedField(code, 12, 9);
  if (last === 0) return withOffset(prefetch ? "prfum" : name("ur"), value, base, offset, form.size, form.type);
  if (prefetch) return null;
  return unprivileged ? withOffset(name("tr"), value, base, offset, form.size, form.type) : indexed(name("r"), value, base, offset, last, form.size, form.type);
}

function vectorForm(size: number, opc: number): ReturnType<typeof integerForm> {
  if (opc >= 2 && size !== 0) return null;
  return { suffix: "", wide: false, size: opc >= 2 ? 16 : 1 << size, type: opc % 2 === 1 ? "read" : "write" };
}

function registerOffset(code: number, mnemonic: string, value: string, size: number, type: LoadStore["type"]): LoadStore | null {
  const extend = extensions[field(code, 13, 3)];
  if (extend === undefined) return null;
  const scaled = field(code, 12, 1) === 1;
  const shift = scaled ? Math.log2(size) : 0;
  const [base, index] = [field(code, 5, 5), field(code, 16, 5)];
  const how = extend === "lsl" && !scaled ? "" : `, ${extend}${scaled ? ` #${shift}` : ""}`;
  const name = general(index, extend === "lsl" || extend === "sxtx");
  return { text: `${mnemonic} ${value}, [${baseName(base)}, ${name}${how}]`, address: { base, offset: 0, index: { register: index, extend, shift } }, size, type };
}

/** LDRAA and LDRAB: loads through a signed pointer. */
function authenticated(code: number, size: number, before: boolean): LoadStore | null {
  if (size !== 3) return null;
  const offset = ((field(code, 22, 1) === 1 ? -512 : 0) + field(code, 12, 9)) * 8;
  const mnemonic = field(code, 23, 1) === 1 ? "ldrab" : "ldraa";
  return indexed(mnemonic, general(field(code, 0, 5), true), field(code, 5, 5), offset, before ? 3 : 2, 8, "read");
}

const atomicNames = ["add", "clr", "eor", "set", "smax", "smin", "umax", "umin"];

function atomic(code: number, size: number): LoadStore | null {
  const [acquire, release] = [field(code, 23, 1) === 1, field(code, 22, 1) === 1];
  const operation = field(code, 12, 3);
  const wide = size === 3;
  const [source, target] = [field(code, 16, 5), field(code, 0, 5)];
  const order = `${acquire ? "a" : ""}${release ? "l" : ""}`;
  const suffix = `${order}${narrow[size]!}`;
  if (field(code, 15, 1) === 1) {
    if (operation === 4 && acquire && !release && source === 31) return simple(`ldapr${narrow[size]!}`, [general(target, wide)], code, 1 << size, "read");
    return operation === 0 ? simple(`swp${suffix}`, [general(source, wide), general(target, wide)], code, 1 << size, "readwrite") : null;
  }
  // Without a result and without acquiring it is called a store.
  const store = target === 31 && !acquire;
  const operands = store ? [general(source, wide)] : [general(source, wide), general(target, wide)];
  return simple(`${store ? "st" : "ld"}${atomicNames[operation]!}${suffix}`, operands, code, 1 << size, "readwrite");
}

/** Registers and whether they are interleaved, by opcode of the multiple-structure loads: ld4, ld1 of 4, ld3, ld1 of 3, ld1, ld2, ld1 of 2. */
const structures: { readonly [opcode: number]: readonly [number, number] } = { 0: [4, 4], 2: [1, 4], 4: [3, 3], 6: [1, 3], 7: [1, 1], 8: [2, 2], 10: [1, 2] };

function vectors(code: number): LoadStore | null {
  const shape = structures[field(code, 12, 4)];
  if (field(code, 31, 1) === 1 || field(code, 24, 1) === 1 || field(code, 21, 1) === 1 || !shape) return null;
  const [interleaved, count] = shape;
  const whole = field(code, 30, 1) === 1;
  const element = field(code, 10, 2);
  if (element === 3 && !whole && interleaved > 1) return null;
  const arrangement = `${(whole ? 16 : 8) >>> element}${"bhsd"[element]!}`;
  const first = field(code, 0, 5);
  const names = Array.from({ length: count }, (_, index) => `v${(first + index) % 32}.${arrangement}`);
  const size = count * (whole ? 16 : 8);
  const load = field(code, 22, 1) === 1;
  const base = field(code, 5, 5);
  const step = field(code, 16, 5);
  const post = field(code, 23, 1) === 1;
  if (!post && step !== 0) return null;
  const after = post ? `, ${step === 31 ? immediate(size) : `x${step}`}` : "";
  return { text: `${load ? "ld" : "st"}${interleaved} { ${names.join(", ")} }, [${baseName(base)}]${after}`, address: at(base, 0), size, type: load ? "read" : "write" };
}
