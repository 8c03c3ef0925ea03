// Real dumps, read whole, against the raw fields that the shipped Breakpad's
// minidump_dump prints of them. What is compared is counted.
import { execFileSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bytesSource } from "../../../stackwalk/minidump/byte-source.ts";
import { readMinidump } from "../../../stackwalk/minidump/minidump.ts";
import type { Minidump } from "../../../stackwalk/minidump/model.ts";
import { registerFiles } from "../../../symbols/registers.ts";
import { drained } from "./everything.ts";

const corpus = join(import.meta.dirname, "../../../../shared/corpus");
const dumper = join(import.meta.dirname, "../../../node_modules/minidump/bin", `${process.platform}-${process.arch}`, "minidump_dump");
const absent = !existsSync(corpus);
const dumps = absent ? [] : globSync("**/*.dmp", { cwd: corpus }).sort();

function opened(path: string): Minidump | null {
  const result = readMinidump(bytesSource(readFileSync(join(corpus, path))));
  return result.ok ? result.value : null;
}

/** What minidump_dump prints; it ends with an error for streams that it does not know. */
function printed(path: string): string {
  try {
    return execFileSync(dumper, [join(corpus, path)], { maxBuffer: 1e9, stdio: ["ignore", "pipe", "ignore"], encoding: "latin1" });
  } catch (error) {
    return String((error as { stdout?: unknown }).stdout ?? "");
  }
}

/** Fields by name out of one printed record, the first of a name. */
function fieldsOf(text: string): Map<string, bigint> {
  const fields = new Map<string, bigint>();
  for (const [, name = "", value = ""] of text.matchAll(/^ +([\w.[\]]+) += (0x[0-9a-f]+)/gm)) if (!fields.has(name)) fields.set(name, BigInt(value));
  return fields;
}

/** Pairs of what they print and what we read of each thread, with a label. */
function threadPairs(dump: Minidump, text: string): [string, bigint | undefined, bigint][] {
  const blocks = text.split(/^thread\[\d+\]$/m).slice(1).map((block) => block.split(/^(?:Stack|module\[)/m)[0] ?? "");
  return dump.threads.flatMap((thread, i) => {
    const fields = fieldsOf(blocks[i] ?? "");
    const pairs: [string, bigint | undefined, bigint][] = [
      ["thread_id", fields.get("thread_id"), BigInt(thread.id)],
      ["teb", fields.get("teb"), BigInt(thread.teb)],
      ["stack", fields.get("stack.start_of_memory_range"), BigInt(thread.stackStart)],
    ];
    const context = thread.context();
    if (!context) return pairs;
    const { names } = registerFiles[context.arch];
    // Their names of fp, lr and sp of the two ARMs are numbers; those are left to the table of contexts.
    return [...pairs, ...names.filter((name) => fields.has(name)).map((name): [string, bigint | undefined, bigint] => {
      const k = names.indexOf(name);
      return [name, fields.get(name), (BigInt(context.words[2 * k + 1]!) << 32n) | BigInt(context.words[2 * k]!)];
    })];
  });
}

describe("the corpus' dumps", () => {
  it.skipIf(absent)("are read whole, and all their threads have registers", () => {
    let read = 0;
    for (const path of dumps) {
      const dump = opened(path);
      if (!dump || dump.threads.length === 0) continue;
      drained(dump);
      const strangers = dump.threads.filter((thread) => thread.context() === null);
      expect([path, strangers.length]).toEqual([path, 0]);
      read++;
    }
    expect(read).toBeGreaterThanOrEqual(46);
  });

  it.skipIf(absent || !existsSync(dumper))("have the threads, registers and memory that Breakpad prints", { timeout: 120_000 }, () => {
    let compared = 0;
    for (const path of dumps) {
      const dump = opened(path);
      if (!dump) continue;
      const text = printed(path);
      for (const [label, theirs, ours] of threadPairs(dump, text)) {
        expect([path, label, theirs]).toEqual([path, label, ours]);
        compared++;
      }
      for (const [, base, size] of text.matchAll(/^ +start_of_memory_range = (0x[0-9a-f]+)\n +memory.data_size += (0x[0-9a-f]+)/gm)) {
        expect([path, base, dump.memory.at(Number(base)) !== null, dump.memory.at(Number(base) + Number(size) - 1) !== null]).toEqual([path, base, true, true]);
        compared++;
      }
      for (const [, base, size] of text.matchAll(/^MDRawMemoryInfo\n +base_address += (0x[0-9a-f]+)\n[^]*?region_size += (0x[0-9a-f]+)/gm)) {
        const range = dump.addressSpace?.at(Number(base));
        expect([path, range?.base, range?.size]).toEqual([path, Number(base), Number(size)]);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(6000);
  });
});
