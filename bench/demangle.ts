// npm run bench -- demangle [FILE]
//
// Names demangled a second, against binutils' `c++filt` on the same names in the
// same run, by turns (A B A B): the C++ names of FILE (a library or a program),
// without one those of this Node itself, which has some 100,000. c++filt's time
// holds its start and its pipes, some milliseconds; the share of names that both
// spell alike is printed too.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { demangle } from "../symbols/demangle/demangle.ts";

const ROUNDS = 7;
const file = process.argv[2] ?? process.execPath;
// A file is larger than the longest string.
const names = new Set<string>();
const bytes = readFileSync(file);
const PIECE = 1 << 26;
for (let at = 0; at < bytes.length; at += PIECE) for (const name of bytes.subarray(at, at + PIECE + 65_536).toString("latin1").match(/_Z[A-Z][\w.$]+(?=\0)/g) ?? []) names.add(name);
const list = [...names];
const input = `${list.join("\n")}\n`;

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

let ours: (string | null)[] = [];
let theirs: string[] = [];
const rates: { ours: number; theirs: number }[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const began = performance.now();
  ours = list.map(demangle);
  const between = performance.now();
  theirs = execFileSync("c++filt", ["-i", "-n"], { input, maxBuffer: 1 << 30 }).toString().split("\n");
  const ended = performance.now();
  rates.push({ ours: (list.length / (between - began)) * 1000, theirs: (list.length / (ended - between)) * 1000 });
}
const alike = list.filter((name, i) => (ours[i] ?? name) === theirs[i]).length;
const thousands = (rate: number) => `${(rate / 1000).toFixed(0)} k names/s`;
process.stdout.write(
  `${list.length} names of ${file}\n` +
    `deadair ${thousands(median(rates.map((rate) => rate.ours)))}, c++filt ${thousands(median(rates.map((rate) => rate.theirs)))}, median ratio ${median(rates.map((rate) => rate.ours / rate.theirs)).toFixed(2)} of ${ROUNDS} rounds\n` +
    `${((alike / list.length) * 100).toFixed(3)} % spelled alike\n`,
);
