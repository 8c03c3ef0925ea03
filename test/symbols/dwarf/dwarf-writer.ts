// Writes DWARF by hand: units of entries in any form of any version and byte
// order, and line programs opcode by opcode. What it writes is what the test
// says, sensible or not.
//
//   const dwarf = new DwarfWriter({ version: 5 });
//   dwarf.unit(die("compileUnit", { lowPc: ["addr", 0] }, [die("subprogram", { name: ["string", "f"], lowPc: ["addr", 0x401000], highPc: ["data1", 16] })]));
//   dwarf.sections().section(".debug_info")
import { attribute, form, tag } from "../../../symbols/dwarf/codes.ts";
import type { DwarfSectionName, DwarfSections } from "../../../symbols/dwarf/dwarf-sections.ts";

/** How numbers are written. */
export type WriterShape = { readonly version: number; readonly little: boolean; readonly offsetBytes: 4 | 8; readonly addressBytes: 4 | 8 };

type FormName = keyof typeof form;
/** A form and its value: a number, a string, the label of an entry, or for `indirect` another form and value. */
export type FormValue = readonly [FormName, number | string | FormValue];
/** An entry; references name others by `label`. */
export type Die = {
  readonly tag: keyof typeof tag | number;
  readonly attributes: { readonly [name in keyof typeof attribute]?: FormValue } & { readonly unknown?: FormValue };
  readonly children: readonly Die[];
  readonly label: string;
};

/** Makes an entry. */
export function die(itsTag: Die["tag"], attributes: Die["attributes"], children: readonly Die[] = [], label = ""): Die {
  return { tag: itsTag, attributes, children, label };
}

/** The address that `rva` 0 has in what tests write. */
export const imageBase = 0x400000;
/** Bytes of the image. */
export const imageBytes = 0x10000;

/** Bytes that grow, with the numbers of DWARF. */
export class ByteWriter {
  readonly bytes: number[] = [];
  private readonly little: boolean;

  constructor(little: boolean) {
    this.little = little;
  }

  fixed(value: number, size: number): this {
    const big = BigInt.asUintN(size * 8, BigInt(value));
    const bytes = Array.from({ length: size }, (_, i) => Number((big >> BigInt(8 * i)) & 0xffn));
    this.bytes.push(...(this.little ? bytes : bytes.toReversed()));
    return this;
  }

  uleb(value: number): this {
    let rest = BigInt(value);
    do {
      const byte = Number(rest & 0x7fn);
      rest >>= 7n;
      this.bytes.push(rest > 0n ? byte | 0x80 : byte);
    } while (rest > 0n);
    return this;
  }

  sleb(value: number): this {
    let rest = BigInt(value);
    for (;;) {
      const byte = Number(rest & 0x7fn);
      rest >>= 7n;
      const isLast = (rest === 0n && byte < 0x40) || (rest === -1n && byte >= 0x40);
      this.bytes.push(isLast ? byte : byte | 0x80);
      if (isLast) return this;
    }
  }

  string(text: string): this {
    this.bytes.push(...Buffer.from(text), 0);
    return this;
  }

  /** Writes over a number that is there. */
  patch(at: number, value: number, size: number): void {
    this.bytes.splice(at, size, ...new ByteWriter(this.little).fixed(value, size).bytes);
  }
}

/** Options of a unit. */
export type UnitOptions = { readonly type?: number; readonly version?: number; readonly addressBytes?: number; readonly abbrevAt?: number };

/** Collects sections. */
export class DwarfWriter {
  readonly shape: WriterShape;
  readonly info: ByteWriter;
  readonly abbrev: ByteWriter;
  readonly line: ByteWriter;
  readonly ranges: ByteWriter;
  readonly rangeLists: ByteWriter;
  readonly addr: ByteWriter;
  readonly strOffsets: ByteWriter;
  private readonly str: ByteWriter;
  private readonly lineStr: ByteWriter;
  private readonly labels = new Map<string, number>();
  private readonly fixups: { at: number; size: number; label: string; from: number }[] = [];
  private unitStart = 0;
  private codes = 0;

