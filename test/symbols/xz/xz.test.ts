// xz against what xz wrote, against an encoder of our own, and against damage.
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { unpackXz } from "../../../symbols/xz/xz.ts";
import { damageAt, mutationCount } from "../../support/damage.ts";
import { randomFrom } from "../../support/minidump/mutation.ts";

const fox = "the quick brown fox jumps over the lazy dog, the quick brown fox again and again and again\n";
const lines = Array.from({ length: 400 }, (_, i) => `line ${((i + 1) * (i + 1)) % 97} of ${(i + 1) % 13}\n`).join("");
const zeros = "\0".repeat(3000);
const nothing = "";
const limit = 64 * 1024 * 1024;

/** What xz 5.4 made of texts: what they are, the text, base64. */
const samples: readonly (readonly [what: string, text: string, packed: string])[] = [
  ["checked by CRC-64", fox, "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4ABaAD1dADoaCM52x+Xp1gc0w9EOv85V4aq94OSPmAHdjeUHVJ5lJV8nOmp+tNNJAzhAIvP0/VeGEFt2knFC29e4AAAAAAAAYZw2KJi/NyMAAVlbSttGtx+2830BAAAAAARZWg=="],
  ["checked by CRC-32", fox, "/Td6WFoAAAFpIt42AgAhARYAAAB0L+Wj4ABaAD1dADoaCM52x+Xp1gc0w9EOv85V4aq94OSPmAHdjeUHVJ5lJV8nOmp+tNNJAzhAIvP0/VeGEFt2knFC29e4AAAAAAAAtQ21wAABVVtGlPMbkEKZDQEAAAAAAVla"],
  ["checked by SHA-256", fox, "/Td6WFoAAArh+wyhAgAhARYAAAB0L+Wj4ABaAD1dADoaCM52x+Xp1gc0w9EOv85V4aq94OSPmAHdjeUHVJ5lJV8nOmp+tNNJAzhAIvP0/VeGEFt2knFC29e4AAAAAAAAwxCiRMFZUVs+6y5tH51wG+EJj8CdXgc1/BIFZ+Rjs7QAAXFb4HUb6hibS5oBAAAAAApZWg=="],
  ["not checked", fox, "/Td6WFoAAAD/EtlBAgAhARYAAAB0L+Wj4ABaAD1dADoaCM52x+Xp1gc0w9EOv85V4aq94OSPmAHdjeUHVJ5lJV8nOmp+tNNJAzhAIvP0/VeGEFt2knFC29e4AAAAAAAAAAFRW0JRn38Gcp56AQAAAAAAWVo="],
  ["with other properties", fox, "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4ABaAD4SADoa2dR0NQ9YjRPMXcAQIULvkj/7gybRKoKlrVF5sM9emeHRWnk7hzVpzWimyk4MjehJghbECu5tKkXG+yAAAAAAYZw2KJi/NyMAAVpbiYhrnB+2830BAAAAAARZWg=="],
  ["of all kinds of matches", lines, "/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM4BRqAsxdADYaSh8IoCuxbQcngUbiKF5KCwLZvJJx0yFbzY2W7KhpDLiKbTFtLzvkWnup2KveuuV6DEUbzmzmMpvcAiJo/WoAUfcG4Nv290Vdwrunhx8tOCQ9xx0JNSzIZDjC6VWkUpYt11uwG/PhlP+7Pa/ofs2MsntXcJOcLCtYphwafikFCd3/7hb98d2q6VMac1J6fkAGr+358ZqnFEgnQ2Z0e+PmBtZ4ilgvnyELrIHlQh4Sddr3Lbk+/4obSOV9T+9HlxvjrqgvTqna4q/qieU1GeFKmGDw1Ar4SnD/Tv4lE7JK61CqDH36/Po6wVgwlLQZ3uB4dXYjPmD4qJCtyAVU36tW3SZ7Zzfguo+h/T/6tc2SArLEanp9ydHIltVRpU6fhJe6s4IbAxLKRIsk2rKhdtAvXSalD9IeAKdJFshz/MzDhC4gV5/lUN/sH3mE7UMf8hhnOKytoHNmsvXCfQXBIk6Tp4OTOksyqD4WHU6wbnVZbDHL37ZDH5caBL/rlmGfxgJt/tjIP6cge+N1I8m9Th78TYuO2kC7ggwzT4wGicx1Pnufq+JtGtg7OkgPKKX54eRTLkswpxW/cC++fmabj1ae1GhU/ykDM8SPLQ+PxyxeKaDcM/uEZ22fvGmETeyAi19bEsJW2OwCRl0g58wA3hpphbI7kGZSV0HxqqUFh/MZf9GHIbelJMCqgfZr2rA271/38/+fhu7Vzd0wFGJFswpO1FNUQQJkUYHj+g58z6Cz6G6nEql238ezl7dD+r+YyjiEGOIMoRXZpSQ6jwqa1Ksdi9wrekr2g1YftQbiM/MoaqIdWoMk6sKRMoO9LWFCdPQNDK2mwCx/1ixddvwS1ylHhw2rLbJTPzsmMTtNnG2j9s6a1E4MrZzhg+mCnnJSvJXwYo7K9WYSpo5jRKtQC2j0fDEEfd03iCYIrHfgM4B7UqnHboyfkE/2wAUAAMtiRnfnMbB5AAHoBesoAAAjE4LGscRn+wIAAAAABFla"],
  ["in blocks", zeros, "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4APnAAtdAABv/f//o7daDV4AAABPJYrsK+IqNwIAIQEWAAAAdC/lo+AD5wALXQAAb/3//6O3Wg1eAAAATyWK7CviKjcCACEBFgAAAHQv5aPgA+cAC10AAG/9//+jt1oNXgAAAE8liuwr4io3AAMn6Acn6Acn6AcAmFDlUxQXOzADAAAAAARZWg=="],
  ["of nothing", nothing, "/Td6WFoAAATm1rRGAAAAABzfRCEftvN9AQAAAAAEWVo="],
];
const packedFox = Buffer.from(samples[0]![2], "base64");

