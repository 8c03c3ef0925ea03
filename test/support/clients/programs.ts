// Whether the programs that a real client needs are on this machine.

import { accessSync, constants } from "node:fs";

/** Why the helper that needs `paths` cannot run here, or null when it can. */
export function missingPrograms(paths: Readonly<Record<string, string>>): string | null {
  if (process.platform !== "linux" || process.arch !== "x64") return `the fixtures run on linux x64, and this is ${process.platform} ${process.arch}`;
  const missing = Object.entries(paths).filter(([path]) => !isExecutable(path));
  if (missing.length === 0) return null;
  return missing.map(([path, source]) => `${path} is missing (${source})`).join("; ");
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
