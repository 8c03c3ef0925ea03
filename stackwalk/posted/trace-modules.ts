// The modules that a posted stack trace speaks of, and the names of the
// addresses asked of each.
import { baseName } from "../minidump/module-list.ts";
import type { SymbolState } from "../report.ts";
import type { MissingSymbols, SymbolKey, SymbolSource } from "../stackwalker.ts";
import { symbolKey } from "../symbol-key.ts";
import type { AddressName } from "./address-names.ts";
import type { PostedFrame, PostedModule } from "./posted-trace.ts";

/** A module while its symbols are looked for. */
export type TraceModule = {
  /** The facts as they were posted. */
  readonly module: PostedModule;
  /** What is known of its symbols so far. */
  state: SymbolState;
  /** Addresses to look up, and what was found for each. */
  readonly names: Map<number, AddressName | null>;
};

/** The modules of a trace: those it lists, then those only its frames name. */
export class TraceModules {
  readonly all: TraceModule[] = [];
  private readonly byId = new Map<string, TraceModule>();
  /** By lower-case base name; null where two modules share it. */
  private readonly byName = new Map<string, TraceModule | null>();

  constructor(modules: readonly PostedModule[]) {
    for (const module of modules) {
      const known = module.debug_id === null ? undefined : this.byId.get(module.debug_id);
      if (known === undefined) this.add(module);
    }
  }

  /** The module of a frame: by debug id; without one, by its name in the list. */
  of(frame: PostedFrame): TraceModule | null {
    const name = frame.module ?? frame.debug_file;
    if (frame.debug_id !== null) {
      return this.byId.get(frame.debug_id) ?? this.add({ code_file: name, debug_file: frame.debug_file ?? frame.module, debug_id: frame.debug_id, code_id: frame.code_id, version: null, base_addr: null, size: null });
    }
    if (name === null) return null;
    const known = this.byName.get(baseName(name).toLowerCase());
    if (known !== undefined) return known;
    return this.add({ code_file: name, debug_file: null, debug_id: null, code_id: frame.code_id, version: null, base_addr: null, size: null });
  }

  private add(module: PostedModule): TraceModule {
    const entry: TraceModule = { module, state: module.debug_id === null ? "no_debug_id" : "unused", names: new Map() };
    this.all.push(entry);
    if (module.debug_id !== null) this.byId.set(module.debug_id, entry);
    for (const name of new Set([module.code_file, module.debug_file].filter((file) => file !== null).map((file) => baseName(file).toLowerCase()))) {
      this.byName.set(name, this.byName.has(name) ? null : entry);
    }
    return entry;
  }
}

/** Names addresses of a module by the paths of its debug files; null when those are no good. Rejects when the file system fails. */
export type NameAddresses = (paths: readonly string[], addresses: readonly number[]) => Promise<readonly (AddressName | null)[] | null>;

/** Looks up all addresses, a module at a time; returns the modules whose symbols lack something. */
export async function nameAll(entries: readonly TraceModule[], source: SymbolSource, names: NameAddresses): Promise<MissingSymbols[]> {
  const wanted = entries.flatMap((entry) => {
    const key = entry.names.size === 0 ? null : keyOf(entry.module);
    return key === null ? [] : [{ entry, key }];
  });
  const located = await source.locate(wanted.map(({ key }) => key));
  const missing: MissingSymbols[] = [];
  for (const [i, { entry, key }] of wanted.entries()) {
    const paths = located[i] ?? null;
    if (paths === null) {
      entry.state = "missing";
      missing.push({ ...key, lacks: "all" });
      continue;
    }
    const addresses = [...entry.names.keys()];
    const found = await names(paths, addresses);
    entry.state = found === null ? "corrupt" : "loaded";
    if (found === null) continue;
    for (const [j, address] of addresses.entries()) entry.names.set(address, found[j] ?? null);
    if (found.every((name) => name === null || name.file === null || name.isProvisional)) missing.push({ ...key, lacks: "names" });
  }
  return missing;
}

function keyOf(module: PostedModule): SymbolKey | null {
  return symbolKey({ codeFile: module.code_file ?? module.debug_file ?? "", codeId: module.code_id, debugFile: module.debug_file ?? module.code_file, debugId: module.debug_id });
}

/** Where a frame is looked up: callers inside their call instruction. */
export function lookupOffset(frame: PostedFrame, index: number): number {
  const offset = frame.offset ?? 0;
  return index === 0 || frame.adjusted ? offset : Math.max(0, offset - 1);
}
