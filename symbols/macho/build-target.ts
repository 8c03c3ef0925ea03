// What a file was built for and with: LC_BUILD_VERSION, or the older
// LC_VERSION_MIN_… that had a command for each system.
import { command } from "./codes.ts";
import type { HeaderBytes } from "./header-bytes.ts";

/** A system that a file runs on, and what linked it for that. */
export type BuildTarget = {
  /** For people, with its lowest version: `macOS 11.0`. */
  readonly platform: string;
  /** As dump_syms names it: all but Macs are `ios`. */
  readonly os: "mac" | "ios";
  /** Version of the headers that it was built with; null where nothing says it. */
  readonly sdk: string | null;
  /** The linker, with its version; null where nothing says it. */
  readonly linker: string | null;
};

/** Platforms by number (<mach-o/loader.h>). */
const platforms: readonly string[] = ["", "macOS", "iOS", "tvOS", "watchOS", "bridgeOS", "Mac Catalyst", "iOS Simulator", "tvOS Simulator", "watchOS Simulator", "DriverKit", "visionOS", "visionOS Simulator"];
/** Those whose programs run on Macs beside all others. */
const macPlatforms = new Set(["macOS", "Mac Catalyst", "DriverKit"]);
/** Tools by number; compilers are left out, since they say more of themselves in DWARF. */
const linkers: { readonly [tool: number]: string } = { 3: "ld", 4: "lld", 1024: "ld" };
/** Tools of one file that are looked at. */
const toolsMax = 16;

const minimumPlatforms: { readonly [command: number]: number } = { [command.minimumMac]: 1, [command.minimumIphone]: 2, [command.minimumTv]: 3, [command.minimumWatch]: 4 };

/** Reads such a command; null for another, and one that is too short. */
export function readBuildTarget(kind: number, body: HeaderBytes): BuildTarget | null {
  const minimum = minimumPlatforms[kind];
  if (minimum !== undefined) return body.size < 16 ? null : target(minimum, body.u32(8), body.u32(12), null);
  if (kind !== command.buildVersion || body.size < 24) return null;
  const tools = Math.min(body.u32(20), toolsMax, Math.floor((body.size - 24) / 8));
  let linker: string | null = null;
  for (let i = 0; i < tools; i++) {
    const name = linkers[body.u32(24 + i * 8)];
    if (name !== undefined) linker ??= `${name} ${version(body.u32(28 + i * 8))}`;
  }
  return target(body.u32(8), body.u32(12), body.u32(16), linker);
}

function target(platform: number, minimum: number, sdk: number, linker: string | null): BuildTarget {
  const name = platforms[platform] || `platform ${platform}`;
  return { platform: `${name} ${version(minimum)}`, os: macPlatforms.has(name) ? "mac" : "ios", sdk: sdk === 0 ? null : version(sdk), linker };
}

/** A version in 16, 8 and 8 bits; the last is left out when it is 0. */
function version(packed: number): string {
  const patch = packed & 0xff;
  return `${packed >>> 16}.${(packed >>> 8) & 0xff}${patch === 0 ? "" : `.${patch}`}`;
}
