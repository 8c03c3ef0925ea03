// Stacks with Deadair's own lists: which frames make the signature.
import { describe, expect, it } from "vitest";
import type { FrameVerdict } from "../../signature/assemble.ts";
import { sign } from "../../signature/signature.ts";
import { crash, type Facts, frameOf, inlineOf, type Short } from "./crash.ts";

describe("a stack", () => {
  const rows: [string, Short[], string][] = [
    ["stops at the first name that says enough", ["Delay::process", "main"], "Delay::process"],
    ["goes on past a copy", ["memcpy", "Delay::process", "main"], "memcpy | Delay::process"],
    ["knows glibc's copies", ["__memcpy_avx_unaligned_erms", "Delay::process"], "memcpy | Delay::process"],
    ["knows Apple's copies", ["_platform_memmove$VARIANT$Haswell", "Delay::process"], "_platform_memmove$VARIANT$Haswell | Delay::process"],
    ["goes on past an index", ["std::vector<float>::operator[](unsigned long)", "Delay::process"], "std::vector<T>::operator[] | Delay::process"],
    ["goes on past a JUCE container", ["juce::Array<int>::getReference(int)", "Delay::process"], "juce::Array<T>::getReference | Delay::process"],
    ["goes on past several", ["objc_msgSend", "CFRelease", "MyView::~MyView()", "x"], "objc_msgSend | CFRelease | MyView::~MyView"],
    ["does not take a longer name for a prefix", ["abortTransaction", "main"], "abortTransaction"],
    ["does not take a member for a C function", ["Voice::free", "main"], "Voice::free"],
    ["a null function pointer points to its caller", ["@0x0", "Delay::process"], "@0x0 | Delay::process"],
    ["a wild jump too, without its address", ["@0x7ffd12345678", "Delay::process"], "Delay::process"],
    ["frames without anything are skipped", ["", "Delay::process"], "Delay::process"],

    // Aborts and their platforms.
    ["abort on Linux", ["__pthread_kill_implementation", "raise", "abort", "Delay::check"], "abort | Delay::check"],
    ["abort on macOS", ["__pthread_kill", "pthread_kill", "abort", "Delay::check"], "abort | Delay::check"],
    ["abort on Windows", ["RaiseFailFastException", "abort", "Delay::check"], "abort | Delay::check"],
    ["an assertion on Linux", ["raise", "abort", "__assert_fail_base", "__assert_fail", "Delay::check"], "__assert_fail | Delay::check"],
    ["an assertion on macOS", ["__pthread_kill", "abort", "__assert_rtn", "Delay::check"], "__assert_rtn | Delay::check"],
    ["an assertion on Windows", ["_CrtDbgBreak", "common_assert_to_message_box<wchar_t>", "_wassert", "Delay::check"], "_wassert | Delay::check"],
    ["an assertion of JUCE", ["juce::logAssertion(char const*, int)", "Delay::check"], "Delay::check"],
    ["a pure call", ["abort", "_purecall", "Delay::process"], "_purecall | Delay::process"],
    ["an exception nobody caught, Linux", ["raise", "abort", "__gnu_cxx::__verbose_terminate_handler()", "__cxxabiv1::__terminate(void (*)())", "std::terminate()", "__cxa_throw", "Delay::load"], "std::terminate | __cxa_throw | Delay::load"],
    ["an exception nobody caught, macOS", ["__pthread_kill", "abort", "abort_message", "demangling_terminate_handler()", "_objc_terminate()", "std::__terminate(void (*)())", "std::terminate()", "Delay::load"], "std::terminate | Delay::load"],
    ["a heap check, Linux", ["raise", "abort", "__libc_message", "malloc_printerr", "_int_free", "free", "Delay::~Delay()"], "_int_free | free | Delay::~Delay"],
    ["a heap check, Windows", ["RtlReportFatalFailure", "RtlReportCriticalFailure", "RtlpHeapHandleError", "RtlpLogHeapFailure", "RtlFreeHeap", "_free_base", "Delay::~Delay"], "RtlFreeHeap | _free_base | Delay::~Delay"],
    ["a smashed stack", ["abort", "__fortify_fail", "__stack_chk_fail", "Delay::load"], "__fortify_fail | __stack_chk_fail | Delay::load"],

    // Signals and exceptions that were handled before the dump was written.
    ["below a signal handler on macOS", ["crashpad::CaptureContext", "juce::handleCrash(int)", "_sigtramp", "Delay::process"], "Delay::process"],
    ["below a signal handler on Linux", ["sentry__handler", "__restore_rt", "memcpy", "Delay::process"], "memcpy | Delay::process"],
    ["below an exception on Windows", ["NtWaitForSingleObject", "MyFilter", "RtlDispatchException", "KiUserExceptionDispatcher", "Delay::process"], "Delay::process"],

    // Rust.
    ["a panic", ["abort", "std::panicking::rust_panic_with_hook", "rust_begin_unwind", "core::panicking::panic_fmt", "core::panicking::panic_bounds_check", "plug::process"], "plug::process"],
    ["an unwrapped None", ["core::panicking::panic", "core::option::unwrap_failed", "core::option::Option<T>::unwrap", "plug::process"], "core::option::Option<T>::unwrap | plug::process"],

    // Locks: the platform's part of it goes.
    ["a dead mutex, Windows", ["mtx_do_lock", "_Mtx_lock", "std::_Mutex_base::lock", "Delay::process"], "std::_Mutex_base::lock | Delay::process"],
    ["a dead mutex, macOS", ["__psynch_mutexwait", "_pthread_mutex_firstfit_lock_slow", "std::__1::mutex::lock()", "Delay::process"], "std::mutex::lock | Delay::process"],
    ["a dead lock of JUCE", ["pthread_mutex_lock", "juce::CriticalSection::enter() const", "Delay::process"], "juce::CriticalSection::enter | Delay::process"],
    ["a wait", ["NtWaitForMultipleObjects", "WaitForMultipleObjectsEx", "Delay::waitForLoader"], "Delay::waitForLoader"],

    // Dispatch.
    ["calls through std::function", ["Delay::onTimer()::$_3::operator()() const", "x"], "Delay::onTimer::$::operator()"],
    ["calls through an empty std::function", ["std::__1::__function::__value_func<void ()>::operator()() const", "std::function<void ()>::operator()() const", "Delay::notify"], "Delay::notify"],

    // Stacks without names.
    ["modules alone, with their callers", ["ntdll.dll!", "delay.vst3!", "delay.vst3!", "reaper.exe!"], "ntdll.dll | delay.vst3 | reaper.exe"],
    ["a module and then a name", ["delay.vst3!", "delay.vst3!", "reaper.exe!Track::process"], "delay.vst3 | Track::process"],
    ["at most four modules", ["a!", "b!", "c!", "d!", "e!"], "a | b | c | d"],
    ["a module again after another one", ["a!", "b!", "a!", "f"], "a | b | a | f"],
    ["an unloaded module", [{ offset: "0x7ff812340000", unloaded_modules: [{ module: "delay.vst3", offsets: [] }] }, "kernel32.dll!BaseThreadInitThunk"], "(unloaded delay.vst3) | BaseThreadInitThunk"],
    ["an address alone", ["@0x7ffd12345678"], "@0x7ffd12345678"],
    ["a module rather than an address", ["@0x7ffd12345678", "raise", "@0x7ffd12345670"], "raise"],
    ["nothing but noise", ["NtWaitForSingleObject", "WaitForSingleObjectEx"], "NtWaitForSingleObject"],
    ["frames but no names", ["", ""], "EMPTY: no frame data available"],
    ["no frames", [], "EMPTY: no frame data available"],

    // Lines.
    ["an interpreter's line", [{ function: "luaV_execute", file: "lvm.c", line: 1207 }], "luaV_execute:1207"],
    ["no line where there is none", [{ function: "luaV_execute" }], "luaV_execute"],
    ["no line for others", [{ function: "Delay::process", file: "delay.cpp", line: 12 }], "Delay::process"],

    // Repeats of one name.
    ["recursion through a prefix", ["free", "free", "free", "f"], "free | f"],
  ];
  it.each(rows)("%s", (_, frames, expected) => {
    expect(sign(crash(frames)).signature).toBe(expected);
  });

  it("has inlined functions before their physical one", () => {
    const frames = [{ ...frameOf("Delay::process"), inlines: [inlineOf("memcpy"), inlineOf("RingBuffer<float, 64>::push(float)")] }];
    const signature = sign(crash(frames));
    expect(signature.signature).toBe("memcpy | RingBuffer<T>::push");
    expect(signature.frames.map((frame) => [frame.frame, frame.inline])).toEqual([[0, 0], [0, 1], [0, null]]);
  });

  it("is looked at to 40 frames, inlined ones counted", () => {
    const two = { ...frameOf("free"), inlines: [inlineOf("malloc")] };
    expect(sign(crash(Array.from({ length: 30 }, () => two))).frames).toHaveLength(40);
    expect(sign(crash([...Array.from({ length: 40 }, () => "raise"), "Delay::process"])).signature).toBe("raise");
  });

  it("counts frames found by scanning like any other", () => {
    expect(sign(crash([{ ...frameOf("Delay::process"), trust: "scan" }])).signature).toBe("Delay::process");
  });

  it("lower-cases modules on Windows only", () => {
    const frames = ["Delay.VST3!", "Reaper.EXE!"];
    expect(sign(crash(frames, { os: "Windows NT" })).signature).toBe("delay.vst3 | reaper.exe");
    expect(sign(crash(frames, { os: "Mac OS X" })).signature).toBe("Delay.VST3 | Reaper.EXE");
    expect(sign(crash(frames, { os: null })).signature).toBe("Delay.VST3 | Reaper.EXE");
  });
});

