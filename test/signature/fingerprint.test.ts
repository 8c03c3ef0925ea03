// Which crashes are one group, and which are not.
import { describe, expect, it } from "vitest";
import { sign } from "../../signature/signature.ts";
import { crash, type Facts, type Short } from "./crash.ts";

type Case = readonly [Short[], Facts?];
const fingerprint = ([frames, facts]: Case): string => sign(crash(frames, facts)).fingerprint;

describe("one group", () => {
  const rows: [string, Case, Case][] = [
    ["PDB and DWARF spelling", [["public: void __cdecl RingBuffer<float,64>::push(float)"]], [["RingBuffer<float, 64>::push(float)"]]],
    ["lambdas of two compilers", [["Synth::render::<lambda_1>::operator()"]], [["Synth::render(int)::{lambda(int)#1}::operator()(int) const"]]],
    ["callers past the stop", [["f", "main"]], [["f", "WinMain"]]],
    ["hosts, when a function is known", [["f"], { host: "reaper.exe" }], [["f"], { host: "live.exe" }]],
    ["reasons, when a function is known", [["f"], { type: "SIGSEGV /SEGV_MAPERR" }], [["f"], { type: "SIGBUS" }]],
    ["wild jumps of two processes", [["@0x7ffd12345678"]], [["@0x7f0012345678"]]],
    ["numbers in an assertion", [["f"], { assertion: "index 12 of 0x10" }], [["f"], { assertion: "index 7 of 0xfe" }]],
    ["a module in two cases, Windows", [["A.dll!"], { os: "Windows NT" }], [["a.DLL!"], { os: "Windows NT" }]],
    ["an accent, composed or not", [["Gr\u00f6\u00dfe.vst3!"]], [["Gro\u0308\u00dfe.vst3!"]]],
    ["small failed allocations", [["f"], { annotations: { oom_allocation_size: "1" } }], [["a.so!"], { annotations: { oom_allocation_size: "2" } }]],
  ];
  it.each(rows)("%s", (_, a, b) => {
    expect(fingerprint(a)).toBe(fingerprint(b));
  });
});

describe("two groups", () => {
  const rows: [string, Case, Case][] = [
    ["two functions", [["f"]], [["g"]]],
    ["two callers of one prefix", [["memcpy", "f"]], [["memcpy", "g"]]],
    ["a label", [["f"]], [["f"], { type: "EXCEPTION_STACK_OVERFLOW" }]],
    ["two assertions", [["f"], { assertion: "n > 0" }], [["f"], { assertion: "m > 0" }]],
    ["names that differ after 255 characters", [["a".repeat(300)]], [[`${"a".repeat(300)}b`]]],
    ["a bar in a name and two frames", [["free | f"]], [["free", "f"]]],
    // No bucket for what has no name.
    ["empty stacks with two reasons", [[], { type: "SIGSEGV" }], [[], { type: "SIGABRT" }]],
    ["empty stacks in two hosts", [[], { host: "reaper" }], [[], { host: "live" }]],
    ["bare modules with two reasons", [["a.so!"], { type: "SIGSEGV" }], [["a.so!"], { type: "SIGABRT" }]],
    ["bare modules in two hosts", [["a.so!"], { host: "reaper" }], [["a.so!"], { host: "live" }]],
    ["a prefix alone in two hosts", [["abort"], { host: "reaper" }], [["abort"], { host: "live" }]],
    ["wild jumps in two hosts", [["@0x7ffd12345678"], { host: "reaper" }], [["@0x7ffd12345678"], { host: "live" }]],
    ["null pointers with two offsets", [["@0x0"]], [["@0x8"]]],
  ];
  it.each(rows)("%s", (_, a, b) => {
    expect(fingerprint(a)).not.toBe(fingerprint(b));
  });
});

it("is 64 hex digits", () => {
  expect(fingerprint([["f"]])).toMatch(/^[0-9a-f]{64}$/);
});

it("stays what it is: a change here regroups every crash there is, and needs a new version", () => {
  expect(fingerprint([["memcpy", "Delay::process"]])).toBe("39e95a901c212b6f0dbdf2fc5bd7bb8305fc390a9de901e9cd8308d99f83bac3");
  expect(sign(crash([])).version).toBe(1);
});

it("tells when reason and host count", () => {
  expect(sign(crash(["a.so!"], { type: "SIGSEGV", host: "Reaper" })).notes.join("\n")).toContain('the crash reason "SIGSEGV" and the main module "reaper"');
  expect(sign(crash(["f"])).notes).toEqual([]);
});
