// Every line of every list is checked, so that anyone may add one.
import fs from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { ownLists } from "../../signature/list-file.ts";
import { sign } from "../../signature/signature.ts";
import { crash } from "./crash.ts";

const folder = path.join(import.meta.dirname, "../../signature/lists");
const patternFiles = ["irrelevant.txt", "prefix.txt", "line-numbers.txt"];

/** A list's lines with their numbers, read anew: the reader is under test as well. */
function linesOf(file: string): { at: string; text: string }[] {
  const lines = fs.readFileSync(path.join(folder, file), "utf8").split("\n");
  return lines.flatMap((text, index) => (text === "" || text.startsWith("#") ? [] : [{ at: `${file}:${index + 1}`, text }]));
}

/** Names meant to take a careless expression long. */
const tedious = ["a".repeat(1024), "_".repeat(1024), "a::".repeat(340), "<T>".repeat(340), "std::_".repeat(170), "<a as core::ops::".repeat(60), "memcpy_".repeat(146), "kss_".repeat(256)];

describe.each(patternFiles)("%s", (file) => {
  const lines = linesOf(file);

  it("has lines", () => {
    expect(lines.length).toBeGreaterThan(2);
  });

  it("compiles, line by line", () => {
    const broken = lines.filter(({ text }) => {
      try {
        void new RegExp(text);
        return false;
      } catch {
        return true;
      }
    });
    expect(broken).toEqual([]);
  });

  it("has each line once", () => {
    const seen = new Set<string>();
    expect(lines.filter(({ text }) => seen.size === seen.add(text).size)).toEqual([]);
  });

  it("has no spaces at the ends of lines", () => {
    expect(lines.filter(({ text }) => text !== text.trim())).toEqual([]);
  });

  it("leaves the start to the matcher, and has no idle end", () => {
    expect(lines.filter(({ text }) => text.startsWith("^") || text.endsWith(".*"))).toEqual([]);
  });

  it("escapes what it does not mean: no line matches the empty name or any name", () => {
    expect(lines.filter(({ text }) => new RegExp(`^(?:${text})`).test("") || new RegExp(`^(?:${text})`).test("Zqx::zqx"))).toEqual([]);
  });

  it("takes no time, line by line", () => {
    const slow = lines.filter(({ text }) => {
      const pattern = new RegExp(`^(?:${text})`);
      const started = process.cpuUsage();
      for (const name of tedious) pattern.test(name);
      return process.cpuUsage(started).user > 200_000;
    });
    expect(slow).toEqual([]);
  });

  it("matches at the start only, and says where", () => {
    const list = [ownLists.irrelevant, ownLists.prefix, ownLists.lineNumbers].find((one) => one.file === file);
    expect(list?.lines.map((line) => `${file}:${line.line}`)).toEqual(lines.map(({ at }) => at));
    expect(list?.match("zzz memcpy raise luaV_execute")).toBeNull();
  });
});

describe("sentinels.txt", () => {
  const lines = linesOf("sentinels.txt");

  it("has each name and condition once", () => {
    const seen = new Set<string>();
    expect(lines.filter(({ text }) => seen.size === seen.add(text).size)).toEqual([]);
  });

  it("is read whole", () => {
    const read = [...ownLists.sentinels.values()].flat().map(({ name, when, rule }) => `${rule} ${when === null ? name : `${name} when ${when}`}`);
    expect(read.sort()).toEqual(lines.map(({ at, text }) => `${at} ${text}`).sort());
  });

  it("has exact names in their normalised spelling", () => {
    const names = lines.flatMap(({ text }) => text.split(" when "));
    expect(names.filter((name) => sign(crash([{ function: name }])).frames[0]?.name !== name)).toEqual([]);
  });

  it("has a condition only where one is met in time", () => {
    const stack = (names: string[]) => sign(crash(["above", ...names, "Delay::load"])).frames[0]?.verdict;
    expect(stack(["_CxxThrowException"])).not.toBe("before-sentinel");
    expect(stack(["_CxxThrowException", "terminate"])).toBe("before-sentinel");
    expect(stack(["_CxxThrowException", "RaiseFailFastException"])).toBe("before-sentinel");
  });
});

describe("the lists together", () => {
  it("are explained", () => {
    const readme = fs.readFileSync(path.join(folder, "README.md"), "utf8");
    expect(fs.readdirSync(folder).filter((file) => file !== "README.md" && !readme.includes(`\`${file}\``))).toEqual([]);
  });

  it.each([
    // What a plugin's own code may well be called must never be noise.
    "MyPlugin::processBlock", "free_voice", "Voice::free", "raiseLevel", "Mutex::lock", "abort_all_notes", "mySleep", "strike", "memory_pool_get",
    "juce::AudioProcessor::processBlock", "juce::MessageManager::runDispatchLoop", "Steinberg::Vst::AudioEffect::process", "standard::vector<T>::at",
  ])("leave %s alone", (name) => {
    expect(sign(crash([name, "main"])).signature).toBe(name);
  });
});
