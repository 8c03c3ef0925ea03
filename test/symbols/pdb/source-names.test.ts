// The texts that modules share, by their offsets.
import { describe, expect, it } from "vitest";
import { StringTable } from "../../../symbols/cache/string-table.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { openMsf } from "../../../symbols/pdb/msf.ts";
import { readSourceNames, type SourceNames } from "../../../symbols/pdb/source-names.ts";
import { buildMsf, namesOffsets, words } from "../../support/pdb-builder.ts";

function namesOf(texts: Buffer, signature = 0xeffeeffe, said = texts.length): SourceNames {
  const msf = openMsf(bytesOf(buildMsf([Buffer.concat([words(signature, 1, said), texts])])));
  if (!msf.ok) throw new Error(msf.problem.message);
  return readSourceNames(msf.value, 0);
}

describe("texts", () => {
  const texts = ["C:\\src\\a.cpp", "größe.cpp", ""];
  const [path, utf8, empty] = namesOffsets(texts);
  const bytes = Buffer.from(`\0${texts.join("\0")}\0`);

  it("begin at their offset, and are the same each time", () => {
    const names = namesOf(bytes);
    expect([names.text(path!), names.text(utf8!), names.text(empty!), names.text(0), names.text(path!)]).toEqual([...texts, "", texts[0]]);
    expect(names.text(path! + 7)).toBe("a.cpp");
  });

  it("are strings of a builder", () => {
    const [names, strings] = [namesOf(bytes), new StringTable()];
    const id = names.take(utf8!, strings);
    expect(Buffer.from(strings.bytesOf(id)).toString()).toBe("größe.cpp");
    expect([names.take(utf8!, strings), names.take(empty!, strings), names.take(9999, strings)]).toEqual([id, 0, 0]);
  });

  it("are none outside, without an end, or in a stream that is damaged or absent", () => {
    expect([namesOf(bytes).text(9999), namesOf(bytes).text(-1)]).toEqual([null, null]);
    expect(namesOf(Buffer.from("\0endless")).text(1)).toBeNull();
    expect(namesOf(bytes, 0xeffeefff).text(path!)).toBeNull();
    expect(namesOf(bytes, 0xeffeeffe, 0xffffffff).text(path!)).toBe(texts[0]);
    expect(namesOf(Buffer.alloc(0)).text(0)).toBeNull();
    const msf = openMsf(bytesOf(buildMsf([null])));
    expect(msf.ok && [readSourceNames(msf.value, 0).text(0), readSourceNames(msf.value, -1).text(0)]).toEqual([null, null]);
  });

  it("longer than any path are none", () => {
    expect(namesOf(Buffer.from(`\0${"a".repeat(70_000)}\0`)).text(1)).toBeNull();
    expect(namesOf(Buffer.from(`\0${"a".repeat(60_000)}\0`)).text(1)).toHaveLength(60_000);
  });

  it("of which each byte is said to begin one do not take the square of the stream", () => {
    const names = namesOf(Buffer.from(`\0${"a".repeat(50_000)}\0`));
    let given = 0;
    for (let offset = 1; offset < 50_000; offset++) given += names.text(offset)?.length ?? 0;
    expect(given).toBeGreaterThan(50_000);
    expect(given).toBeLessThan(400_000);
  });
});
