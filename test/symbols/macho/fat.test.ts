// Universal binaries are taken apart.
import { describe, expect, it } from "vitest";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { filePartsOf } from "../../../symbols/file-parts.ts";
import { buildFat, buildMachO } from "../../support/macho-builder.ts";
import { factsOf, macFixture, partsOf } from "./macho-answers.ts";

const x64 = buildMachO({ uuid: "11".repeat(16) });
const arm64 = buildMachO({ cpu: 0x0100_000c, cpuSubtype: 0, uuid: "22".repeat(16) });
const arm64e = buildMachO({ cpu: 0x0100_000c, cpuSubtype: 2, uuid: "33".repeat(16) });
const whole = [[0x0100_0007, 3, x64], [0x0100_000c, 0, arm64], [0x0100_000c, 2, arm64e]] as const;

const refusal = (file: Uint8Array): string => {
  const parts = filePartsOf(bytesOf(file));
  return parts.ok ? "none" : `${parts.problem.code}: ${parts.problem.message}`;
};
/** A file with a number of its header changed. */
const changed = (at: number, value: number, isWide = false): Buffer => {
  const file = buildFat(whole, { isWide });
  file.writeUInt32BE(value, at);
  return file;
};

describe("the parts of a file", () => {
  it.each([false, true])("are those of a universal binary, with offsets of 64 bits: %s", (isWide) => {
    expect(partsOf(buildFat(whole, { isWide })).map((part) => factsOf(part).debugId)).toEqual(["11", "22", "33"].map((digits) => `${digits.repeat(16)}0`));
  });
  it.each([
    ["of a thin file", x64],
    ["of a text", Buffer.from("MODULE mac arm64 00 a\n")],
    ["of an empty file", Buffer.alloc(0)],
    ["of four bytes", Buffer.from("cafebabe", "hex")],
    ["of a class file of Java 1", Buffer.from("cafebabe0003002d", "hex")],
    ["of a class file of Java 21", Buffer.from("cafebabe00000041", "hex")],
  ])("are the whole %s", (_, file) => {
    expect(filePartsOf(bytesOf(file))).toEqual({ ok: true, value: [{ offset: 0, size: file.length }] });
  });
  it("have the ids of the fixtures' thin files", () => {
    const ids = (path: string) => partsOf(macFixture(path)).map((part) => factsOf(part).debugId);
    expect(ids("universal/Halcyon.vst3/Contents/MacOS/Halcyon")).toEqual(ids("universal/Halcyon.vst3.dSYM/Contents/Resources/DWARF/Halcyon"));
    expect(ids("universal/Halcyon.vst3/Contents/MacOS/Halcyon")).toEqual([...ids("x86_64/Halcyon"), ...ids("debug-map/Halcyon")]);
  });
});

describe("a universal binary is refused", () => {
  it.each([
    ["without parts", changed(4, 0), "it has no parts"],
    ["with more than there can be", changed(4, 33), "it claims to have 33 parts"],
    ["with more than there are", changed(4, 4), "its parts overlap, or are empty"],
    ["cut within its header", buildFat(whole).subarray(0, 40), "it ends within its header"],
    ["cut within a part", buildFat(whole).subarray(0, -1), "it is cut: a part of it ends at byte"],
    ["with a part in its header", changed(16, 8), "its parts overlap, or are empty"],
    ["with a part in another", changed(36, 0x1001), "its parts overlap, or are empty"],
    ["with an empty part", changed(20, 0), "its parts overlap, or are empty"],
    ["with a part beyond all files", changed(16, 0x7fff_ffff, true), "it is cut: a part of it ends at byte"],
    ["with two parts for one processor", changed(32, 0), "two of its parts are for the same processor"],
  ])("%s", (_, file, message) => {
    // Where the second part's subtype is made that of the third.
    if (message.startsWith("two")) file.writeUInt32BE(2, 32);
    expect(refusal(file)).toContain(`malformed_macho: The universal binary cannot be taken apart: ${message}`);
  });
});
