// What a file that is no minidump looks like instead. People upload the wrong
// file far more often than a broken one, and "that is a zip" saves a day.
import { refuse, type Result } from "../../config/problem.ts";
import type { ByteSource } from "./byte-source.ts";

/** Bytes looked at: enough for every magic, and for the fields that some senders put before the dump. */
const HEAD_BYTES = 8192;

/** Kinds known by their first bytes (as latin-1), with what the sender can do. */
const kinds: readonly { readonly magic: RegExp; readonly looks: string; readonly hint: string }[] = [
  { magic: /^\x1f\x8b/, looks: "gzip data", hint: "Send it with Content-Encoding: gzip, or unpack it first." },
  { magic: /^\x28\xb5\x2f\xfd/, looks: "zstd data", hint: "Unpack it first." },
  { magic: /^PK(\x03\x04|\x05\x06)/, looks: "a zip archive", hint: "Unpack it and send the .dmp inside." },
  { magic: /^MSCF/, looks: "a Windows cabinet (as Windows Error Reporting packs them)", hint: "Unpack it and send the .dmp inside." },
  // Bytes 16 and 17 are e_type; 4 is ET_CORE, in either byte order.
  { magic: /^\x7fELF[^]{12}(\x04\x00|\x00\x04)/, looks: "an ELF core file", hint: "Core files are not taken; let Crashpad or Breakpad write a minidump." },
  { magic: /^\x7fELF/, looks: "an ELF program or library", hint: "Upload it as a debug file, not as a crash." },
  // filetype (bytes 12 to 15) 4 is MH_CORE.
  { magic: /^[\xce\xcf]\xfa\xed\xfe[^]{8}\x04\x00\x00\x00/, looks: "a Mach-O core file", hint: "Core files are not taken; let Crashpad write a minidump, or send the .ips report." },
  { magic: /^([\xce\xcf]\xfa\xed\xfe|\xca\xfe\xba\xbe)/, looks: "a Mach-O program or library", hint: "Upload it as a debug file, not as a crash." },
  { magic: /^MZ/, looks: "a Windows program or library", hint: "Upload it as a debug file, not as a crash." },
  { magic: /^Microsoft C\/C\+\+ /, looks: "a PDB file", hint: "Upload it as a debug file, not as a crash." },
  { magic: /^--[^\r\n]{1,200}\r?\ncontent-disposition:/i, looks: "a whole multipart body stored as the dump", hint: "The client sent its form as the file; send the dump as the part upload_file_minidump." },
  { magic: /^\s*<(!doctype html|html)/i, looks: "an HTML page", hint: "A download of the dump probably met a sign-in page; fetch it again." },
  { magic: /^\s*[{[]/, looks: "JSON text", hint: "Send stack traces, envelopes and .ips reports to their own addresses." },
  { magic: /^MODULE /, looks: "a Breakpad symbol file", hint: "Upload it as a debug file, not as a crash." },
];

/** The refusal of a file that does not start with a minidump's magic. */
export function refuseForeign(source: ByteSource): Result<never> {
  if (source.size === 0) return notAMinidump("is empty", "The crash handler had no room or no rights to write it; look at its log.");
  const head = source.read(0, HEAD_BYTES).toString("latin1");
  if (/^PAGEDU(MP|64)/.test(head)) {
    return refuse(
      400,
      "kernel_dump",
      `The file is a Windows kernel dump (${head.slice(0, 8)}): it tells of a crash of the whole machine, not of a program.`,
      "Open it with WinDbg; Deadair takes the minidumps of processes.",
    );
  }
  const kind = kinds.find((known) => known.magic.test(head));
  if (kind) return notAMinidump(`looks like ${kind.looks}`, kind.hint);
  const embedded = head.indexOf("MDMP");
  if (embedded > 0) return notAMinidump(`has a minidump at offset ${embedded}, behind something else`, "Cut off what is before it, or send the report to the address of its own kind.");
  if (isText(head)) return notAMinidump("looks like text", "Send the .dmp file itself; text reports have their own addresses.");
  const magic = Buffer.from(head.slice(0, 4), "latin1").toString("hex");
  return notAMinidump(`starts with the bytes ${magic} instead of MDMP`, "Send the .dmp file that the crash handler wrote.");
}

function isText(head: string): boolean {
  return /^[\t\r\n\x20-\x7e\x80-\xff]+$/.test(head);
}

function notAMinidump(what: string, hint: string): Result<never> {
  return refuse(400, "not_a_minidump", `The file is not a minidump: it ${what}.`, hint);
}