const outcome = (packed: Uint8Array, most = limit): string => {
  const unpacked = unpackXz(packed, most);
  return unpacked.ok ? Buffer.from(unpacked.value).toString("latin1") : unpacked.problem.code;
};

describe("xz", () => {
  it.each(samples)("unpacks what was packed %s", (_, text, packed) => {
    expect(outcome(Buffer.from(packed, "base64"))).toBe(text);
  });
  it("unpacks streams behind each other, with zeros between them", () => {
    expect(outcome(Buffer.concat([packedFox, Buffer.alloc(8), packedFox]))).toBe(fox + fox);
  });
  it.each([
    ["for x86 code", "/Td6WFoAAATm1rRGAgEEACEBDADWfBiv4ABaAD1dADoaCM52x+Xp1gc0w9EOv85V4aq94OSPmAHdjeUHVJ5lJV8nOmp+tNNJAzhAIvP0/VeGD+OJeLiz0nADgAAAAAAAYZw2KJi/NyMAAVlbSttGtx+2830BAAAAAARZWg=="],
    ["for series of numbers", "/Td6WFoAAATm1rRGAgEDAQAhAQwD2aYT4ABaAERdADo9G6txr6kYBg7WEpFvNEtB13T0tXJrVZPDsaL2vRf4Hn6Jn/NswaNMkQdEAs0zIdWAuY/hLicjhfVjkg3Y1qpnv+AAAGGcNiiYvzcjAAFgW/BWwrkftvN9AQAAAAAEWVo="],
  ])("refuses filters %s", (_, packed) => {
    expect(outcome(Buffer.from(packed, "base64"))).toBe("unknown_xz_filter");
  });
  it("takes no more than it may", () => {
    expect(outcome(packedFox, fox.length)).toBe(fox);
    expect(outcome(packedFox, fox.length - 1)).toBe("xz_too_large");
  });
  it.each([
    ["nothing", Buffer.alloc(0)],
    ["another magic", Buffer.from(packedFox).fill(0, 0, 1)],
    ["an unknown flag", Buffer.from(packedFox).fill(1, 6, 7)],
    ["a wrong sum of the header", Buffer.from(packedFox).fill(0, 8, 9)],
    ["a wrong sum of a block's header", Buffer.from(packedFox).fill(9, 20, 21)],
    ["other content than the sum is of", Buffer.concat([packedFox.subarray(0, -36), Buffer.alloc(8), packedFox.subarray(-28)])],
    ["a wrong sum of the index", Buffer.concat([packedFox.subarray(0, -16), Buffer.alloc(4), packedFox.subarray(-12)])],
    ["a wrong end", Buffer.from(packedFox).fill(0, packedFox.length - 1)],
  ])("refuses %s", (_, bytes) => {
    expect(outcome(bytes)).toBe("broken_xz");
  });
  it("refuses what is cut, wherever", () => {
    for (let length = 0; length < packedFox.length; length++) expect(outcome(packedFox.subarray(0, length))).toBe("broken_xz");
  });
});

