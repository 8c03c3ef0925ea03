// How far the reading of large debug files is.
import { describe, expect, test } from "vitest";
import { readingProgress } from "../../bin/reading-progress.ts";
import { bytesOf } from "../../symbols/file-bytes.ts";
import { compileBytes } from "../../symbols/compile.ts";
import { readFileSync } from "node:fs";
import path from "node:path";

describe("the line about reading", () => {
  test("comes after a while, not too often, and goes", () => {
    const drawn: string[] = [];
    let time = 0;
    const progress = readingProgress((line) => void drawn.push(line), () => time)!;
    // The file was read before anybody could wonder.
    progress.report(1, 10);
    for (time = 500; time < 900; time += 50) progress.report(time / 100, 10);
    progress.end();
    expect(drawn).toEqual(["reading debug information: 50 %", "reading debug information: 60 %", "reading debug information: 70 %", "reading debug information: 80 %", ""]);
  });

  test("is not drawn for what takes no time, nor cleared", () => {
    const drawn: string[] = [];
    const progress = readingProgress((line) => void drawn.push(line), () => 0)!;
    progress.report(1, 2);
    progress.end();
    expect(drawn).toEqual([]);
  });

  test("is not there where nobody watches", () => {
    expect(readingProgress(undefined)).toBeNull();
  });
});

test.each(["1.4.2/halcyon.lv2/halcyon.so.debug", "windows/x64/Halcyon.pdb"])("compiling %s tells how far it is, from the first part on", (name) => {
  const heard: [number, number][] = [];
  compileBytes([bytesOf(readFileSync(path.join(import.meta.dirname, "../../fixtures/out", name)))], "", (done, total) => heard.push([done, total]));
  expect(heard.length).toBeGreaterThan(0);
  for (const [i, [done, total]] of heard.entries()) {
    expect(done).toBeLessThan(total);
    expect(done).toBeGreaterThanOrEqual(i === 0 ? 0 : heard[i - 1]![0]);
  }
});
