// One row a spelling: what a frame is called, and what it becomes.
import { describe, expect, it } from "vitest";
import { frameName, inlineName } from "../../signature/frame-name.ts";
import { frameOf, inlineOf, type Short } from "./crash.ts";

const nameOf = (name: string, file: string | null = null): string => frameName(frameOf({ function: name, file }), false).text;

describe("C and C++", () => {
  const rows: [string, string][] = [
    // A C function.
    ["process_block", "process_block"],
    // A libc function by the name it has on one kind of processor.
    ["__memmove_avx512_unaligned_erms", "memmove"],
    ["__memmove_sse2_unaligned", "memmove"],
    ["__strlen_evex", "strlen"],
    ["__memcpy_generic", "memcpy"],
    // A name that only looks like one.
    ["__memory_avx_pool", "__memory_avx_pool"],
    ["__memmove_chk", "__memmove_chk"],
    // Arguments go: overloads are one function to a reader.
    ["f3(s,t,u)", "f3"],
    ["void juce::Component::paint(juce::Graphics&)", "juce::Component::paint"],
    // Qualifiers of member functions go.
    ["Delay::size() const", "Delay::size"],
    ["Delay::size() const &", "Delay::size"],
    ["Delay::take() &&", "Delay::take"],
    ["Delay::size() volatile", "Delay::size"],
    ["Delay::swap() noexcept", "Delay::swap"],
    ["JSObject::allocKindForTenure const", "JSObject::allocKindForTenure"],
    // Return types and what else stands before.
    ["static bool Foo::isReady()", "Foo::isReady"],
    ["class juce::String & juce::String::operator+=(class juce::String const &)", "juce::String::operator+="],
    ["public: virtual void __cdecl MyPlugin::processBlock(class juce::AudioBuffer<float> &,class juce::MidiBuffer &)", "MyPlugin::processBlock"],
    ["std::vector<float, std::allocator<float> > makeTable<float>(int)", "makeTable"],
    ["decltype(auto) visit<int>(int)", "visit"],
    // Trailing return types.
    ["auto f<int>(int) -> int", "f"],
    // What 32-bit Windows puts around names.
    ["_DllMain@12", "DllMain"],
    ["DllMain@12", "DllMain"],
    ["@halcyon_c_fastcall@8", "halcyon_c_fastcall"],
    ["blend_vectorcall@@24", "blend_vectorcall"],
    ["halcyon::Engine::set_parameter(int, double)@16", "halcyon::Engine::set_parameter"],
    ["_start", "_start"],
    ["memcpy@@GLIBC_2.14", "memcpy@@GLIBC_2.14"],
    ["user@2x", "user@2x"],
    // A closure's own function, and the one that it converts to, in every compiler's words.
    ["halcyon::Engine::process::<lambda_0>::operator()", "halcyon::Engine::process::$::operator()"],
    ["halcyon::Engine::process::<lambda0>::operator()(float) const", "halcyon::Engine::process::$::operator()"],
    ["halcyon::Engine::process(rack::Block const&)::{lambda(float)#1}::operator()(float) const", "halcyon::Engine::process::$::operator()"],
    ["halcyon::Engine::process::<lambda_0>::__invoke", "halcyon::Engine::process::$::__invoke"],
    ["halcyon::Engine::process(rack::Block const&)::{lambda(float)#1}::_FUN(float)", "halcyon::Engine::process::$::__invoke"],
    ["halcyon::Engine::process::{unnamed type}::_FUN", "halcyon::Engine::process::$::__invoke"],
    ["halcyon::Engine::process::<lambda_1f2e>::<lambda_invoker_cdecl>(float)", "halcyon::Engine::process::$::__invoke"],
    // Clang's PDBs have inlined template functions without their arguments, so all go without them; classes keep theirs.
    ["halcyon::clamp", "halcyon::clamp"],
    ["float halcyon::clamp<float>(float, float, float)", "halcyon::clamp"],
    ["Ring<float, 8>::Ring<float, 8>", "Ring<T>::Ring"],
    ["List::operator std::vector<int>() const", "List::operator std::vector<T>"],
    // Thunks are the function they lead to.
    ["non-virtual thunk to MyEditor::resized()", "MyEditor::resized"],
    ["virtual thunk to MyEditor::~MyEditor()", "MyEditor::~MyEditor"],
    ["[thunk]:MyEditor::release`adjustor{16}' (void)", "MyEditor::release"],
    // Template arguments collapse, whatever they hold.
    ["RingBuffer<float,64>::push(float)", "RingBuffer<T>::push"],
    ["RingBuffer<float, 64>::push(float)", "RingBuffer<T>::push"],
    ["RingBuffer<float,64ul>::push(float)", "RingBuffer<T>::push"],
    ["A<B<C<D> > >::e()", "A<T>::e"],
    ["A<B<C<D>>>::e<F>()", "A<T>::e"],
    // A comparison inside template arguments is no bracket.
    ["A<(3>2)>::f()", "A<T>::f"],
    ["A<(1<<4)>::f()", "A<T>::f"],
    ["A<decltype(p->q)>::f()", "A<T>::f"],
    // Function pointers inside template arguments.
    ["thread_start<unsigned int (__cdecl*)(void *)>", "thread_start"],
    // Not template arguments at all.
    ["<name omitted>", "<name omitted>"],
    ["<unknown in igd10umd32.dll>", "<unknown in igd10umd32.dll>"],
    // Anonymous namespaces, as each compiler writes them.
    ["(anonymous namespace)::scan(int)", "(anonymous namespace)::scan"],
    ["`anonymous namespace'::scan", "(anonymous namespace)::scan"],
    ["`anonymous-namespace'::scan", "(anonymous namespace)::scan"],
    ["{anonymous}::scan(int)", "(anonymous namespace)::scan"],
    ["<anonymous namespace>::scan", "(anonymous namespace)::scan"],
    ["a::_GLOBAL__N_1::scan", "a::(anonymous namespace)::scan"],
    ["a::?A0x8f3b2c1d::scan", "a::(anonymous namespace)::scan"],
    ["static void (anonymous namespace)::scan<int>(int)", "(anonymous namespace)::scan"],
    // An argument from an anonymous namespace goes with the others.
    ["f((anonymous namespace)::Bar*)", "f"],
    // Lambdas, as each compiler writes them.
    ["Synth::render(int)::{lambda(int)#1}::operator()(int) const", "Synth::render::$::operator()"],
    ["Synth::render(int)::{lambda(std::pair<int, int>&)#12}::operator()(std::pair<int, int>&) const", "Synth::render::$::operator()"],
    ["Synth::render::<lambda_1>::operator()", "Synth::render::$::operator()"],
    ["Synth::render::<lambda_0d5b8f0ac35d>::operator()", "Synth::render::$::operator()"],
    ["Synth::render::`2'::<lambda_1>::operator()", "Synth::render::$::operator()"],
    ["Synth::render(int)::<lambda(int)>", "Synth::render::$"],
    ["Synth::render(int)::$_0::operator()(int) const", "Synth::render::$::operator()"],
    ["Synth::render(int)::'lambda'(int)::operator()(int) const", "Synth::render::$::operator()"],
    ["Synth::render(int)::'lambda3'(int)::operator()(int) const", "Synth::render::$::operator()"],
    ["ShutdownWorkThreads::$_52::__invoke", "ShutdownWorkThreads::$::__invoke"],
    // A name with "lambda" in it is no lambda.
    ["lambda_cleanup(int)", "lambda_cleanup"],
    ["Filter::setLambda(float)", "Filter::setLambda"],
    // Operators: their signs are not brackets, and none is lost.
    ["Foo::operator()(int)", "Foo::operator()"],
    ["Foo::operator() const", "Foo::operator()"],
    ["bool Foo::operator==(Foo const&) const", "Foo::operator=="],
    ["bool operator<(A const&, B const&)", "operator<"],
    ["Foo::operator<<(int)", "Foo::operator<<"],
    ["std::ostream& std::operator<< <std::char_traits<char> >(std::ostream&, char const*)", "std::operator<<"],
    ["Foo::operator<=>(Foo const&) const", "Foo::operator<=>"],
    ["Foo<int>::operator->() const", "Foo<T>::operator->"],
    ["std::vector<int>::operator[](unsigned long)", "std::vector<T>::operator[]"],
    ["Foo::operator&() const", "Foo::operator&"],
    ["operator new(unsigned long)", "operator new"],
    ["void * __cdecl operator new[](unsigned __int64)", "operator new[]"],
    ["operator delete(void*, unsigned long)", "operator delete"],
    // Conversions keep the type they convert to.
    ["JS::Heap<JSObject*>::operator JSObject* const &()", "JS::Heap<T>::operator JSObject* const&"],
    ["Foo::operator bool() const", "Foo::operator bool"],
    ["Foo::operator std::vector<int> const&() const &", "Foo::operator std::vector<T> const&"],
    // Not the keyword.
    ["Foo::operatorCount(int)", "Foo::operatorCount"],
    // Parts that the compiler split off.
    ["Delay::process(float*) [clone .cold.222]", "Delay::process"],
    ["Delay::process(float*) const [clone .cold]", "Delay::process"],
    ["Delay::process(float*) [clone .isra.0] [clone .cold]", "Delay::process"],
    ["process_block.isra.0.cold", "process_block"],
    ["process_block.part.3", "process_block"],
    ["process_block.llvm.1234567890", "process_block"],
    ["Delay::process(float*) (.cold.1)", "Delay::process"],
    // A dot that means something else.
    ["Foo.bar", "Foo.bar"],
    ["foo.3", "foo.3"],
    // Versioned inline namespaces and ABI tags.
    ["std::__1::mutex::lock()", "std::mutex::lock"],
    ["std::__cxx11::basic_string<char>::size() const", "std::basic_string<T>::size"],
    ["std::__ndk1::mutex::lock()", "std::mutex::lock"],
    ["std::__1::vector<int>::at[abi:ne180100](unsigned long)", "std::vector<T>::at"],
    ["mystd::__1::f", "mystd::__1::f"],
    // Microsoft's special members.
    ["Foo::`scalar deleting destructor'(unsigned int)", "Foo::`scalar deleting destructor'"],
    ["`dynamic initializer for 'gState''", "`dynamic initializer for 'gState''"],
    // Objective-C.
    ["-[MyView drawRect:]", "-[MyView drawRect:]"],
    ["+[NSException raise:format:]", "+[NSException raise:format:]"],
    ["-[MyView(Private) layout]", "-[MyView(Private) layout]"],
    // Swift.
    ["MyApp.Engine.start(rate: Swift.Double) -> Swift.Bool", "MyApp.Engine.start"],
    // Spaces.
    ["  f  ( int ,  char * ) ", "f"],
    ["Foo::operator JSObject  *()", "Foo::operator JSObject*"],
    // Line breaks are spaces and control characters nothing, so that a name cannot forge a line of a log.
    ["void\tFoo::bar()\n", "Foo::bar"],
    ["Foo\u0000::bar\u001b[1m", "Foo::bar[1m"],
    ["Foo::\u202ebar", "Foo::bar"],
    // Composed and decomposed accents are one name.
    ["Gro\u0308\u00dfe::set", "Gr\u00f6\u00dfe::set"],
    // Unbalanced brackets reach to the end.
    ["Foo<bar", "Foo"],
    ["Foo<bar<baz>", "Foo"],
    ["Foo::bar(int", "Foo::bar"],
    // Closing brackets without partner are letters.
    ["Foo::bar)", "Foo::bar)"],
    [">>>", ">>>"],
  ];
  it.each(rows)("%j is %j", (name, expected) => {
    expect(nameOf(name)).toBe(expected);
  });
});

