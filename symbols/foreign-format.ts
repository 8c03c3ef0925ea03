// What a file that is not a Breakpad symbol file is instead. People have zipped
// dSYMs, object files and crash reports at hand long before they read about debug
// files; "not a symbol file" alone helps nobody, so each is named with its next
// step. PDBs, programs, dSYMs and their like have readers of their own
// (compile.ts), and come here only where text is wanted.
import { sniffCompression } from "./compression.ts";

/** A kind of file recognised by its first bytes. */
export type ForeignFormat = {
  /** A word for programs, such as `pdb`. */
  readonly kind: string;
  /** What it is, for people, as the end of the sentence "it looks like …". */
  readonly description: string;
  /** What to do about it. */
  readonly hint: string;
  /** True when symbols can be made from it, so that a folder scan mentions it. */
  readonly isDebugFile: boolean;
};

const utf16Hint = "Windows PowerShell's `>` writes UTF-16; run dump_syms from cmd.exe, or with `dump_syms -o FILE`, so that the file stays as dump_syms wrote it.";

/** Names what the first bytes belong to (512 suffice); null when they could be anything, a `.sym` included. */
export function recogniseForeign(prefix: Uint8Array): ForeignFormat | null {
  if (prefix.length === 0) return format("empty", "an empty file", "The build step that writes it may have failed; run dump_syms again and look at its messages.");
  const compression = sniffCompression(prefix);
  if (compression !== null) return format(compression, `${compression}-compressed data`, "Its contents were not looked at here; upload the .sym file itself, or compress it only once.");
  for (const [kind, magic, description, hint, isDebugFile] of magics) {
    if (startsWith(prefix, magic)) return { kind, description, hint, isDebugFile };
  }
  const [a, b, c, d] = prefix;
  if (a === 0xff && b === 0xfe) return format("utf16", "UTF-16 text", utf16Hint);
  if (a === 0xfe && b === 0xff) return format("utf16", "UTF-16 text (big-endian)", utf16Hint);
  if (a === 0x4d && b === 0 && c === 0x4f && d === 0) return format("utf16", "UTF-16 text", utf16Hint);
  if (a === 0xef && b === 0xbb && c === 0xbf) return format("utf8_bom", "text with a byte-order mark", "Remove the three bytes before MODULE; walkers call the file corrupt with them.");
  const text = new TextDecoder("latin1").decode(prefix.subarray(0, 256)).trimStart().toLowerCase();
  if (text.startsWith("<!doctype html") || text.startsWith("<html")) return format("html", "a web page", "A download answered with a page, often a sign-in form or an error; open the file to see which.");
  if (text.startsWith("<?xml")) return format("xml", "an XML file", "Choose the .sym file that dump_syms wrote; of a dSYM, the file in Contents/Resources/DWARF.");
  if (/^\{\s*"(app_name|bug_type|incident_id|timestamp)"/.test(text)) return format("ips", "a crash report of Apple's systems", "That is a crash, not symbols; the debug files of the build that crashed are its dSYM and its program.");
  return null;
}

/** Kinds that readers of their own take, or refuse in words of their own. */
const nativeKinds = new Set(["pdb", "pdb_2", "compressed_pdb", "portable_pdb", "pe", "elf", "macho", "fat", "dwo_bundle", "source_bundle"]);

/** True when the first bytes (512 suffice) are those of a debug file that is read as it is, without being turned into text. */
export function isNativeDebugFile(prefix: Uint8Array): boolean {
  return nativeKinds.has(recogniseForeign(prefix)?.kind ?? "");
}

function format(kind: string, description: string, hint: string, isDebugFile = false): ForeignFormat {
  return { kind, description, hint, isDebugFile };
}

function startsWith(bytes: Uint8Array, magic: string): boolean {
  if (bytes.length < magic.length) return false;
  for (let i = 0; i < magic.length; i++) if (bytes[i] !== magic.charCodeAt(i)) return false;
  return true;
}

const asItIs = "Upload it as it is; its own reader takes it.";

/** First bytes as Latin-1 text, with what they mean. The longest of two that share a beginning stands first. */
const magics: readonly (readonly [kind: string, magic: string, description: string, hint: string, isDebugFile: boolean])[] = [
  // A whole one has a reader of its own.
  ["pdb", "Microsoft C/C++ MSF 7.00", "a PDB that was cut off or changed", "Copy it as it is: sent as text, its bytes change.", true],
  ["pdb_2", "Microsoft C/C++ program database 2.00", "a PDB of Visual C++ 6 or older", "Its format has no GUID; rebuild with a newer compiler.", true],
  ["compressed_pdb", "Microsoft MSFZ Container", "a PDB in Microsoft's compressed container", "Upload the PDB as the linker wrote it.", true],
  ["portable_pdb", "BSJB", "a portable PDB of .NET", "It describes managed code, and Deadair reads native code only.", true],
  ["elf", "\x7fELF", "an ELF program, library or .debug file", asItIs, true],
  ["fat", "\xca\xfe\xba\xbe", "a universal binary of Apple's systems (or a Java class)", asItIs, true],
  ["fat", "\xca\xfe\xba\xbf", "a universal binary of Apple's systems", asItIs, true],
  ["macho", "\xcf\xfa\xed\xfe", "a Mach-O file", asItIs, true],
  ["macho", "\xce\xfa\xed\xfe", "a Mach-O file of 32 bits", asItIs, true],
  ["macho", "\xfe\xed\xfa\xcf", "a Mach-O file (big-endian)", asItIs, true],
  ["macho", "\xfe\xed\xfa\xce", "a Mach-O file (big-endian, 32 bits)", asItIs, true],
  ["pe", "MZ", "a Windows program or DLL", "Upload it as it is, with its PDB beside it.", true],
  ["dwo_bundle", "!<arch>\ndeadair-dwo", "split DWARF, packed for upload", asItIs, true],
  ["archive", "!<arch>", "a static library", "Symbols belong to the linked plugin, not to its parts; use that.", false],
  ["zip", "PK\x03\x04", "a zip archive", "Unpack it and upload what is in it: of a dSYM, the files in Contents/Resources/DWARF.", false],
  ["zip", "PK\x05\x06", "an empty zip archive", "Look at the step that packs it.", false],
  ["minidump", "MDMP", "a minidump", "That is a crash, not symbols: `deadair crash send` posts it.", false],
  ["source_bundle", "SYSB", "a Sentry source bundle", "Upload it as it is; its files are shown beside frames.", true],
  ["bitcode", "BC\xc0\xde", "LLVM bitcode, an object file of a build with LTO", "Symbols belong to the linked plugin, not to its parts; use that.", false],
  ["bitcode", "\xde\xc0\x17\x0b", "LLVM bitcode, an object file of a build with LTO", "Symbols belong to the linked plugin, not to its parts; use that.", false],
  ["symbol_map", "BCSymbolMap", "names that Apple's tools hid (.bcsymbolmap)", "Give it to dsymutil (--symbol-map) and upload the dSYM that it writes.", false],
  ["tbd", "--- !tapi-tbd", "a list of a library's symbols for linkers (.tbd)", "It has no addresses; upload the library itself.", false],
  ["plist", "bplist00", "a property list", "Of a dSYM or bundle, upload the program or the file in Contents/Resources/DWARF.", false],
  ["wasm", "\0asm", "a WebAssembly module", "Deadair reads native code only.", false],
];
