// Every dump of the field's repositories, against what rust-minidump 0.27
// says of its crash (rust-minidump-crashes.json, made with
// `minidump-stackwalk --json`; empty fields left out). Where we say more or
// something else, the list below has it with the reason.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { bytesSource } from "../../../stackwalk/minidump/byte-source.ts";
import { readMinidump } from "../../../stackwalk/minidump/minidump.ts";
import { analyseCrash } from "../../../stackwalk/crash/crash.ts";
import golden from "./rust-minidump-crashes.json" with { type: "json" };

const corpus = resolve(import.meta.dirname, "../../../../shared/corpus");
const absent = !existsSync(corpus);

type Fields = { readonly [field: string]: unknown };

const compared = ["type", "address", "adjusted_address", "instruction", "memory_accesses", "instruction_pointer_update", "possible_bit_flips", "crash_inconsistencies"];

/** What rust-minidump says where it would know what we know. Each rule is one of our leads. */
function withOurLeads(ours: Fields, theirs: Fields, arch: string): Fields {
  const better: { [field: string]: unknown } = { ...theirs };
  // It reads instructions of amd64 only.
  if (arch === "x86") for (const field of ["instruction", "memory_accesses", "adjusted_address"]) if (!(field in theirs) && field in ours) better[field] = ours[field];
  // It knows reads from writes for a list of common instructions only.
  const accesses = theirs["memory_accesses"] as readonly Fields[] | undefined;
  const known = ours["memory_accesses"] as readonly Fields[] | undefined;
  if (accesses && known?.length === accesses.length) better["memory_accesses"] = accesses.map((access, index) => ({ access_type: known[index]?.["access_type"], ...access }));
  // It has no name for Crashpad's mark of an Objective-C exception.
  if (theirs["type"] === "unknown 0x43506e78 / 0x00000000") better["type"] = "Uncaught NSException";
  return better;
}

describe("crashes of the corpus", () => {
  it.skipIf(absent).each(Object.entries(golden as { readonly [path: string]: Fields }))("%s", (path, theirs) => {
    const dump = readMinidump(bytesSource(readFileSync(join(corpus, path))));
    if (!dump.ok) throw new Error(dump.problem.code);
    const whole = analyseCrash(dump.value) as Fields;
    const ours = Object.fromEntries(compared.flatMap((field) => (whole[field] === null || (whole[field] as readonly unknown[]).length === 0 ? [] : [[field, whole[field]]])));
    expect(ours).toEqual(withOurLeads(ours, theirs, dump.value.system?.arch ?? ""));
  });
});
