// The whole engine: a dump and symbols in, a report in every print out. What is
// in the report is held by the suites of its rooms, by test/fixtures (gdb) and
// by test/peers; here are the promises that only the whole can break.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { walkMinidump, type EngineOptions } from "../../stackwalk/engine.ts";
import { machineText } from "../../stackwalk/machine-text.ts";
import { bytesSource } from "../../stackwalk/minidump/byte-source.ts";
import { readMinidump } from "../../stackwalk/minidump/minidump.ts";
import type { Minidump } from "../../stackwalk/minidump/model.ts";
import { reportJson } from "../../stackwalk/report-json.ts";
import { textReport } from "../../stackwalk/text-report.ts";
import { whyText } from "../../stackwalk/why-text.ts";
import { compiledSymbols } from "../peers/engine-walk.ts";
import { mutateDump, randomFrom } from "../support/minidump/mutation.ts";
import { buildMinidump, syntheticCrash } from "../support/minidump-builder.ts";
import { everything } from "./minidump/everything.ts";

const out = join(import.meta.dirname, "../../fixtures/out");
const RUNS = Number(process.env["DEADAIR_PROPERTY_RUNS"] ?? 1000);
/** Time that one dump may take; the machine may be busy, so that one that took longer is asked again. */
const MILLISECONDS_MAX = 250;

const options: EngineOptions = { maxFrames: 1024, maxThreads: 4096, why: false, symbols: () => "missing" };

function opened(bytes: Uint8Array): Minidump {
  const read = readMinidump(bytesSource(bytes));
  if (!read.ok) throw new Error(read.problem.message);
  return read.value;
}

describe("a walk", () => {
  it("asks for the symbols of modules that frames are in, once each, and lists those that are missing", () => {
    const asked: string[] = [];
    const bytes = syntheticCrash({
      module: "libGain.so",
      debugId: "11112222333344445555666677778888A",
      offset: 0x1234,
      callerModules: [
        { module: "libHost.so", debugId: "99992222333344445555666677778888B", offset: 0x500 },
        { module: "libGain.so", offset: 0x2000 },
      ],
      otherModules: [{ name: "libUnused.so", base: 0x5000_0000, debugId: "77772222333344445555666677778888C" }],
    });
    const { report, missing } = walkMinidump(opened(bytes), {
      ...options,
      symbols: ({ debugFile }) => {
        asked.push(debugFile!);
        return debugFile === "libHost.so" ? "corrupt" : "missing";
      },
    });
    expect(asked).toEqual(["libGain.so", "libHost.so"]);
    expect(missing.map(({ debugFile }) => debugFile)).toEqual(["libGain.so"]);
    expect(report.modules.map(({ filename, symbol_state: state }) => [filename, state])).toEqual([
      ["libGain.so", "missing"],
      ["libHost.so", "corrupt"],
      ["libUnused.so", "unused"],
    ]);
  });

  it("keeps the thread that crashed, whatever the limit of threads", () => {
    const stack = new Uint8Array(64);
    const threads = [1, 2, 3, 4].map((id) => ({ id, stackBase: 0x7000_0000 + id * 0x1000, stack, pc: 0x1000_1000 }));
    const dump = opened(buildMinidump({ modules: [{ name: "a", base: 0x1000_0000 }], threads, exception: { threadId: 4, code: 11, address: 0 } }));
    const { report } = walkMinidump(dump, { ...options, maxThreads: 2 });
    expect(report.threads.map(({ thread_id: id }) => id)).toEqual([1, 4]);
    expect(report.crash_info.crashing_thread).toBe(1);
    expect(report.thread_count).toBe(4);
  });

  it("leaves the writer's own thread without frames, and says why", () => {
    const stack = new Uint8Array(64);
    const threads = [1, 2].map((id) => ({ id, stackBase: 0x7000_0000 + id * 0x1000, stack, pc: 0x1000_1000 }));
    const dump = opened(buildMinidump({ modules: [{ name: "a", base: 0x1000_0000 }], threads, dumpThreadId: 2, exception: { threadId: 1, code: 11, address: 0 } }));
    const { report } = walkMinidump(dump, options);
    expect(report.threads.map(({ frame_count: count, stopped }) => [count, stopped])).toEqual([[1, "no_caller"], [0, "dump_writer"]]);
  });

  it("says of code in an unloaded module which one was there", () => {
    const threads = [{ id: 1, stackBase: 0x7000_0000, stack: new Uint8Array(64), pc: 0x2000_1234 }];
    const unloadedModules = [{ name: "Gone.vst3", base: 0x2000_0000 }, { name: "Gone.vst3", base: 0x2000_1000 }, { name: "Elsewhere.vst3", base: 0x3000_0000 }];
    const dump = opened(buildMinidump({ os: "windows", modules: [{ name: "a", base: 0x1000_0000 }], unloadedModules, threads, exception: { threadId: 1, code: 0xc0000005, address: 0 } }));
    expect(walkMinidump(dump, options).report.threads[0]?.frames[0]?.unloaded_modules).toEqual([{ module: "Gone.vst3", offsets: ["0x0000000000000234", "0x0000000000001234"] }]);
  });

  it("gives the same report twice", () => {
    const bytes = readFileSync(join(out, "dumps/1.4.2/crashpad-null-write.dmp"));
    const print = (): string => reportJson(walkMinidump(opened(bytes), options).report);
    expect(print()).toBe(print());
  });
});

describe(`${RUNS} damaged dumps`, () => {
  const halcyon = compiledSymbols(join(out, "sym/halcyon.so/A2935692699494EF8BC86F6E5537ABE20/halcyon.so.sym"));
  const seeds = [
    readFileSync(join(out, "dumps/1.4.2/crashpad-null-write.dmp")),
    readFileSync(join(out, "dumps/1.4.2/breakpad-stack-overflow.dmp")),
    readFileSync(join(out, "dumps/1.4.1/crashpad-worker-terminate.dmp")),
    buildMinidump(everything),
    buildMinidump({ ...everything, bigEndian: true }),
  ];

  function printAll(bytes: Uint8Array): number {
    const start = performance.now();
    const read = readMinidump(bytesSource(bytes));
    if (read.ok) {
      // Every module has the same symbols: rules that never fit make the oddest stacks.
      const { report, stacks } = walkMinidump(read.value, { ...options, why: true, symbols: () => halcyon });
      JSON.parse(reportJson(report));
      machineText(report);
      textReport(report);
      whyText(report, stacks);
    }
    return performance.now() - start;
  }

  it("are walked and printed without a throw, and soon", { timeout: 60_000 + RUNS * 50 }, () => {
    const random = randomFrom(3);
    for (let run = 0; run < RUNS; run++) {
      const bytes = mutateDump(seeds[run % seeds.length]!, random);
      let took = printAll(bytes);
      for (let again = 0; took > MILLISECONDS_MAX && again < 2; again++) took = printAll(bytes);
      expect(took, `run ${run}`).toBeLessThanOrEqual(MILLISECONDS_MAX);
    }
  });
});
