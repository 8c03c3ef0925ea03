// The two long lists of Windows codes: NTSTATUS (ntstatus.h) and the errors of
// winerror.h, in the text files beside this one, a hexadecimal number and its
// name a line. They are read on the first Windows dump and not before: 5,800
// lines would cost every other start a millisecond.
//
// To bring them up to date: take the `#define`s of `ERROR_*`, `RPC_S_*`,
// `RPC_X_*` (winerror.h) and of type NTSTATUS (ntstatus.h) of a newer Windows
// SDK, one name per number, sorted by number. Checked against mingw-w64's
// headers: a test does so where Debian's mingw-w64-common is installed.
import { readFileSync } from "node:fs";

/** Names by number. */
export type CodeList = ReadonlyMap<number, string>;

const lists = new Map<string, CodeList>();

/** Name of an NTSTATUS; undefined for a number that ntstatus.h does not define. */
export function ntStatusName(code: number): string | undefined {
  return list("ntstatus.txt").get(code >>> 0);
}

/** Name of an error of winerror.h, `ERROR_*` or `RPC_*`; undefined for any other number. */
export function winErrorName(code: number): string | undefined {
  return list("winerror.txt").get(code >>> 0);
}

function list(file: "ntstatus.txt" | "winerror.txt"): CodeList {
  const known = lists.get(file);
  if (known) return known;
  const names = new Map<number, string>();
  for (const line of readFileSync(new URL(file, import.meta.url), "latin1").split("\n")) {
    const gap = line.indexOf(" ");
    if (gap > 0) names.set(Number.parseInt(line.slice(0, gap), 16), line.slice(gap + 1));
  }
  lists.set(file, names);
  return names;
}
