// Where a symbol file lies in a Breakpad symbol store, and which names may
// stand there. The names come from uploads and from crashes, both of which
// anybody can forge; a name that could leave the store is refused here.
import { type Result, ok, refuse } from "../../config/problem.ts";
import { normaliseDebugId } from "../debug-id.ts";

/** File systems stop at 255 bytes a name; the rest is room for `.sym` and temporary endings. */
const nameBytes = 200;

/** A module's name as a safe file name: its last path component, for both kinds of slash. Refuses with `bad_module_name` what cannot be one. */
export function storeName(name: string): Result<string> {
  const base = name.slice(Math.max(name.lastIndexOf("/"), name.lastIndexOf("\\")) + 1);
  if (base === "" || base === "." || base === "..") return badName(name, "it names no file");
  if (/[\u0000-\u001f\u007f]/.test(base)) return badName(name, "it holds control characters");
  // On Windows a colon opens another stream or drive, a device name opens the device, and a final dot or space is dropped: two names, one file.
  if (base.includes(":") || /[. ]$/.test(base) || /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(base)) return badName(name, "Windows could not store it as it is");
  if (!base.isWellFormed()) return badName(name, "it is not valid Unicode");
  if (Buffer.byteLength(base) > nameBytes) return badName(name, `it is longer than ${nameBytes} bytes`);
  return ok(base);
}

/** The path of a symbol file inside a store, with `/`: `X.pdb/ID/X.sym`, or `libX.so/ID/libX.so.sym`, as Breakpad's SimpleSymbolSupplier looks for it. */
export function storePath(debugFile: string, debugId: string): Result<string> {
  const name = storeName(debugFile);
  if (!name.ok) return name;
  const id = normaliseDebugId(debugId);
  if (id === null) return refuse(400, "bad_debug_id", `"${shown(debugId)}" is not a debug id.`, "A debug id is 33 to 40 hex digits: the GUID and the age.");
  const stem = name.value.length > 4 && name.value.toLowerCase().endsWith(".pdb") ? name.value.slice(0, -4) : name.value;
  return ok(`${name.value}/${id}/${stem}.sym`);
}

function badName(name: string, why: string): Result<never> {
  return refuse(400, "bad_module_name", `The module name "${shown(name)}" cannot be used: ${why}.`, "A module name is a plain file name of at most 200 bytes.");
}

function shown(text: string): string {
  return text.slice(0, 80).replace(/[\u0000-\u001f\u007f-\u009f]/g, "\ufffd");
}
