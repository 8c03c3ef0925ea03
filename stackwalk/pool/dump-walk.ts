// One walk as everybody does it, in a thread of the pool, in a process of its
// own or on the command line: open the dump, say which symbols it could need,
// walk it with those that are there.
import { closeSync, openSync } from "node:fs";
import { walkMinidump, type EngineWalk } from "../engine.ts";
import type { SymbolAnswer } from "../engine/module-states.ts";
import { dumpFileSource } from "../minidump/byte-source.ts";
import { readMinidump } from "../minidump/minidump.ts";
import type { Minidump } from "../minidump/model.ts";
import type { SymbolKey, WalkFailure } from "../stackwalker.ts";
import { keyName, symbolKey } from "../symbol-key.ts";

/** What is kept of a walk, and whether frames say why they are there. */
export type DumpWalkOptions = { readonly maxFrames: number; readonly maxThreads: number; readonly why: boolean };

/** A dump that can be walked until it is closed. */
export type WalkableDump = {
  /** Keys of all modules that can be looked up, each once. */
  readonly keys: readonly SymbolKey[];
  /** Walks it. `symbols` answers for a key by its index; it is asked once at most for each, and only for modules that frames are in. */
  walk(options: DumpWalkOptions, symbols: (key: number) => SymbolAnswer): EngineWalk;
  close(): void;
};

/** Opens a dump; fails with `not_a_minidump`, `truncated` or `no_threads`. Throws what `fs` throws. */
export function openDump(path: string): { readonly ok: true; readonly dump: WalkableDump } | { readonly ok: false; readonly failure: WalkFailure } {
  const fd = openSync(path, "r");
  let opened = false;
  try {
    const read = readMinidump(dumpFileSource(fd));
    if (!read.ok) {
      const { code, message, hint } = read.problem;
      return failed(code === "truncated_minidump" ? "truncated" : "not_a_minidump", `${message} ${hint}`);
    }
    if (read.value.threads.length === 0) return failed("no_threads", "The minidump lists no threads, so there is no stack to walk.");
    opened = true;
    return { ok: true, dump: walkable(read.value, fd) };
  } finally {
    if (!opened) closeSync(fd);
  }
}

function walkable(dump: Minidump, fd: number): WalkableDump {
  const keys: SymbolKey[] = [];
  const indexes = new Map<string, number>();
  for (const module of dump.modules) {
    const key = symbolKey(module);
    const name = key === null ? "" : keyName(key);
    if (key === null || indexes.has(name)) continue;
    indexes.set(name, keys.length);
    keys.push(key);
  }
  return {
    keys,
    walk(options, symbols) {
      // Several modules may share a key, as a library that is loaded twice does.
      const answers = new Map<number, SymbolAnswer>();
      return walkMinidump(dump, {
        ...options,
        symbols(key) {
          const index = indexes.get(keyName(key))!;
          const answer = answers.get(index) ?? symbols(index);
          answers.set(index, answer);
          return answer;
        },
      });
    },
    close: () => closeSync(fd),
  };
}

function failed(code: string, message: string): { readonly ok: false; readonly failure: WalkFailure } {
  return { ok: false, failure: { code, message } };
}
