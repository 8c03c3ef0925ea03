// Crashes Halcyon, its neighbour or the host itself in rackhost, our own host
// (fixtures/host), with the Crashpad handler of Debian's chromium. Unlike in
// lv2bench there are a UI thread and an audio thread with names, and another
// vendor's plugin in the process.

import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";

import { armRack, crashpadHandler } from "../../../fixtures/rack.ts";
import { runClean } from "../../../fixtures/run-clean.ts";
import { type CrashOutcome, type CrashRequest, fixturesOut, withCrashpad } from "./crashpad-run.ts";
import { missingPrograms } from "./programs.ts";

/** Why a crash in rackhost cannot be had here, or null. */
export function available(): string | null {
  return missingPrograms({ [crashpadHandler]: "apt: chromium", [join(fixturesOut, "rackhost")]: "npm run fixtures" });
}

/** Crashes in rackhost; resolves when the handler has uploaded the dump, or has given up. */
export function crashInOwnHost(request: CrashRequest): Promise<CrashOutcome> {
  const { version = "1.4.2", timeoutMs = 60_000 } = request;
  return withCrashpad(request, async (scratch, settings) => {
    const rack = join(scratch, "rack");
    await mkdir(rack);
    await copyFile(join(fixturesOut, "rackhost"), join(rack, "rackhost"));
    await copyFile(join(fixturesOut, version, "halcyon.lv2", "halcyon.so"), join(rack, "halcyon.so"));
    await copyFile(join(fixturesOut, "tidewater.so"), join(rack, "tidewater.so"));
    const args = await armRack(rack, settings);
    return runClean(join(rack, "rackhost"), [...args, join(rack, "halcyon.so"), join(rack, "tidewater.so")], { cwd: scratch, timeoutMs });
  });
}
