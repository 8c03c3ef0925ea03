// One row for each rule of Microsoft's mangling. What the names say was checked
// with llvm-undname 14; the spelling is ours (see demangle.ts).
import { describe, expect, test } from "vitest";
import { demangle } from "../../../symbols/demangle/demangle.ts";

const rows: readonly [what: string, name: string, text: string | null][] = [
  ["parts and copies that clang makes", "?convolve@halcyon@@YAHPEBMPEAMHPEBH@Z.cold.1", "halcyon::convolve(float const*, float*, int, int const*) [clone .cold.1]"],
  ["several of them", "?f@@YAXXZ.llvm.123.cold", "f() [clone .llvm.123] [clone .cold]"],
  ["functions", "?f@@YAXXZ", "f()"],
  ["members, by their qualifiers", "?f@A@@QEGBAXH@Z", "A::f(int) const &"],
  ["static members", "?f@A@ns@@CAXXZ", "ns::A::f()"],
  ["variables, without their type", "?x@A@@2PEAY02HEA", "A::x"],
  ["constructors and destructors", "??0?$vector@HV?$allocator@H@std@@@std@@QEAA@XZ", "std::vector<int, std::allocator<int> >::vector()"],
  ["destructors of lambdas, whose brackets are their name", "??1<lambda_1>@?0??f@@YAXXZ@QEAA@XZ", "`f()'::`1'::<lambda_1>::~<lambda_1>()"],
  ["constructors that are templates", "??$?0H@A@@QEAA@H@Z", "A::A<int>(int)"],
  ["conversions", "??BA@@QEBAPEBHXZ", "A::operator int const*() const"],
  ["conversions that are templates", "??$?BH@A@@QEAAHXZ", "A::operator int<int>()"],
  ["operators", "??4A@@QEAAAEAV0@AEBV0@@Z", "A::operator=(A const&)"],
  ["an operator that meets the arguments' bracket", "??$?MH@A@@QEAAXXZ", "A::operator< <int>()"],
  ["what the compiler makes", "??_GA@@UEAAPEAXI@Z", "A::`scalar deleting destructor'(unsigned int)"],
  ["literal operators", "??__K_deg@@YAHO@Z", 'operator"" _deg(long double)'],
  ["builtin types", "?f@@YAXDCEFGHIJKMNO_N_J_K_W_Q_S_U@Z", "f(char, signed char, unsigned char, short, unsigned short, int, unsigned int, long, unsigned long, float, double, long double, bool, __int64, unsigned __int64, wchar_t, char8_t, char16_t, char32_t)"],
  ["pointers and references", "?f@@YAXPEBHQEAHAEBD$$QEAH@Z", "f(int const*, int* const, char const&, int&&)"],
  ["pointers to functions", "?f@@YAXP6AXH@ZP8A@@EBAXXZ@Z", "f(void (*)(int), void (A::*)() const)"],
  ["pointers to members", "?f@@YAXPEQA@@H@Z", "f(int A::*)"],
  ["arrays", "?f@@YAXPEAY124H@Z", "f(int (*) [3][5])"],
  ["a function that returns a pointer to one", "?f@@YAP6AXH@ZXZ", "f()"],
  ["enums, unions, nullptr", "?f@@YAXW4E@@TU@@$$T@Z", "f(E, U, std::nullptr_t)"],
  ["variable arguments", "?f@@YAXHZZ", "f(int, ...)"],
  ["names that are referred to", "?f@ns@@YAXAEAVA@1@AEAVB@1@@Z", "ns::f(ns::A&, ns::B&)"],
  ["types that are referred to", "?f@@YAXPBD0P6AXXZ1@Z", "f(char const*, char const*, void (*)(), void (*)())"],
  ["templates have references of their own", "?f@@YAXV?$Y@VX@NA@@@NA@@V1NB@@@Z", "f(NA::Y<NA::X>, NB::Y<NA::X>)"],
  ["numbers", "??$f@$00$0A@$0BAA@$0?0@@YAXXZ", "f<1, 0, 256, -1>()"],
  ["symbols as arguments", "??$f@$1?x@@3HA$E?y@@3HA@@YAXXZ", "f<&x, y>()"],
  ["functions as arguments", "?f@@YAXV?$function@$$A6AXH@Z@std@@@Z", "f(std::function<void (int)>)"],
  ["empty packs", "??$f@$$V@@YAXXZ", "f<>()"],
  ["ends of packs", "??$f@H$$ZH@@YAXXZ", "f<int, int>()"],
  ["anonymous namespaces, without the file's number", "?f@?A0x12345678@@YAXXZ", "(anonymous namespace)::f()"],
  ["what is in a function", "?g@?1??f@@YAXXZ@4HA", "`f()'::`2'::g"],
  ["handlers of exceptions", "?catch$2@?0??f@@YAXXZ@4HA", "`f()'::`1'::catch$2"],
  ["initialisers", "??__Ex@@YAXXZ", "`dynamic initializer for 'x''()"],
  ["initialisers of members", "??__E?x@A@@2HA@@YAXXZ", "`dynamic initializer for 'A::x''()"],
  ["thunks that move this", "?f@A@@WBA@EAAXXZ", "[thunk]: A::f`adjustor{16}'()"],
  ["thunks of virtual bases", "?f@A@@$4PPPPPPPM@A@EAAXXZ", "[thunk]: A::f`vtordisp{-4, 0}'()"],
  ["virtual calls", "??_9A@@$BA@AA", "[thunk]: A::`vcall'{0, {flat}}"],
  ["tables", "??_7A@@6BB@@@", "A::`vftable'{for `B'}"],
  ["type information", "??_R0?AVA@@@8", "A `RTTI Type Descriptor'"],
  ["type information of bases", "??_R1A@?0A@EA@A@@8", "A::`RTTI Base Class Descriptor at (0, -1, 0, 64)'"],
  ["functions that do not throw", "?f@@YAXX_E", "f()"],
  // What stays as it is.
  ["strings", "??_C@_02PCIJFNDE@AB@", null],
  ["hashes of over-long names", "??@a6a285da2eea70dba6b578022be61d81@", null],
  ["a name that is cut off", "?f@@YAXV?$fun", null],
  ["letters behind the end", "?f@@YAXXZ1", null],
  ["an unknown reference", "?f@@YAX9@Z", null],
];

describe("Microsoft's names", () => {
  test.each(rows)("%s: %s", (_what, name, text) => {
    expect(demangle(name)).toBe(text);
  });
});
