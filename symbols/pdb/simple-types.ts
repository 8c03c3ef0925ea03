// Types that a PDB has no record for: their number says it all. Bits 0 to 7
// are a type, bits 8 to 10 say whether it is that type or a pointer to it
// (cvinfo.h's TYPE_ENUM_e; LLVM's CodeViewTypes).
//
// They are spelled as C++ has them, where a compiler's own word (`__int64`)
// would only be another name.

/** Numbers below this are simple types. */
export const firstRecord = 0x1000;

const names: { readonly [type: number]: string } = {
  0x03: "void",
  0x08: "HRESULT",
  0x10: "signed char",
  0x20: "unsigned char",
  0x68: "signed char",
  0x69: "unsigned char",
  0x70: "char",
  0x71: "wchar_t",
  0x7a: "char16_t",
  0x7b: "char32_t",
  0x7c: "char8_t",
  0x11: "short",
  0x21: "unsigned short",
  0x72: "short",
  0x73: "unsigned short",
  0x12: "long",
  0x22: "unsigned long",
  0x74: "int",
  0x75: "unsigned int",
  0x13: "long long",
  0x23: "unsigned long long",
  0x76: "long long",
  0x77: "unsigned long long",
  0x14: "__int128",
  0x24: "unsigned __int128",
  0x78: "__int128",
  0x79: "unsigned __int128",
  0x46: "_Float16",
  0x40: "float",
  0x45: "float",
  0x41: "double",
  0x42: "long double",
  0x43: "__float128",
  0x50: "float _Complex",
  0x51: "double _Complex",
  0x52: "long double _Complex",
  0x53: "__float128 _Complex",
  0x30: "bool",
  0x31: "short",
  0x32: "int",
  0x33: "long long",
};

/** Bytes of the types that arrays are made of. */
const sizes: { readonly [type: number]: number } = {
  ...Object.fromEntries([0x10, 0x20, 0x68, 0x69, 0x70, 0x7c, 0x30].map((type) => [type, 1])),
  ...Object.fromEntries([0x11, 0x21, 0x72, 0x73, 0x71, 0x7a, 0x46, 0x31].map((type) => [type, 2])),
  ...Object.fromEntries([0x12, 0x22, 0x74, 0x75, 0x7b, 0x40, 0x45, 0x08, 0x32].map((type) => [type, 4])),
  ...Object.fromEntries([0x13, 0x23, 0x76, 0x77, 0x41, 0x50, 0x33].map((type) => [type, 8])),
  ...Object.fromEntries([0x14, 0x24, 0x78, 0x79, 0x43, 0x51].map((type) => [type, 16])),
  0x42: 10,
};
/** By mode: bytes of a pointer of that kind. */
const pointerSizes = [0, 2, 4, 4, 4, 6, 8, 16];
/** `decltype(nullptr)` is told apart by being a 16-bit pointer to void. */
const nullPointer = 0x103;

/** The name of a simple type; null for a number that is none. */
export function simpleTypeName(type: number): string | null {
  if (type === nullPointer) return "std::nullptr_t";
  const name = names[type & 0xff];
  if (name === undefined) return null;
  return isSimplePointer(type) ? `${name}*` : name;
}

/** Whether a simple type is a pointer to one. */
export function isSimplePointer(type: number): boolean {
  return (type & 0x700) !== 0;
}

/** Bytes of a simple type; 0 when not known. */
export function simpleTypeBytes(type: number): number {
  return isSimplePointer(type) ? pointerSizes[(type >>> 8) & 7]! : (sizes[type & 0xff] ?? 0);
}
