// Crashes of CrashProbe on iPhones, as Sentry got them: raw addresses, with the names
// that the devices knew, which are those of the nearest export. The dSYMs know better.
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { SymbolCache } from "../../symbols/cache/symbol-cache.ts";
import { emptyPlace } from "../symbols/cache/cached-symbols.ts";
import { corpusFile, corpusNote, hasCorpus, symbolsOf } from "./corpus.ts";

const folder = "getsentry+symbolic/py/tests/res/ext/1.4.1/release";

type Frame = { readonly image_addr: string; readonly instruction_addr: string; readonly symbol_addr?: string; readonly function?: string };
type Event = {
  readonly threads: { readonly values: readonly { readonly stacktrace?: { readonly frames: readonly Frame[] } }[] };
  readonly debug_meta: { readonly images: readonly { readonly image_addr: string; readonly uuid: string }[] };
};

describe.skipIf(!hasCorpus)(`crashes on devices${corpusNote}`, () => {
  it("have a name for every frame, and the device's where the device was right", () => {
    const dsyms = new Map(globSync("dSYMs/*.dSYM", { cwd: corpusFile(folder) }).map((dsym) => [path.basename(dsym, ".dSYM"), `${folder}/${dsym}`]));
    const opened = new Map<string, SymbolCache>();
    const place = emptyPlace();
    const named = new Map<string, number>();
    const wrong: string[] = [];
    let right = 0;
    for (const file of globSync("{arm64,armv7}/*.json", { cwd: corpusFile(folder) })) {
      const event = JSON.parse(readFileSync(corpusFile(`${folder}/${file}`), "utf8")) as Event;
      for (const frame of event.threads.values.flatMap(({ stacktrace }) => stacktrace?.frames ?? [])) {
        const dsym = dsyms.get(event.debug_meta.images.find((image) => image.image_addr === frame.image_addr)?.uuid.toUpperCase() ?? "");
        if (dsym === undefined) continue;
        const cache = opened.get(dsym) ?? symbolsOf([dsym]);
        opened.set(dsym, cache);
        const base = Number(frame.image_addr);
        if (!cache.lookUp(Number(frame.instruction_addr) - base, place)) wrong.push(`${file} ${frame.instruction_addr}`);
        named.set(place.name, (named.get(place.name) ?? 0) + 1);
        if (Number(frame.symbol_addr) - base !== place.start) continue;
        if (frame.function === place.name) right++;
        else wrong.push(`${file} ${frame.function} ${place.name}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(right).toBe(4);
    expect(Object.fromEntries([...named].sort(([a], [b]) => (a < b ? -1 : 1)))).toMatchInlineSnapshot(`
      {
        "-[CRLCrashAsyncSafeThread crash]": 2,
        "-[CRLCrashCorruptMalloc category]": 2,
        "-[CRLCrashCorruptMalloc crash]": 2,
        "-[CRLCrashCorruptObjC crash]": 2,
        "-[CRLCrashGarbage crash]": 3,
        "-[CRLCrashNSLog category]": 2,
        "-[CRLCrashNXPage crash]": 2,
        "-[CRLCrashOverwriteLinkRegister crash]": 4,
        "-[CRLCrashPrivInst crash]": 2,
        "-[CRLCrashTrap crash]": 2,
        "-[CRLCrashUndefInst crash]": 2,
        "-[CRLDetailViewController doCrash]": 24,
        "CRLFramelessDWARF_test": 2,
        "CRLFramelessDWARF_test_crash": 2,
        "crash": 2,
        "handleExceptions": 31,
        "main": 24,
        "monitorCachedData": 26,
      }
    `);
  });
});
