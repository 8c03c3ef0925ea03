// Names of addresses as a posted stack trace asks for them.
import type { ModuleSymbols, SourcePlace } from "../../symbols/cache/module-symbols.ts";

/** A function that was inlined at an address. */
export type InlineName = { readonly function: string; readonly file: string | null; readonly line: number | null };

/** What the symbols of a module say of one address. */
export type AddressName = {
  readonly function: string;
  /** Bytes from the function's start. */
  readonly functionOffset: number;
  /** Where the physical function stands: with inlines, at its outermost inlined call. */
  readonly file: string | null;
  readonly line: number | null;
  /** Functions inlined at the address, innermost first. */
  readonly inlines: readonly InlineName[];
  /** True when its module's names may be better, with files that were not there (`ModuleSymbols.lacksCompanion`). */
  readonly isProvisional: boolean;
};

/** Names addresses relative to the module's base; null for those that no symbol has. Throws `DamagedCache` for symbols that are a cache. */
export function nameAddresses(symbols: ModuleSymbols, addresses: readonly number[]): (AddressName | null)[] {
  const place: SourcePlace = { name: "", linkageName: null, start: 0, isPublic: false, file: null, line: 0, lineStart: 0, inlines: [] };
  return addresses.map((address) => {
    if (!symbols.lookUp(address, place)) return null;
    return {
      function: place.name,
      functionOffset: address - place.start,
      file: place.file,
      line: place.file === null ? null : place.line,
      inlines: place.inlines.map((inlined) => ({ function: inlined.name, file: inlined.file, line: inlined.file === null ? null : inlined.line })),
      isProvisional: symbols.lacksCompanion,
    };
  });
}
