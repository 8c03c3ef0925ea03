// Crashes Halcyon in lv2bench, a host that is not ours (Debian: lilv-utils),
// with the Crashpad handler of Debian's chromium. The host needs no sound card.
//
// lv2bench makes the plugin on its main thread and runs it there too: kinds
// that crash "on the audio thread" do so on a thread named lv2bench. Kinds whose
// culprit is tidewater or rackhost do not exist here.

import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";

import { caseOf } from "../../../fixtures/cases.ts";
import { armRack, crashpadHandler } from "../../../fixtures/rack.ts";
import { runClean } from "../../../fixtures/run-clean.ts";
import { type CrashOutcome, type CrashRequest, fixturesOut, withCrashpad } from "./crashpad-run.ts";
import { missingPrograms } from "./programs.ts";

const lv2bench = "/usr/bin/lv2bench";
const pluginUri = "https://deadair.example/plugins/halcyon";
const bundleFiles = ["halcyon.so", "halcyon.ttl", "manifest.ttl"];

/** Why a crash in lv2bench cannot be had here, or null. */
export function available(): string | null {
  return missingPrograms({ [lv2bench]: "apt: lilv-utils", [crashpadHandler]: "apt: chromium" });
}

/** Crashes Halcyon in lv2bench; resolves when the handler has uploaded the dump, or has given up. */
export function crashInLv2bench(request: CrashRequest): Promise<CrashOutcome> {
  const { kind, version = "1.4.2", timeoutMs = 60_000 } = request;
  const { culprit } = caseOf(kind);
  if (culprit !== "halcyon") throw new Error(`${kind} happens in ${culprit}, which lv2bench does not load`);
  return withCrashpad(request, async (scratch, settings) => {
    const bundle = join(scratch, "lv2", "halcyon.lv2");
    await mkdir(bundle, { recursive: true });
    for (const name of bundleFiles) await copyFile(join(fixturesOut, version, "halcyon.lv2", name), join(bundle, name));
    await armRack(bundle, settings);
    return runClean(lv2bench, [pluginUri], { env: { LV2_PATH: join(scratch, "lv2") }, cwd: scratch, timeoutMs });
  });
}
