// One row for each rule of Rust's manglings. The names were made by rustc 1.95
// and by hand; the texts are those of rustc's short form and `c++filt -i`.
import { describe, expect, test } from "vitest";
import { demangle } from "../../../symbols/demangle/demangle.ts";

const rows: readonly [what: string, name: string, text: string | null][] = [
  // Legacy.
  ["legacy, without the hash", "_ZN4core3fmt5Write9write_fmt17h1234567890abcdefE", "core::fmt::Write::write_fmt"],
  ["escaped marks", "_ZN75_$LT$alloc..vec..Vec$LT$$RF$mut$u20$T$C$A$GT$$u20$as$u20$a..Tr$LT$U$GT$$GT$4iter17h0123456789abcdefE", "<alloc::vec::Vec<&mut T,A> as a::Tr<U>>::iter"],
  ["closures", "_ZN1a1b28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE", "a::b::{{closure}}"],
  ["copies", "_ZN1a1b17h0123456789abcdefE.llvm.123", "a::b [clone .llvm.123]"],
  ["Mach-O's underscore", "__ZN1a1b17h0123456789abcdefE", "a::b"],
  ["C++ with such a name", "_ZN1a1b17h0123456789abcdefEv", "a::b::h0123456789abcdef()"],
  // v0.
  ["a function in a crate", "_RNvCs1234_7mycrate3foo", "mycrate::foo"],
  ["inherent methods", "_RNvMs_NtCs1234_7mycrate3fooNtB4_3Bar3baz", "<mycrate::foo::Bar>::baz"],
  ["trait methods", "_RNvXs_Cs1234_1aNtB4_1SNtB4_2Tr2go", "<a::S as a::Tr>::go"],
  ["trait definitions", "_RNvYNtC1a1SNtB4_2Tr2go", "<a::S as a::Tr>::go"],
  ["arguments", "_RINvC1a1fmNtB2_1SE", "a::f::<u32, a::S>"],
  ["closures and shims", "_RNSNCNvC1a1fs0_06vtable", "a::f::{closure#2}::{shim:vtable#0}"],
  ["an empty name before digits", "_RNvNCNvC1a1fs_04__key", "a::f::{closure#1}::_key"],
  ["names that begin with an underscore or a digit", "_RNvC1a4__fn1", "a::_fn1"],
  ["coded names", "_RNvC1au8gdel_5qa", "a::gödel"],
  ["tuples, slices and arrays", "_RINvC1a1fTmThEuESeAhj3_E", "a::f::<(u32, (u8,), ()), [str], [u8; 3]>"],
  ["references and pointers", "_RINvC1a1fRhQmPlOxE", "a::f::<&u8, &mut u32, *const i32, *mut i64>"],
  ["functions", "_RINvC1a1fFUKChEuFG_RL0_hERL0_hE", "a::f::<unsafe extern \"C\" fn(u8), for<'a> fn(&'a u8) -> &'a u8>"],
  ["trait objects", "_RINvC1a1fDNtB2_4Iterp4ItemyEL_E", "a::f::<dyn a::Iter<Item = u64>>"],
  ["constants", "_RINvC1a1fKj5_Kln5_Kb1_Kc27_Ky1000000000000000_KpE", "a::f::<5, -5, true, '\\'', 1152921504606846976, _>"],
  ["the crate that made it, which is not shown", "_RNvC1a1fC1b", "a::f"],
  ["copies", "_RNvC1a1f.cold", "a::f [clone .cold]"],
  ["a reference forward", "_RNvB9_1f", null],
  ["a name that is cut off", "_RNvC1a", null],
  ["a version that does not exist", "_R1NvC1a1f", null],
];

describe("Rust names", () => {
  test.each(rows)("%s: %s", (_what, name, text) => {
    expect(demangle(name)).toBe(text);
  });
});
