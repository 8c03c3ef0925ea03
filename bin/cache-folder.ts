// Where the command line keeps compiled symbols: in the user's own cache
// folder, as the platform has it. Everything in it can be made again.
import { homedir } from "node:os";
import { join } from "node:path";

/** The folder of compiled symbols for commands that use no data folder. */
export function userSymbolCache(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): string {
  return join(cacheHome(env, platform), "deadair", "symbols");
}

function cacheHome(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  // An XDG path that is not absolute must be ignored (XDG Base Directory Specification).
  if (env["XDG_CACHE_HOME"]?.startsWith("/")) return env["XDG_CACHE_HOME"];
  if (platform === "darwin") return join(homedir(), "Library", "Caches");
  if (platform === "win32") return env["LOCALAPPDATA"] || join(homedir(), "AppData", "Local");
  return join(homedir(), ".cache");
}
