// When two paths of source files name the same file. A build writes one path
// into debug information, and whoever bundles the sources may write it with
// other separators (`C:\a/b.cpp`) or without its detours (`/a/../b.cpp`).
//
// No more than that is forgiven. A path that only ends alike, or, where case
// counts, differs in case, may be another file, and the lines of a wrong file
// are worse than none.

/** A path with `/` for all separators, and without `.`, `..` and empty folders. */
export function plainPath(path: string): string {
  const kept: string[] = [];
  for (const part of path.split(/[/\\]+/)) {
    if (part === ".") continue;
    if (part === ".." && kept.length > 0 && kept.at(-1) !== ".." && kept.at(-1) !== "") kept.pop();
    else kept.push(part);
  }
  return kept.join("/");
}

/** Whether case does not count in a path: it begins with a drive, or is separated as on Windows. */
export function isWindowsPath(path: string): boolean {
  return /^[A-Za-z]:|\\/.test(path);
}

/** Of some files the one that a path names: the one with just this path, else the only one with the same plain path. Null when there is none, or more than one that may be meant. */
export function fileAtPath<File extends { readonly path: string }>(files: Iterable<File>, path: string): File | null {
  const isSame = isWindowsPath(path) ? (one: string, other: string) => one.toLowerCase() === other.toLowerCase() : (one: string, other: string) => one === other;
  const plain = plainPath(path);
  const end = plain.slice(plain.lastIndexOf("/") + 1);
  let found: File | null = null;
  let others = 0;
  for (const file of files) {
    if (file.path === path) return file;
    // Few files are called alike, and making a path plain takes time.
    if (!isSame(file.path.slice(-end.length), end) || !isSame(plainPath(file.path), plain)) continue;
    found ??= file;
    if (file.path !== found.path) others++;
  }
  return others === 0 ? found : null;
}
