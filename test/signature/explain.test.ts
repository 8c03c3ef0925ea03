// The command `signature explain`, run in this process with its output caught.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { signatureExplain } from "../../bin/commands/signature-explain.ts";
import { sign } from "../../signature/signature.ts";
import { crash, frameOf, inlineOf } from "./crash.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "explain-"));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

async function run(args: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: "", err: "" };
  const out = vi.spyOn(process.stdout, "write").mockImplementation((chunk) => ((said.out += String(chunk)), true));
  const err = vi.spyOn(process.stderr, "write").mockImplementation((chunk) => ((said.err += String(chunk)), true));
  try {
    return { code: await signatureExplain(args), ...said };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}

function file(content: unknown): string {
  const to = path.join(folder, `${Math.random()}.json`);
  fs.writeFileSync(to, typeof content === "string" ? content : JSON.stringify(content));
  return to;
}

describe("signature explain", () => {
  const report = crash(
    ["raise", "_sigtramp", { ...frameOf("reaper!free"), inlines: [inlineOf("juce::Array<int>::clear()")] }, "delay.vst3!Delay::~Delay()", "main"],
    { type: "EXCEPTION_STACK_OVERFLOW" },
  );

  it("prints a table, notes and the result", async () => {
    const { code, out } = await run([file(report)]);
    expect(code).toBe(0);
    expect(out.replaceAll(/(\.txt):\d+/g, "$1:N ").replaceAll(/ {2,}/g, "  ").replace(/[0-9a-f]{64}/, "HASH")).toBe(`reason  EXCEPTION_STACK_OVERFLOW
thread  0

frame  verdict  decided by  name
0  dropped, above sentinel  sentinels.txt:N  raise
1  SENTINEL, stack starts here, itself irrelevant  sentinels.txt:N  _sigtramp
2.0 inlined  USED, goes on  prefix.txt:N  juce::Array<T>::clear
2  USED, goes on  prefix.txt:N  free
3  USED, stops here  Delay::~Delay
4  not reached  main

notes
  stack-overflow: "juce::Array<T>::clear | free | Delay::~Delay" -> "stackoverflow | juce::Array<T>::clear | free | Delay::~Delay"

signature  stackoverflow | juce::Array<T>::clear | free | Delay::~Delay
fingerprint  HASH (version 1)
`);
  });

  it("prints the whole signature as JSON", async () => {
    const { code, out } = await run([file(report), "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual(JSON.parse(JSON.stringify(sign(report))));
  });

  it("reads a report that lacks most fields", async () => {
    const { code, out } = await run([file({ threads: [{ frames: [{ module: "a.so" }, 5, null] }] })]);
    expect(code).toBe(0);
    expect(out).toContain("signature    a.so\n");
  });

  it("tells of a stack longer than it looks at", async () => {
    const { out } = await run([file(crash(Array.from({ length: 50 }, () => "raise")))]);
    expect(out).toContain("10 more frames are not considered");
  });

  it("tells when there are no frames", async () => {
    const { out } = await run([file(crash([]))]);
    expect(out).toContain("no frames\n");
  });

  it.each([
    ["no file", [], 2, "usage: deadair signature explain"],
    ["two files", ["a", "b"], 2, "usage: deadair signature explain"],
    ["an unknown flag", ["--yaml"], 2, "usage: deadair signature explain"],
    ["a file that is not there", [path.join(folder, "none.json")], 1, "cannot read"],
  ])("refuses %s", async (_, args, expected, message) => {
    const { code, err, out } = await run(args);
    expect(code).toBe(expected);
    expect(err).toContain(message);
    expect(out).toBe("");
  });

  it.each([
    ["text", "MDMP", "not JSON"],
    ["other JSON", "[]", "no list `threads`"],
    ["threads that are none", { threads: {} }, "no list `threads`"],
  ])("refuses %s", async (_, content, message) => {
    const { code, err } = await run([file(content)]);
    expect(code).toBe(1);
    expect(err).toContain(message);
  });
});
