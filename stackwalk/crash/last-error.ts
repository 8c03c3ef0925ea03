// GetLastError of a thread: Windows keeps it in the thread's environment
// block, thirteen pointers from its start (LastErrorValue, TEB+0x34 on 32-bit
// and TEB+0x68 on 64-bit Windows). The dump has it where the writer kept the
// block's memory.
import type { Minidump, DumpThread } from "../minidump/model.ts";
import { windowsErrorName } from "./windows-reason.ts";

const pointersBefore = 13;

/** Name of the last error that a thread recorded; null on other systems and when the dump has not kept that memory. On other systems the same field means something else, so it is not read. */
export function lastError(dump: Minidump, thread: DumpThread): string | null {
  const system = dump.system;
  if (system?.os !== "windows" || thread.teb === 0) return null;
  const pointer = system.cpu === "x86" || system.cpu === "arm" ? 4 : system.cpu ? 8 : 0;
  if (pointer === 0) return null;
  const address = thread.teb + pointersBefore * pointer;
  const memory = dump.memory.at(address);
  if (!memory) return null;
  const offset = address - memory.base;
  if (offset + 4 > memory.size) return null;
  return windowsErrorName(memory.view.getUint32(offset, memory.little));
}
