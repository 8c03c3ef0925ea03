// What a PDB's types are called, as far as the names of functions need it.
//
// A function's symbol has its name with scopes and the number of its type; what
// it takes is in the type's records. An inlined function has an id: its bare
// name, its type, and the class or the namespace that it is declared in. Here
// both become the same text, `scope::name(parameters) const`, without result
// and calling convention.
//
// Names in records stand as the compiler wrote them, template arguments and
// all. The rest is spelled as mozilla's dump_syms does, whose symbol files are
// what most Windows crashes were read with so far: `char const*`, but
// `const int` for a value; `int[34]*` for a pointer to an array. Two things are
// said better: `...` for variable arguments (`<NoType>` there), and the class
// of a pointer to a member.
//
// `(anonymous namespace)` has brackets whoever compiled it, as in the names that
// are demangled.
//
// Texts are JavaScript strings of one byte a character (latin1), so that bytes
// go through unchanged whatever encoding the compiler used.
//
// Limits: types may refer to each other in circles, and to the same ones many
// times over, so depth, length and the length of all texts that are kept are
// bounded; what is beyond, or cannot be read, is `?`.
import { firstRecord, isSimplePointer, simpleTypeBytes, simpleTypeName } from "./simple-types.ts";
import { anonymousNamespace, classSizeAt, half, leaf, taggedNameAt, text, word } from "./type-records.ts";
import { type TypeStream, numericValue } from "./types.ts";

const depthMax = 24;
const textMax = 4096;
/** Characters of texts that are kept for their next use. */
const keptMax = 16 * 1024 * 1024;
/** What an entry takes beside its text: millions of texts may be empty. */
const keptCost = 16;
/** Parameters that are looked at. */
const parametersMax = 256;
const unknown = "?";

/** Modifiers of a type (LF_MODIFIER). */
const constFlag = 1;
const volatileFlag = 2;

/** Names types and functions of one PDB. */
export class TypeNames {
  /** Of the function that was found last: the class or the namespaces that it is declared in, "" for none. */
  outer = "";
  /** Its own name. */
  own = "";
  /** Names of types that may still be put together: a few records can ask for more of them than there is time. */
  budget = 1_000_000;
  /** Number of its type; 0 where its name says its parameters itself. */
  type = 0;
  private readonly types: TypeStream | null;
  private readonly ids: TypeStream | null;
  private readonly kept = new Map<number, string>();
  private keptLength = 0;
  private depth = 0;

  /** Either may be null where the PDB has no such stream. */
  constructor(types: TypeStream | null, ids: TypeStream | null) {
    this.types = types;
    this.ids = ids;
  }

  /** What follows the name of a function of a type: `(int, char const*) const`; "" when the type is none of a function, as assembler code has it. */
  signature(type: number): string {
    const types = this.types;
    if (types === null) return "";
    const kind = types.find(type);
    if (kind === leaf.procedure && types.end - types.at >= 12) return `(${this.parameters(word(types, 8))})`;
    if (kind !== leaf.memberFunction || types.end - types.at < 20) return "";
    const owner = word(types, 4);
    const thisType = word(types, 8);
    const list = word(types, 16);
    if (thisType === 0) return `(${this.parameters(list)})`;
    const pointee = this.thisPointee(thisType, owner);
    if (pointee >= 0) return `(${this.parameters(list)})${pointee & constFlag ? " const" : ""}${pointee & volatileFlag ? " volatile" : ""}`;
    // Rust's associated functions have their first parameter where C++ has `this`.
    const rest = this.parameters(list);
    return `(${this.name(thisType)}${rest === "" ? "" : `, ${rest}`})`;
  }

  /** Finds an id's function: sets `outer`, `own` and `type`. False when the id is none of a function. */
  findFunction(id: number): boolean {
    const ids = this.ids;
    if (ids === null) return false;
    const kind = ids.find(id);
    if ((kind !== leaf.functionId && kind !== leaf.memberFunctionId) || ids.end - ids.at < 9) return false;
    const scope = word(ids, 0);
    const type = word(ids, 4);
    let own = text(ids, ids.at + 8);
    const outer = isMangled(own) ? "" : kind === leaf.memberFunctionId ? this.name(scope) : scope === 0 ? "" : this.scope(scope);
    // Microsoft's compiler calls them so here, and by their name where they are functions of their own.
    if (own === "{ctor}") own = lastName(outer);
    else if (own === "{dtor}") own = `~${lastName(outer)}`;
    this.outer = outer;
    this.own = own;
    this.type = isMangled(own) ? 0 : type;
    return true;
  }

  /** The type of an id's function; 0 when the id is none of a function. */
  typeOfId(id: number): number {
    const ids = this.ids;
    const kind = ids?.find(id);
    return ids !== null && (kind === leaf.functionId || kind === leaf.memberFunctionId) && ids.end - ids.at >= 8 ? word(ids, 4) : 0;
  }

