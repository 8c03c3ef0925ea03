// Special names by their codes, as in `??4` and `??_G`.

/** Names by code. Constructors, destructors and conversions are made of other names. */
export const operators: ReadonlyMap<string, string> = new Map(
  Object.entries({
    2: "operator new", 3: "operator delete", 4: "operator=", 5: "operator>>", 6: "operator<<", 7: "operator!", 8: "operator==", 9: "operator!=", A: "operator[]", C: "operator->", D: "operator*", E: "operator++",
    F: "operator--", G: "operator-", H: "operator+", I: "operator&", J: "operator->*", K: "operator/", L: "operator%", M: "operator<", N: "operator<=", O: "operator>", P: "operator>=", Q: "operator,", R: "operator()",
    S: "operator~", T: "operator^", U: "operator|", V: "operator&&", W: "operator||", X: "operator*=", Y: "operator+=", Z: "operator-=", _0: "operator/=", _1: "operator%=", _2: "operator>>=", _3: "operator<<=",
    _4: "operator&=", _5: "operator|=", _6: "operator^=", _7: "`vftable'", _8: "`vbtable'", _9: "`vcall'", _A: "`typeof'", _B: "`local static guard'", _D: "`vbase destructor'", _E: "`vector deleting destructor'",
    _F: "`default constructor closure'", _G: "`scalar deleting destructor'", _H: "`vector constructor iterator'", _I: "`vector destructor iterator'", _J: "`vector vbase constructor iterator'", _K: "`virtual displacement map'",
    _L: "`eh vector constructor iterator'", _M: "`eh vector destructor iterator'", _N: "`eh vector vbase constructor iterator'", _O: "`copy constructor closure'", _S: "`local vftable'",
    _T: "`local vftable constructor closure'", _U: "operator new[]", _V: "operator delete[]", _X: "`placement delete closure'", _Y: "`placement delete[] closure'", __A: "`managed vector constructor iterator'",
    __B: "`managed vector destructor iterator'", __C: "`eh vector copy constructor iterator'", __D: "`eh vector vbase copy constructor iterator'", __G: "`vector copy constructor iterator'",
    __H: "`vector vbase copy constructor iterator'", __I: "`managed vector vbase copy constructor iterator'", __J: "`local static thread guard'", __L: "operator co_await", __M: "operator<=>",
  }),
);

/** Builtin types by letter. */
export const builtins: ReadonlyMap<string, string> = new Map(
  Object.entries({
    X: "void", D: "char", C: "signed char", E: "unsigned char", F: "short", G: "unsigned short", H: "int", I: "unsigned int", J: "long", K: "unsigned long", M: "float", N: "double", O: "long double", _N: "bool",
    _D: "__int8", _E: "unsigned __int8", _F: "__int16", _G: "unsigned __int16", _H: "__int32", _I: "unsigned __int32", _J: "__int64", _K: "unsigned __int64", _L: "__int128", _M: "unsigned __int128", _W: "wchar_t",
    _Q: "char8_t", _S: "char16_t", _U: "char32_t", _P: "auto", _T: "decltype(auto)",
  }),
);