  constructor(shape: Partial<WriterShape> = {}) {
    this.shape = { version: 4, little: true, offsetBytes: 4, addressBytes: 8, ...shape };
    const writer = (): ByteWriter => new ByteWriter(this.shape.little);
    [this.info, this.abbrev, this.line, this.ranges, this.rangeLists, this.addr, this.strOffsets, this.str, this.lineStr] = [writer(), writer(), writer(), writer(), writer(), writer(), writer(), writer(), writer()];
    // What offset 0 points to should be noticed when a test meets it.
    this.str.string("<offset 0 of .debug_str>");
    this.lineStr.string("<offset 0 of .debug_line_str>");
  }

  /** Adds a unit whose first entry is `root`. */
  unit(root: Die, { type = 1, version = this.shape.version, addressBytes = this.shape.addressBytes, abbrevAt = this.abbrev.bytes.length }: UnitOptions = {}): this {
    const { info } = this;
    const { offsetBytes } = this.shape;
    this.unitStart = info.bytes.length;
    if (offsetBytes === 8) info.fixed(0xffffffff, 4);
    const lengthAt = info.bytes.length;
    info.fixed(0, offsetBytes).fixed(version, 2);
    if (version >= 5) info.fixed(type, 1).fixed(addressBytes, 1).fixed(abbrevAt, offsetBytes);
    else info.fixed(abbrevAt, offsetBytes).fixed(addressBytes, 1);
    if (version >= 5 && (type === 2 || type === 6)) info.fixed(0x1234, 8).fixed(0, offsetBytes);
    if (version >= 5 && (type === 4 || type === 5)) info.fixed(0x1234, 8);
    this.codes = 0;
    this.die(root);
    this.abbrev.fixed(0, 1);
    info.patch(lengthAt, info.bytes.length - lengthAt - offsetBytes, offsetBytes);
    return this;
  }

  /** Where a labelled entry is, for references of other files. */
  offsetOf(label: string): number {
    return this.labels.get(label)!;
  }

  /** The sections, with references resolved. */
  sections(): DwarfSections {
    for (const { at, size, label, from } of this.fixups.splice(0)) this.info.patch(at, (this.labels.get(label) ?? 0xffffff) - from, size);
    const named: { readonly [name in DwarfSectionName]: ByteWriter } = {
      ".debug_info": this.info,
      ".debug_abbrev": this.abbrev,
      ".debug_line": this.line,
      ".debug_str": this.str,
      ".debug_line_str": this.lineStr,
      ".debug_str_offsets": this.strOffsets,
      ".debug_addr": this.addr,
      ".debug_ranges": this.ranges,
      ".debug_rnglists": this.rangeLists,
    };
    const { little, addressBytes } = this.shape;
    return {
      little,
      addressBytes,
      section: (name) => (named[name].bytes.length === 0 ? null : Uint8Array.from(named[name].bytes)),
      toRva: (address) => (address >= imageBase && address < imageBase + imageBytes ? address - imageBase : -1),
    };
  }

  private die(entry: Die): void {
    const { info, abbrev } = this;
    if (entry.label !== "") this.labels.set(entry.label, info.bytes.length);
    const code = ++this.codes;
    info.uleb(code);
    abbrev
      .uleb(code)
      .uleb(typeof entry.tag === "number" ? entry.tag : tag[entry.tag])
      .fixed(entry.children.length > 0 ? 1 : 0, 1);
    for (const [name, [itsForm, value]] of Object.entries(entry.attributes)) {
      abbrev.uleb(name === "unknown" ? 0x3fff : attribute[name as keyof typeof attribute]).uleb(form[itsForm]);
      if (itsForm === "implicitConst") abbrev.sleb(value as number);
      else this.value(itsForm, value);
    }
    abbrev.fixed(0, 2);
    if (entry.children.length === 0) return;
    for (const child of entry.children) this.die(child);
    info.fixed(0, 1);
  }