  /** A namespace, or a function that something is declared in. */
  private scope(id: number): string {
    const ids = this.ids!;
    if (this.depth >= depthMax || --this.budget < 0) return unknown;
    const kind = ids.find(id);
    if (kind === leaf.stringId && ids.end - ids.at >= 5) {
      const list = word(ids, 0);
      const own = text(ids, ids.at + 4);
      return cut((list === 0 ? "" : this.joined(list)) + (isAnonymousNamespace(own) ? anonymousNamespace : own));
    }
    if (kind !== leaf.functionId && kind !== leaf.memberFunctionId) return unknown;
    this.depth++;
    const isFunction = this.findFunction(id);
    const name = this.outer === "" ? this.own : `${this.outer}::${this.own}`;
    const whole = isFunction ? name + this.signature(this.type) : unknown;
    this.depth--;
    return cut(whole);
  }

  /** The texts of a list of them, one after the other. */
  private joined(list: number): string {
    const ids = this.ids!;
    if (ids.find(list) !== leaf.stringList || ids.end - ids.at < 4) return "";
    const parts: number[] = [];
    const count = Math.min(word(ids, 0), parametersMax, (ids.end - ids.at - 4) >>> 2);
    for (let i = 0; i < count; i++) parts.push(word(ids, 4 + i * 4));
    this.depth++;
    let joined = "";
    for (const part of parts) if (joined.length < textMax) joined += this.scope(part);
    this.depth--;
    return joined;
  }

  /** The parameters that an argument list has, between the brackets. */
  private parameters(list: number): string {
    const types = this.types!;
    const kept = this.kept.get(list);
    if (kept !== undefined) return kept;
    if (types.find(list) !== leaf.argumentList || types.end - types.at < 4) return unknown;
    const listed: number[] = [];
    const count = Math.min(word(types, 0), (types.end - types.at - 4) >>> 2);
    for (let i = 0; i < Math.min(count, parametersMax); i++) listed.push(word(types, 4 + i * 4));
    let joined = "";
    for (const [i, type] of listed.entries()) {
      if (joined.length > textMax) break;
      const isLast = i === count - 1;
      joined += (i === 0 ? "" : ", ") + (type === 0 && isLast ? "..." : this.name(type));
    }
    if (joined.length > textMax || count > parametersMax) joined = `${joined.slice(0, textMax)}${unknown}`;
    return this.keep(list, joined);
  }

  /** The name of a type. */
  private name(type: number): string {
    if (type < firstRecord) return simpleTypeName(type) ?? unknown;
    const kept = this.kept.get(type);
    if (kept !== undefined) return kept;
    if (this.depth >= depthMax || --this.budget < 0) return unknown;
    this.depth++;
    const name = cut(this.named(type));
    this.depth--;
    return this.keep(type, name);
  }

  private named(type: number): string {
    const types = this.types;
    const kind = types === null ? 0 : types.find(type);
    if (types === null || types.end - types.at < 8) return unknown;
    switch (kind) {
      case leaf.modifier:
        return this.modified(word(types, 0), half(types, 4));
      case leaf.pointer:
        return this.pointer(0);
      case leaf.array:
        return this.array();
      case leaf.bitField:
        return this.name(word(types, 0));
      case leaf.procedure:
      case leaf.memberFunction:
        return this.functionType("");
      default: {
        const nameAt = taggedNameAt(types, kind);
        return nameAt < 0 ? unknown : text(types, nameAt);
      }
    }
  }

  /** A type with modifiers that are written before it, or, for pointers, after it. */
  private modified(type: number, flags: number): string {
    const types = this.types!;
    if (type >= firstRecord && types.find(type) === leaf.pointer && types.end - types.at >= 8) return this.pointer(flags);
    const name = this.name(type);
    const words = qualifiers(flags);
    if (words === "") return name;
    return type < firstRecord && isSimplePointer(type) ? `${name} ${words}` : `${words} ${name}`;
  }

  /** The pointer or reference whose record was found last. `flags` are its own modifiers from elsewhere, `outer` what stands behind it: the signs of pointers to it. */
  private pointer(flags: number, outer = ""): string {
    const types = this.types!;
    const pointee = word(types, 0);
    const attributes = word(types, 4);
    const mode = (attributes >>> 5) & 7;
    const owner = (mode === 2 || mode === 3) && types.end - types.at >= 12 ? word(types, 8) : 0;
    const own = qualifiers(flags | ((attributes >>> 10) & 1 ? constFlag : 0) | ((attributes >>> 9) & 1 ? volatileFlag : 0));
    const sign = mode === 1 ? "&" : mode === 4 ? "&&" : "*";
    if (this.depth >= depthMax) return unknown;
    this.depth++;
    const pointer = this.pointed(pointee, owner, `${sign}${own === "" ? "" : ` ${own}`}${outer}`, mode);
    this.depth--;
    return pointer;
  }