describe("Rust", () => {
  const rows: [string, string][] = [
    // The hash of legacy mangling.
    ["expect_failed::h7f635057bfba806a", "expect_failed"],
    // A function, though made of hexadecimal digits.
    ["plug::hadd", "plug::hadd"],
    // Not at the end: a module that happens to be called so.
    ["expect_failed::h7f6350::blah", "expect_failed::h7f6350::blah"],
    // PDB's spelling, with prefix, return type and arguments.
    ["static void servo_arc::Arc<style::gecko_properties::ComputedValues>::drop_slow<style::gecko_properties::ComputedValues>()", "servo_arc::Arc<T>::drop_slow"],
    // Which implementation of a trait it is stays.
    ["<rayon_core::job::HeapJob<BODY> as rayon_core::job::Job>::execute", "<rayon_core::job::HeapJob<BODY> as rayon_core::job::Job>::execute"],
    ["<alloc::vec::Vec<T,A> as core::ops::drop::Drop>::drop::h0123456789abcdef", "<alloc::vec::Vec<T, A> as core::ops::drop::Drop>::drop"],
    // The cold part of a function is the function, with the hash or without.
    ["plug::process [clone .cold]", "plug::process"],
    ["plug::process::h7f635057bfba806a [clone .llvm.123]", "plug::process"],
    // Closures of legacy mangling, v0 mangling and PDB.
    ["plug::process::{{closure}}", "plug::process::{{closure}}"],
    ["plug::process::{closure#0}", "plug::process::{{closure}}"],
    ["plug::process::closure$0", "plug::process::{{closure}}"],
    // Nameless implementations.
    ["plug::impl$3::process<f32>", "plug::{{impl}}::process"],
    ["plug::{impl#3}::process::<f32>", "plug::{{impl}}::process"],
    ["core::ops::function::FnOnce::call_once{shim:vtable#0}", "core::ops::function::FnOnce::call_once{{vtable.shim}}"],
    ["core::ptr::drop_in_place<alloc::vec::Vec<u8>>", "core::ptr::drop_in_place"],
  ];
  it.each(rows)("%j is %j", (name, expected) => {
    expect(nameOf(name, "src/lib.rs")).toBe(expected);
  });

  it("is known by its hash where there is no file", () => {
    expect(nameOf("plug::process::h0123456789abcdef")).toBe("plug::process");
  });

  it("keeps a short h… of C++", () => {
    expect(nameOf("plug::hash::h12")).toBe("plug::hash::h12");
  });

  const modules: [string, string, string][] = [
    // rustc's own files, in the layouts of several years.
    ["begin_panic_fmt", "git:github.com/rust-lang/rust:src/libstd/panicking.rs:91856ed52c58aa5ba66a015354d1cc69e9779bdf", "std::panicking::begin_panic_fmt"],
    ["panic_fmt", "/rustc/90b35a6239c3d8bdabc530a6a0816f7ff89a0aaf/library/core/src/panicking.rs", "core::panicking::panic_fmt"],
    ["unwrap", "/rustc/90b35a6239c3d8bdabc530a6a0816f7ff89a0aaf\\library\\core\\src\\option\\mod.rs", "core::option::unwrap"],
    // A name that has its module.
    ["core::panicking::panic", "git:github.com/rust-lang/rust:src/libcore/panicking.rs:91856ed52c58aa5ba66a015354d1cc69e9779bdf", "core::panicking::panic"],
    // A file of ours that looks a little like it.
    ["panic", "/home/x/library/core/src/panicking.rs", "panic"],
  ];
  it.each(modules)("%s in %s is %s", (name, file, expected) => {
    expect(nameOf(name, file)).toBe(expected);
  });
});

