// What a walk sees of the dead process. The engine fills it from a dump and
// its symbols; tests fill it by hand.
import type { Arch } from "../../symbols/registers.ts";
import type { ModuleSymbols } from "../../symbols/cache/module-symbols.ts";
import type { AddressSpace, DumpMemory } from "../minidump/model.ts";
import type { ModuleMap } from "./module-map.ts";

/** The dead process, as all of its threads share it. */
export type ProcessView = {
  readonly arch: Arch;
  /** Operating system as `SystemInfo.os` names it: `windows`, `mac`, `ios`, `linux`, `android` and so on. */
  readonly os: string;
  readonly modules: ModuleMap;
  /** The symbols of a module by its index in the dump's list; null when there are none. Asked for each frame, so the answer should be kept. */
  symbols(moduleIndex: number): ModuleSymbols | null;
  readonly memory: DumpMemory;
  readonly addressSpace: AddressSpace | null;
  /** The address that the crash could not access; null where it was none, or it does not say. */
  readonly faultAddress: number | null;
  /** Bytes of code at an address, exactly `length` of them; null when they are not known. */
  code(address: number, length: number): Uint8Array | null;
};
