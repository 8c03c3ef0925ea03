// One address in, one line of JSON out, in the spelling of llvm-symbolizer
// (--relative-address --output-style=JSON), so that any symbol file can be
// compared with it line by line.
//
// How addresses are read is LLVM's too: 0x is hex, 0b binary, 0o and a leading
// zero octal, anything else decimal; a word CODE before it and words after it
// are passed over. What it has and symbol files here have not is said as LLVM
// says that it does not know: columns and discriminators 0, the place where a
// function begins "" and 0.
import type { ModuleSymbols, SourcePlace } from "../symbols/cache/module-symbols.ts";

/** An address: its number for look-ups (not exact above 2^53, where there is no code) and its text in hex. */
export type AskedAddress = { readonly rva: number; readonly text: string };

/** Reads what a line asks for; null when it is no address. */
export function readAddress(line: string): AskedAddress | null {
  const text = /^\s*(?:CODE\s+)?(\S+)/.exec(line)?.[1] ?? "";
  const plain = /^0x([0-9a-f]{1,13})$/i.exec(text)?.[1];
  if (plain !== undefined) {
    const rva = Number.parseInt(plain, 16);
    return { rva, text: `0x${rva.toString(16)}` };
  }
  if (!/^(0x[0-9a-f]+|0b[01]+|0o?[0-7]+|[1-9]\d*|0)$/i.test(text) || text.length > 66) return null;
  const value = BigInt(/^0[0-7]/.test(text) ? `0o${text.slice(1)}` : text);
  return value < 1n << 64n ? { rva: Number(value), text: `0x${value.toString(16)}` } : null;
}

/** Answers addresses of one module, under the name that its file was given by. */
export class SymbolAnswers {
  private readonly symbols: ModuleSymbols;
  private readonly moduleName: string;
  private readonly place: SourcePlace = { name: "", linkageName: null, start: 0, isPublic: false, file: null, line: 0, lineStart: 0, inlines: [] };
  // Addresses come in runs of one function and one file.
  private readonly quotedTexts = new Map<string, string>();

  constructor(symbols: ModuleSymbols, moduleName: string) {
    this.symbols = symbols;
    this.moduleName = JSON.stringify(moduleName);
  }

  /** The line for what was asked, without its end. */
  answer(line: string): string {
    const asked = readAddress(line);
    if (asked === null) return `{"Error":{"Message":${JSON.stringify(`unable to parse arguments: ${line.trim().slice(0, 200)}`)}},"ModuleName":${this.moduleName}}`;
    return `{"Address":"${asked.text}","ModuleName":${this.moduleName},"Symbol":[${this.frames(asked.rva)}]}`;
  }

  private frames(rva: number): string {
    const { place } = this;
    if (rva >= 2 ** 53 || !this.symbols.lookUp(rva, place)) return this.frame("", null, 0, "");
    let text = "";
    for (const inlined of place.inlines) text += `${this.frame(inlined.name, inlined.file, inlined.line, "")},`;
    return text + this.frame(place.name, place.file, place.line, `0x${place.start.toString(16)}`);
  }

  private frame(name: string, file: string | null, line: number, start: string): string {
    return `{"Column":0,"Discriminator":0,"FileName":${this.quoted(file ?? "")},"FunctionName":${this.quoted(name)},"Line":${line},"StartAddress":"${start}","StartFileName":"","StartLine":0}`;
  }

  private quoted(text: string): string {
    const known = this.quotedTexts.get(text);
    if (known !== undefined) return known;
    if (this.quotedTexts.size >= 4096) this.quotedTexts.clear();
    const made = JSON.stringify(text);
    this.quotedTexts.set(text, made);
    return made;
  }
}