describe("the crashing thread", () => {
  const rows: [string, Facts, Short[], string, RegExp | null][] = [
    ["unknown, but there is one", { thread: null }, ["Delay::process"], "Delay::process", /first thread is used/],
    ["unknown, without frames", { thread: null }, [], "EMPTY: no crashing thread identified", null],
    ["out of range", { thread: 7 }, ["Delay::process"], "EMPTY: no frame data available", null],
    ["negative", { thread: -1 }, ["Delay::process"], "EMPTY: no frame data available", null],
  ];
  it.each(rows)("%s", (_, facts, frames, expected, note) => {
    const signature = sign(crash(frames, facts));
    expect(signature.signature).toBe(expected);
    if (note !== null) expect(signature.notes.join("\n")).toMatch(note);
  });
});

describe("verdicts", () => {
  const verdicts = (frames: Short[]): string[] => sign(crash(frames)).frames.map(({ name, verdict, used }: FrameVerdict) => `${name} ${verdict}${used ? " +" : ""}`);

  it("tell what each frame did", () => {
    expect(verdicts(["raise", "_sigtramp", "", "NtWaitForSingleObject", "free", "free", "Delay::~Delay()", "main"])).toEqual([
      "raise before-sentinel",
      "_sigtramp sentinel",
      " empty",
      "NtWaitForSingleObject irrelevant",
      "free prefix +",
      "free repeat",
      "Delay::~Delay stop +",
      "main unused",
    ]);
  });

  it("name the list's line", () => {
    const frames = sign(crash(["raise", "_sigtramp", "kill", "free", "a.so!", "Delay::~Delay"])).frames;
    expect(frames.map((frame) => frame.rule?.replace(/\d+$/, "N") ?? null)).toEqual(["sentinels.txt:N", "sentinels.txt:N", "irrelevant.txt:N", "prefix.txt:N", null, null]);
  });

  it("say when an irrelevant frame had to do", () => {
    const signature = sign(crash(["raise", "kill"]));
    expect(signature.frames[0]).toMatchObject({ verdict: "stop", used: true });
    expect(signature.notes.join("\n")).toContain('every frame is irrelevant; "raise" is used all the same');
  });

  it("come with all names joined", () => {
    expect(sign(crash(["raise", "", "a.so!", "f(int)", "main"])).protoSignature).toBe("raise | a.so | f | main");
  });
});
