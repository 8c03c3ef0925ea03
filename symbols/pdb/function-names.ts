// What functions are called, as strings of the builder: a symbol's name or an
// id's with its scope, and behind it the parameters that its type has.
//
// There are hundreds of thousands of them, and most have the parameters of some
// other one, so names are put together from bytes, and parameter lists are kept
// as bytes by their type.
import type { ModuleBuilder } from "../cache/module-builder.ts";
import { NumberMap } from "../cache/number-map.ts";
import type { TypeNames } from "./type-names.ts";
import { bracketNamespaces } from "./type-records.ts";

const lineFeed = 0x0a;
const colon = 0x3a;
const questionMark = 0x3f;
const underscore = 0x5f;
const capitalZ = 0x5a;
const quote = 0x60;
/** What a function is called that has no name, as dump_syms writes it. */
const nameless = Buffer.from("<name omitted>\n");
/** Bytes of a name without its parameters that are taken, and of those. */
const [nameMax, listMax] = [16 * 1024, 16 * 1024];
/** Bytes of scopes before the names of inlined functions: real PDBs have a tenth of it, but a million ids may share one long scope. */
const scopeBytesMax = 256 * 1024 * 1024;
/** Inlined functions whose names are remembered. */
const originsMax = 4_000_000;
/** Bytes of parameter lists that are kept. */
const keptMax = 32 * 1024 * 1024;

/** Names functions of one PDB. */
export class FunctionNames {
  /** Bytes of parameter lists that may still be added to names: a file must not grow without bounds. */
  parameterBudget = 0;
  private readonly builder: ModuleBuilder;
  private readonly types: TypeNames;
  /** Parameter lists, each with a line feed. */
  private lists: Buffer = Buffer.alloc(256 * 1024);
  private listsLength = 0;
  /** By function's type: where its list begins in `lists`. */
  private readonly listAt = new NumberMap();
  /** By id: the builder's number of its name as an origin. */
  private readonly origins = new NumberMap();
  private scopeBudget = scopeBytesMax;
  private readonly scratch = Buffer.alloc(nameMax + listMax + 1);

  constructor(builder: ModuleBuilder, types: TypeNames) {
    this.builder = builder;
    this.types = types;
  }

  /** The string for the function whose name is between two places, and whose type has a number; 0 for none. */
  nameOf(bytes: Buffer, start: number, end: number, type: number): number {
    const { scratch } = this;
    const length = Math.min(end - start, nameMax);
    let hasQuote = false;
    for (let i = 0; i < length; i++) {
      const byte = bytes[start + i]!;
      if (byte === quote) hasQuote = true;
      scratch[i] = byte;
    }
    if (hasQuote) bracketNamespaces(scratch.subarray(0, length));
    // Mangled names say their parameters themselves.
    const isMangled = scratch[0] === questionMark || (scratch[0] === underscore && scratch[1] === capitalZ);
    return this.take(length, isMangled ? 0 : type);
  }

  /** The builder's number of what an id's function is called, for inlined calls. */
  originOf(id: number): number {
    let origin = this.origins.get(id);
    if (origin < 0) {
      origin = this.builder.originOf(this.nameOfId(id));
      if (this.origins.size >= originsMax) this.origins.clear();
      this.origins.set(id, origin);
    }
    return origin;
  }

  private nameOfId(id: number): number {
    const { types, scratch } = this;
    if (!types.findFunction(id)) return this.take(0, 0);
    let length = 0;
    this.scopeBudget -= types.outer.length;
    if (types.outer !== "" && this.scopeBudget > 0) {
      length = scratch.write(types.outer, 0, nameMax - 2, "latin1");
      scratch[length++] = colon;
      scratch[length++] = colon;
    }
    length += scratch.write(types.own, length, nameMax - length, "latin1");
    return this.take(length, types.type);
  }

  /** The string for what is in `scratch`, with the parameters of a type; 0 has none. */
  private take(length: number, type: number): number {
    const { scratch } = this;
    const { strings } = this.builder;
    if (length === 0) return strings.takeLine(nameless, 0);
    let at = length;
    if (type !== 0 && this.parameterBudget > 0) {
      const from = this.listOf(type);
      const { lists } = this;
      for (let i = from; lists[i] !== lineFeed; i++) scratch[at++] = lists[i]!;
      this.parameterBudget -= at - length;
    }
    scratch[at] = lineFeed;
    return strings.takeLine(scratch, 0);
  }

  /** Where in `lists` the parameters of a function's type begin. */
  private listOf(type: number): number {
    let at = this.listAt.get(type);
    if (at >= 0) return at;
    if (this.listsLength > keptMax || this.listAt.size >= originsMax) {
      this.listsLength = 0;
      this.listAt.clear();
    }
    at = this.listsLength;
    if (at + listMax + 1 > this.lists.length) {
      const wider = Buffer.alloc(this.lists.length * 2);
      this.lists.copy(wider);
      this.lists = wider;
    }
    const end = at + this.lists.write(this.types.signature(type), at, listMax, "latin1");
    this.lists[end] = lineFeed;
    this.listsLength = end + 1;
    this.listAt.set(type, at);
    return at;
  }
}
