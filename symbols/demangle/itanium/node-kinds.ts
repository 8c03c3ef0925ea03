// The nodes of a parsed name. A node is four numbers in one array (a function
// and a `new` take eight): its tag and the fields a, b, c. The tag holds the
// kind, what a declarator needs to know of its shape, and 16 bits of the kind's
// own. A field is a node, a text's number, or a run (start, count) of a list.
// Node 0 is no node: the parse failed there.

/** The bits of a tag that hold the kind. */
export const KIND_MASK = 0xff;
/** The type prints something after the declarator, as the `)` of a pointer to a function. */
export const HAS_RIGHT = 0x100;
/** The type is an array. */
export const IS_ARRAY = 0x200;
/** The type is a function. */
export const IS_FUNCTION = 0x400;
/** The shape is known only when printing, as that of a pack's element. */
export const IS_DYNAMIC = 0x800;
/** All the bits above but the kind. */
export const SHAPE_MASK = 0xf00;
/** The kind's own bits start here. */
export const EXTRA_SHIFT = 16;

/** Extra bits of QUALIFIED, FUNCTION and ENCODING. */
export const CONST = 1;
export const VOLATILE = 2;
export const RESTRICT = 4;
export const REF = 8;
export const RVALUE_REF = 16;
/** Exceptions of a function type: `noexcept`, `noexcept(d)`, `throw(d)`, and `transaction_safe`. */
export const NOEXCEPT = 32;
export const NOEXCEPT_IF = 64;
export const THROWS = 128;
export const TRANSACTION_SAFE = 256;

// Names.
/** a, b: start and bytes in the input. */
export const SOURCE = 1;
/** a: text; c: the text of the class's own name, for its constructor; 0 when it has none. */
export const TEXT = 2;
/** a::b. */
export const NESTED = 3;
/** a: name; b, c: list of arguments. */
export const TEMPLATE = 4;
/** A pointer to a. */
export const POINTER = 5;
export const LVALUE_REF = 6;
export const RVALUE_REFERENCE = 7;
/** a with the qualifiers in extra. */
export const QUALIFIED = 8;
/** a: name; b: function type, 0 for data; c: number of the encoding; extra: qualifiers of the member function. */
export const ENCODING = 9;
/** a: return type or 0; b, c: list of parameters; d: what throws or a condition; extra: qualifiers. */
export const FUNCTION = 10;
/** a: class. */
export const CONSTRUCTOR = 11;
export const DESTRUCTOR = 12;
/** a: row of the operator table. */
export const OPERATOR = 13;
/** a: type. */
export const CONVERSION = 14;
/** a: name, as in `operator"" a`. */
export const LITERAL_OPERATOR = 15;
export const VENDOR_OPERATOR = 16;
/** a: name; b, c: start and bytes of the tag. */
export const ABI_TAG = 17;
/** a: function; b: what is in it, 0 for a string; c: number of the default argument, 0 for none. */
export const LOCAL = 18;
/** a, b: list, of which the first `extra` are template parameters; c: number. */
export const LAMBDA = 19;
/** c: number. */
export const UNNAMED = 20;
/** a, b: list. */
export const BINDING = 21;
/** a: name; b: module. */
export const IN_MODULE = 22;
/** a: parent or 0; b: part; extra: 1 for a partition. */
export const MODULE = 23;
/** a: text printed before b. */
export const SPECIAL = 24;
/** a: the base; b: the class that is constructed. */
export const CONSTRUCTION_VTABLE = 25;
/** a: name; b: number. */
export const REFERENCE_TEMPORARY = 26;

// Types.
/** a: class; b: the member's type. */
export const MEMBER_POINTER = 30;
/** a: element; b: dimension or 0. */
export const ARRAY = 31;
/** a: type; b: the qualifier's name. */
export const VENDOR_QUALIFIED = 32;
/** a: type; b: text behind it. */
export const POSTFIX_TYPE = 33;
/** a: element; b: dimension. */
export const VECTOR = 34;
/** a: start, b: bytes of the digits; c: text before, extra: text behind. */
export const NUMBERED_TYPE = 35;
/** a: what is repeated for each element of the pack in it. */
export const EXPANSION = 36;
/** a, b: list of arguments that are one. */
export const ARGUMENT_PACK = 37;
/** A template parameter that is a pack: a, b: its list, of which one element is meant at a time; c: number of the encoding; extra: its number. */
export const PACK_ELEMENT = 38;
/** a: what the parameter stands for, known after the name was read; b: its number. */
export const FORWARD = 39;
/** a: number of a generic lambda's parameter; elsewhere the argument of the function that is printed. */
export const AUTO = 40;
/** A template parameter. a: its argument; b: its number; c: number of the encoding it belongs to. */
export const PARAMETER_TYPE = 43;
/** a: a substitution from another encoding, whose template parameters mean those of the present one. */
export const FOREIGN = 44;
/** a: expression. */
export const DECLTYPE = 41;
/** A template parameter that a lambda declares. a: text of its kind; b: number; c: its type, or 0. */
export const DECLARED_PARAMETER = 42;

// Expressions.
/** Kinds from here on are expressions. */
export const FIRST_EXPRESSION = 50;
/** a: row of the operator table; b, c: operands. */
export const BINARY = 50;
/** a: row of the operator table; b: operand. */
export const PREFIX = 51;
export const POSTFIX = 52;
/** a ? b : c. */
export const CONDITIONAL = 53;
/** a: callee; b, c: list. */
export const CALL = 54;
/** a: type; b, c: list; extra: 1 when it is written in parentheses even for one value. */
export const CAST = 55;
/** a: text of the keyword; b: type; c: value. */
export const NAMED_CAST = 56;
/** a: text of the keyword; b: type or value; extra: 1 for a type. */
export const KEYWORD_OF = 57;
/** a: type; b, c: list of the arguments; d: EXPRESSION_LIST for placement or 0; extra: 1 global, 2 has arguments. */
export const NEW = 58;
/** a: number from 1; 0 is `this`. */
export const PARAMETER = 59;
/** a: type; b, c: start and bytes of the digits; extra: 1 when negative. */
export const LITERAL = 60;
/** a: type or 0; b, c: list. */
export const INITIALIZER = 61;
/** ::a. */
export const GLOBAL = 62;
/** ~a. */
export const DESTRUCTOR_NAME = 63;
/** a: row of the operator table; b: the pack; c: first or last value, or 0; extra: letter of the fold. */
export const FOLD = 64;
/** a: pack. */
export const PACK_SIZE = 65;
/** a, b: list. */
export const EXPRESSION_LIST = 66;
/** a[b...c]. */
export const RANGE_DESIGNATOR = 67;
/** a: designator; b: value; extra: 1 for an index in brackets. */
export const DESIGNATED = 68;