describe("a frame", () => {
  const rows: [string, Short, boolean, string, string][] = [
    ["function before all else", { function: "f()", module: "a.so", file: "f.cpp", line: 3, offset: "0x10" }, false, "f", "function"],
    ["file and line", { module: "a.so", file: "/src/dsp/delay.cpp", line: 23 }, false, "delay.cpp#23", "source"],
    ["file and line, Windows", { module: "a.dll", file: "c:\\src\\dsp\\delay.cpp", line: 23 }, true, "delay.cpp#23", "source"],
    ["file from version control", { file: "hg:hg.mozilla.org/a/b:servio/wrapper.rs:44444444444", line: 23 }, false, "wrapper.rs#23", "source"],
    ["a folder for a file", { module: "module", file: "source/", line: 23 }, false, "source#23", "source"],
    ["a file without a line says too little", { module: "a.so", file: "delay.cpp" }, false, "a.so", "module"],
    ["a module", { module: "libdelay.so", offset: "0x10" }, false, "libdelay.so", "module"],
    ["a module keeps its case", { module: "Delay.dylib" }, false, "Delay.dylib", "module"],
    ["but not on Windows", { module: "Delay.VST3" }, true, "delay.vst3", "module"],
    ["square brackets of a module go", { module: "[vdso]" }, false, "vdso", "module"],
    ["an unloaded module", { offset: "0x7ff812340000", unloaded_modules: [{ module: "Delay.vst3", offsets: ["0x10"] }] }, true, "(unloaded delay.vst3)", "unloaded"],
    ["an address", { offset: "0x32ec0" }, false, "@0x32ec0", "address"],
    ["an address without its zeros", { offset: "0x0000000000032ec0" }, false, "@0x32ec0", "address"],
    ["zero", { offset: "0x00000000" }, false, "@0x0", "address"],
    ["nothing at all", {}, false, "", "empty"],
    ["an empty function is none", { function: "", module: "a.so" }, false, "a.so", "module"],
    ["brackets alone are none", { function: "(((", module: "a.so" }, false, "a.so", "module"],
    ["Apple's redacted names are none", { function: "<redacted>", module: "AudioToolbox" }, false, "AudioToolbox", "module"],
    ["a debugger's question marks are none", { function: "??", module: "a.so" }, false, "a.so", "module"],
    ["a debugger's made-up name is none", { function: "___lldb_unnamed_symbol1234", module: "a.so" }, false, "a.so", "module"],
    ["a nameless function with a line", { function: "??", module: "a.so", file: "a.c", line: 4 }, false, "a.c#4", "source"],
    ["a module of another script", { module: "プラグイン.vst3" }, true, "プラグイン.vst3", "module"],
  ];
  it.each(rows)("%s", (_, short, isWindows, text, kind) => {
    expect(frameName(frameOf(short), isWindows)).toEqual({ text, kind });
  });

  it("inlined has a function, or a line, or nothing", () => {
    expect(inlineName(inlineOf("f(int)", "a.cpp", 1))).toEqual({ text: "f", kind: "function" });
    expect(inlineName(inlineOf("", "a.cpp", 1))).toEqual({ text: "a.cpp#1", kind: "source" });
    expect(inlineName(inlineOf(""))).toEqual({ text: "", kind: "empty" });
  });
});
