// iced-x86, the decoder of x86 and amd64 instructions: complete, exact, and
// 1.7 MB of JavaScript and WebAssembly. It is loaded when the first dump with
// bytes at its instruction pointer comes, and costs that dump about 30 ms once
// per process or thread; dumps without code bytes never pay.
import { createRequire } from "node:module";
import type * as IcedModule from "iced-x86";

/** The decoder's module. */
export type Iced = typeof IcedModule;

let loaded: Iced | null = null;

/** The decoder, loaded at the first call. */
export function iced(): Iced {
  loaded ??= createRequire(import.meta.url)("iced-x86") as Iced;
  return loaded;
}
