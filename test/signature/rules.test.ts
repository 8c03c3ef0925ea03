// What the rules after the stack make of a signature, and of its fingerprint.
import { describe, expect, it } from "vitest";
import { type Rule, runRules } from "../../signature/rules/rule.ts";
import { sign } from "../../signature/signature.ts";
import { crash, type Facts, type Short } from "./crash.ts";

const stack: Short[] = ["Delay::process", "main"];

describe("a reason", () => {
  const rows: [string, Facts, string][] = [
    ["that says nothing of its own", { type: "SIGSEGV /SEGV_MAPERR" }, "Delay::process"],
    ["none", { type: null }, "Delay::process"],

    // Stack overflow: only where the reason says so.
    ["stack overflow, Windows", { type: "EXCEPTION_STACK_OVERFLOW" }, "stackoverflow | Delay::process"],
    ["stack overflow, in Apple's words", { type: "EXC_BAD_ACCESS (SIGSEGV) / Thread stack size exceeded due to excessive recursion" }, "stackoverflow | Delay::process"],
    ["stack overflow, as a signal's code", { type: "SIGSEGV /SEGV_STACKFLOW" }, "stackoverflow | Delay::process"],
    ["a guard page alone proves nothing", { type: "EXC_BAD_ACCESS / KERN_PROTECTION_FAILURE" }, "Delay::process"],
    ["an overrun buffer on the stack is another thing", { type: "STATUS_STACK_BUFFER_OVERRUN" }, "Delay::process"],

    // Hardware.
    ["a disk that fails to read", { type: "EXCEPTION_IN_PAGE_ERROR_READ / STATUS_DEVICE_DATA_ERROR" }, "bad hardware | Delay::process"],
    ["a disk that fails to execute", { type: "EXCEPTION_IN_PAGE_ERROR_EXEC / STATUS_DEVICE_DATA_ERROR" }, "bad hardware | Delay::process"],
    ["a network share that went away", { type: "EXCEPTION_IN_PAGE_ERROR_READ / STATUS_IO_DEVICE_ERROR" }, "Delay::process"],

    // Memory, by reason.
    ["out of memory", { type: "STATUS_NO_MEMORY" }, "OOM | unknown | Delay::process"],
    ["out of memory, fatally", { type: "STATUS_FATAL_MEMORY_EXHAUSTION" }, "OOM | unknown | Delay::process"],
    ["out of commit, by the thread's last error", { lastError: "ERROR_COMMITMENT_LIMIT" }, "OOM | unknown | Delay::process"],
    ["out of memory, by the thread's last error", { lastError: "ERROR_NOT_ENOUGH_MEMORY" }, "OOM | unknown | Delay::process"],
    ["another last error", { lastError: "ERROR_FILE_NOT_FOUND" }, "Delay::process"],

    // Memory, by size.
    ["a small allocation", { annotations: { oom_allocation_size: "17" } }, "OOM | small"],
    ["the largest small one", { annotations: { oom_allocation_size: "262144" } }, "OOM | small"],
    ["the smallest large one", { annotations: { oom_allocation_size: "262145" } }, "OOM | large | Delay::process"],
    ["a large allocation", { annotations: { OOMAllocationSize: "17000000" } }, "OOM | large | Delay::process"],
    ["a size that is none", { annotations: { oom_allocation_size: "many" } }, "Delay::process"],
    ["a size that comes with every object", { annotations: {} }, "Delay::process"],

    // Last words.
    ["an assertion", { assertion: "unknown" }, "Abort | unknown | Delay::process"],
    ["an annotation", { annotations: { abort_message: "unknown" } }, "Abort | unknown | Delay::process"],
    ["blank words", { annotations: { abort_message: "  " } }, "Delay::process"],
    ["a message with process and file", { assertion: "[7616] ###!!! ABORT: unsafe destruction: file c:/builds/x.cpp, line 777" }, "Abort | unsafe destruction | Delay::process"],
    ["a message with its own line", { assertion: "[5392] ###!!! ABORT: foo bar line 42" }, "Abort | foo bar line 42 | Delay::process"],
    ["a message that is a place only", { assertion: "[204] ###!!! ABORT: file ?, " }, "Abort | Delay::process"],
    ["a message in the user's language", { assertion: "\u018a unknown" }, "Abort | unknown | Delay::process"],
    ["a message with somebody's folder", { assertion: "/Users/jane/dev/delay.cpp:12: n > 0" }, "Abort | delay.cpp:12: n > 0 | Delay::process"],
    ["a message with somebody's folder, Windows", { assertion: "C:\\Users\\jane\\delay.cpp(12): n > 0" }, "Abort | C:delay.cpp(12): n > 0 | Delay::process"],
    ["a long message", { assertion: "a".repeat(81) }, `Abort | ${"a".repeat(77)}... | Delay::process`],
    ["the longest short message", { assertion: "a".repeat(80) }, `Abort | ${"a".repeat(80)} | Delay::process`],

    // More than one.
    ["an overflow that says more", { type: "EXCEPTION_STACK_OVERFLOW", assertion: "deep" }, "stackoverflow | Abort | deep | Delay::process"],
  ];
  it.each(rows)("%s", (_, facts, expected) => {
    expect(sign(crash(stack, facts)).signature).toBe(expected);
  });
});