  /** What is pointed to, then `sign`; around it, if that is a function. */
  private pointed(pointee: number, owner: number, sign: string, mode: number): string {
    const types = this.types!;
    let kind = pointee < firstRecord ? 0 : types.find(pointee);
    let target = pointee;
    let flags = 0;
    if (kind === leaf.modifier && types.end - types.at >= 6) {
      target = word(types, 0);
      flags = half(types, 4);
      kind = target < firstRecord ? 0 : types.find(target);
    }
    const size = types.end - types.at;
    if ((kind === leaf.procedure && size >= 12) || (kind === leaf.memberFunction && size >= 20)) return this.functionType(sign, mode === 3);
    const scope = owner === 0 ? "" : ` ${this.name(owner)}::`;
    if (kind === leaf.pointer && size >= 8 && owner === 0) return this.pointer(flags, sign);
    // Modifiers of what is pointed to stand behind it.
    return `${this.name(target)} ${qualifiers(flags)}`.trimEnd() + scope + sign;
  }

  /** The function type whose record was found last: `void (*)(int)`, with `sign` in the brackets. */
  private functionType(sign: string, isMember = false): string {
    const types = this.types!;
    const hasOwner = types.end - types.at >= 20;
    const result = word(types, 0);
    const owner = isMember && hasOwner ? word(types, 4) : 0;
    const list = hasOwner ? word(types, 16) : word(types, 8);
    const scope = owner === 0 ? "" : `${this.name(owner)}::`;
    const brackets = sign === "" ? "" : `(${scope}${sign})`;
    return `${this.name(result)} ${brackets}(${this.parameters(list)})`;
  }

  /** The array whose record was found last, the outermost dimension first. */
  private array(): string {
    const types = this.types!;
    const sizes: number[] = [];
    let element = 0;
    for (let dimension = 0; dimension < depthMax; dimension++) {
      element = word(types, 0);
      sizes.push(numericValue(types.bytes, types.at + 8));
      if (element < firstRecord || types.find(element) !== leaf.array || types.end - types.at < 10) break;
    }
    sizes.push(this.bytesOf(element));
    let name = this.name(element);
    for (let i = 0; i + 1 < sizes.length; i++) {
      const count = sizes[i]! / sizes[i + 1]!;
      name += Number.isInteger(count) && count >= 0 && sizes[i]! >= 0 ? `[${count}]` : "[]";
    }
    return name;
  }

  /** Bytes of a type; 0 when its record does not say, as those of classes that are only declared. */
  private bytesOf(type: number): number {
    const types = this.types!;
    if (type < firstRecord) return simpleTypeBytes(type);
    for (let steps = 0, index = type; steps < depthMax; steps++) {
      const kind = index < firstRecord ? 0 : types.find(index);
      if (index < firstRecord) return simpleTypeBytes(index);
      if (types.end - types.at < 8) return 0;
      if (kind === leaf.pointer) return (word(types, 4) >>> 13) & 0x3f;
      if (kind === leaf.modifier || kind === leaf.enumeration) index = word(types, kind === leaf.modifier ? 0 : 4);
      else {
        const sizeAt = classSizeAt(types, kind);
        return sizeAt < 0 ? 0 : Math.max(0, numericValue(types.bytes, sizeAt));
      }
    }
    return 0;
  }

  /** The modifiers of what a `this` points to; -1 when it is no pointer to the class. */
  private thisPointee(thisType: number, owner: number): number {
    const types = this.types!;
    let kind = types.find(thisType);
    // `this` itself may be const.
    if (kind === leaf.modifier && types.end - types.at >= 6) kind = types.find(word(types, 0));
    if (kind !== leaf.pointer || types.end - types.at < 8) return -1;
    const pointee = word(types, 0);
    if (pointee === owner) return 0;
    if (types.find(pointee) !== leaf.modifier || types.end - types.at < 6) return -1;
    return word(types, 0) === owner ? half(types, 4) & (constFlag | volatileFlag) : -1;
  }

  private keep(type: number, name: string): string {
    // What was cut because of its depth may be whole elsewhere.
    if (this.depth > depthMax / 2) return name;
    this.keptLength += name.length + keptCost;
    if (this.keptLength > keptMax) {
      this.kept.clear();
      this.keptLength = name.length + keptCost;
    }
    this.kept.set(type, name);
    return name;
  }
}

/** Whether a name is in the linker's spelling, which says its parameters itself. */
function isMangled(name: string): boolean {
  return name.startsWith("?") || name.startsWith("_Z");
}

/** The last part of a name with scopes, with its template arguments. */
function lastName(name: string): string {
  let depth = 0;
  for (let at = name.length - 1; at > 0; at--) {
    if (name[at] === ">") depth++;
    else if (name[at] === "<") depth--;
    else if (depth === 0 && name[at] === ":" && name[at - 1] === ":") return name.slice(at + 1);
  }
  return name;
}

function isAnonymousNamespace(name: string): boolean {
  return /^\?A0x[0-9a-fA-F]+$/.test(name);
}

function qualifiers(flags: number): string {
  if ((flags & constFlag) === 0) return flags & volatileFlag ? "volatile" : "";
  return flags & volatileFlag ? "const volatile" : "const";
}

function cut(name: string): string {
  return name.length > textMax ? `${name.slice(0, textMax)}${unknown}` : name;
}