/** Packs bytes as chunks of plain bytes. */
function pack(content: Uint8Array, chunkBytes: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < content.length; at += chunkBytes) {
    const chunk = content.subarray(at, at + chunkBytes);
    parts.push(Buffer.of(at === 0 ? 1 : 2, (chunk.length - 1) >> 8, (chunk.length - 1) & 0xff), Buffer.from(chunk));
  }
  const body = Buffer.concat([...parts, Buffer.of(0)]);
  const sum = (bytes: Uint8Array): Buffer => {
    const word = Buffer.alloc(4);
    word.writeUInt32LE(crc32(bytes));
    return word;
  };
  const flags = Buffer.of(0, 1);
  const head = Buffer.of(2, 0, 0x21, 1, 0x16, 0, 0, 0);
  const padding = Buffer.alloc((4 - (body.length % 4)) % 4);
  const number = (value: number): Buffer => (value < 128 ? Buffer.of(value) : Buffer.concat([Buffer.of((value & 0x7f) | 0x80), number(value >>> 7)]));
  const records = Buffer.concat([Buffer.of(0, 1), number(head.length + 4 + body.length + 4), number(content.length)]);
  const index = Buffer.concat([records, Buffer.alloc((4 - (records.length % 4)) % 4)]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE((index.length + 4) / 4 - 1);
  const footer = Buffer.concat([size, flags]);
  return Buffer.concat([Buffer.from("fd377a585a00", "hex"), flags, sum(flags), head, sum(head), body, padding, sum(content), index, sum(index), sum(footer), footer, Buffer.from("YZ")]);
}

describe("xz data", () => {
  it("of plain chunks comes back, whatever it is", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.integer({ min: 1, max: 700 }), (content, chunkBytes) => {
        const unpacked = unpackXz(pack(content, chunkBytes), limit);
        expect(unpacked.ok && Buffer.from(unpacked.value).equals(content)).toBe(true);
      }),
    );
  });
  it("of nothing but empty blocks takes no longer than other data", () => {
    const block = Buffer.from("0200210116000000742fe5a300000000", "hex");
    const unchecked = Buffer.from(samples[3]![2], "base64").subarray(0, 12);
    const started = performance.now();
    expect(outcome(Buffer.concat([unchecked, ...Array.from({ length: 100_000 }, () => block)]))).toBe("broken_xz");
    expect(performance.now() - started).toBeLessThan(500);
  });
  it("that is damaged is refused, or comes back whole; nothing takes long", { timeout: 3_600_000 }, () => {
    const whole = Buffer.from(samples[5]![2], "base64");
    // Without a checksum the decoder itself has to withstand what comes.
    const bare = Buffer.from(samples[3]![2], "base64");
    for (let seed = 0; seed < mutationCount(); seed++) {
      const random = randomFrom(seed);
      const source = seed % 2 === 0 ? whole : bare;
      const started = performance.now();
      // The head is left alone by half, so that the packed bytes are reached.
      const unpacked = outcome(damageAt(Buffer.from(source), random(2) === 0 ? 24 + random(source.length - 32) : random(source.length - 8), random));
      expect(performance.now() - started).toBeLessThan(2000);
      if (source === whole && !["broken_xz", "unknown_xz_filter", "xz_too_large"].includes(unpacked)) expect(unpacked).toBe(lines);
    }
  });
});