describe("a stack of failed allocations", () => {
  const rows: [string, Short[], string][] = [
    ["libstdc++", ["raise", "abort", "std::terminate()", "__cxa_throw", "operator new(unsigned long)", "Delay::prepare"], "OOM | unknown | std::terminate | __cxa_throw | operator new | Delay::prepare"],
    ["Microsoft", ["RaiseException", "_CxxThrowException", "__scrt_throw_std_bad_alloc", "operator new", "Delay::prepare"], "OOM | unknown | _CxxThrowException | __scrt_throw_std_bad_alloc | operator new | Delay::prepare"],
    ["Rust", ["abort", "alloc::alloc::handle_alloc_error", "plug::prepare"], "OOM | unknown | plug::prepare"],
    ["a crash within operator new is no failure to allocate", ["operator new(unsigned long)", "Delay::prepare"], "operator new | Delay::prepare"],
  ];
  it.each(rows)("%s", (_, frames, expected) => {
    expect(sign(crash(frames)).signature).toBe(expected);
  });
});

describe("the text", () => {
  it.each([
    // Emoji and controls go, letters of any language stay.
    ["libxul.so\u0000", "libxul.so"],
    ["libxul.so\u{1f600}", "libxul.so"],
    ["Größe.vst3", "Größe.vst3"],
    ["プラグイン.vst3", "プラグイン.vst3"],
    ["a\u202eb", "ab"],
    ["a\ud800b", "ab"],
    // Spaces.
    ["all   good", "all good"],
    ["   all   good  ", "all good"],
    ["all\r\n\tgood", "all good"],
  ])("of module %j is %j", (module, expected) => {
    expect(sign(crash([{ module }])).signature).toBe(expected);
  });

  it("is cut to 255 characters", () => {
    const { signature } = sign(crash(["a".repeat(300)]));
    expect(signature).toBe(`${"a".repeat(252)}...`);
    expect(sign(crash(["a".repeat(255)])).signature).toBe("a".repeat(255));
  });

  it("is not cut through a letter", () => {
    // U+20000 is a letter of two code units; the cut would fall between them.
    const { signature } = sign(crash([`${"a".repeat(251)}\u{20000}${"b".repeat(10)}`]));
    expect(signature).toBe(`${"a".repeat(251)}...`);
  });
});

describe("notes", () => {
  it("tell each change", () => {
    expect(sign(crash(stack, { type: "EXCEPTION_STACK_OVERFLOW" })).notes).toEqual(['stack-overflow: "Delay::process" -> "stackoverflow | Delay::process"']);
  });

  it("are none where nothing changed", () => {
    expect(sign(crash(stack)).notes).toEqual([]);
  });

  it("tell a rule that failed, and the rest goes on", () => {
    const broken: Rule = {
      name: "broken",
      predicate: () => true,
      action: () => {
        throw new Error("no");
      },
    };
    const good: Rule = { name: "good", predicate: () => true, action: (_, draft) => ({ ...draft, signature: "b" }) };
    const brokenPredicate: Rule = { ...good, name: "worse", predicate: () => [].at(0)!["x"] };
    const { draft, notes } = runRules([broken, brokenPredicate, good], crash([]), { signature: "a", parts: [], protoSignature: "" });
    expect(draft.signature).toBe("b");
    expect(notes).toEqual(["broken: failed and was skipped: no", expect.stringMatching(/^worse: failed and was skipped: /), 'good: "a" -> "b"']);
  });
});