  private value(itsForm: FormName, value: FormValue[1]): void {
    const { info } = this;
    const { offsetBytes, addressBytes, version } = this.shape;
    const number = value as number;
    switch (itsForm) {
      case "indirect": {
        const [inner, innerValue] = value as FormValue;
        info.uleb(form[inner]);
        this.value(inner, innerValue);
        return;
      }
      case "addr":
        info.fixed(number, addressBytes);
        return;
      case "string":
        info.string(value as string);
        return;
      case "strp":
        info.fixed(typeof value === "string" ? this.pool(this.str, value) : number, offsetBytes);
        return;
      case "lineStrp":
        info.fixed(this.pool(this.lineStr, value as string), offsetBytes);
        return;
      case "strx":
      case "gnuStrIndex":
        info.uleb(this.stringIndex(value as string));
        return;
      case "strx1":
      case "strx2":
      case "strx3":
      case "strx4":
        info.fixed(this.stringIndex(value as string), Number(itsForm.slice(-1)));
        return;
      case "addrx":
      case "gnuAddrIndex":
        info.uleb(this.addressIndex(number));
        return;
      case "addrx1":
      case "addrx2":
      case "addrx3":
      case "addrx4":
        info.fixed(this.addressIndex(number), Number(itsForm.slice(-1)));
        return;
      case "ref1":
      case "ref2":
      case "ref4":
      case "ref8":
        this.reference(value as string, Number(itsForm.slice(-1)), this.unitStart);
        return;
      case "refUdata":
        // Only to what came before: how long it is depends on how far it is.
        info.uleb((this.labels.get(value as string) ?? 0) - this.unitStart);
        return;
      case "refAddr":
        this.reference(value as string, version <= 2 ? addressBytes : offsetBytes, 0);
        return;
      case "data1":
      case "flag":
        info.fixed(number, 1);
        return;
      case "data2":
        info.fixed(number, 2);
        return;
      case "data4":
      case "refSup4":
        info.fixed(number, 4);
        return;
      case "data8":
      case "refSig8":
      case "refSup8":
        info.fixed(number, 8);
        return;
      case "data16":
        info.fixed(number, 8).fixed(0, 8);
        return;
      case "secOffset":
      case "strpSup":
      case "gnuRefAlt":
      case "gnuStrpAlt":
        info.fixed(number, offsetBytes);
        return;
      case "udata":
      case "rnglistx":
      case "loclistx":
        info.uleb(number);
        return;
      case "sdata":
        info.sleb(number);
        return;
      case "block1":
        info.fixed(number, 1);
        break;
      case "block2":
        info.fixed(number, 2);
        break;
      case "block4":
        info.fixed(number, 4);
        break;
      case "block":
      case "exprloc":
        info.uleb(number);
        break;
      default:
        return;
    }
    // A block of so many bytes that would be bad numbers of abbreviations.
    for (let i = 0; i < number; i++) info.fixed(0x7f, 1);
  }

  private reference(label: string, size: number, from: number): void {
    this.fixups.push({ at: this.info.bytes.length, size, label, from });
    this.info.fixed(0, size);
  }

  private pool(section: ByteWriter, text: string): number {
    const at = section.bytes.length;
    section.string(text);
    return at;
  }

  /** Puts a string behind an index; the table's header comes first. */
  private stringIndex(text: string): number {
    const { strOffsets } = this;
    const { offsetBytes } = this.shape;
    if (strOffsets.bytes.length === 0) for (let i = 0; i < 2 * offsetBytes; i++) strOffsets.fixed(0xee, 1);
    strOffsets.fixed(this.pool(this.str, text), offsetBytes);
    return strOffsets.bytes.length / offsetBytes - 3;
  }

  /** Puts an address behind an index; the table's header comes first. */
  addressIndex(address: number): number {
    const { addr } = this;
    const { addressBytes, offsetBytes } = this.shape;
    const header = 2 * offsetBytes;
    if (addr.bytes.length === 0) for (let i = 0; i < header; i++) addr.fixed(0xee, 1);
    addr.fixed(address, addressBytes);
    return (addr.bytes.length - header) / addressBytes - 1;
  }
}
