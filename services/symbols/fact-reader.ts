// Reads what an uploaded native file says of itself, each of its parts where it
// is a universal binary, in a thread: its bytes are a stranger's, a directory of
// a gigabyte is for them to claim, and the server's own thread has others to
// answer. The thread stays warm for a while, since a build machine brings many
// files; its heap and its time are bounded as a walk's are.
import type { Limits } from "../../config/limits.ts";
import { refuse, type Result } from "../../config/problem.ts";
import { openThreadPool } from "../../stackwalk/pool/thread-pool.ts";
import type { DebugFileFacts } from "../../symbols/debug-file.ts";
import type { FilePart } from "../../symbols/file-parts.ts";

/** What a debug file says of itself, and where in its file it lies. */
export type FilePartFacts = FilePart & { readonly facts: DebugFileFacts };

/** Reads facts until it is closed. */
export type FactReader = {
  /** The facts of the debug files in a file, at least one. Refuses with what is wrong with it, or with `debug_file_too_costly`; throws when the disk fails. */
  read(path: string): Promise<Result<readonly FilePartFacts[]>>;
  close(): Promise<void>;
};

const idleMs = 30_000;

/** Makes a reader; its thread starts with the first file. */
export function factReader(limits: Limits): FactReader {
  const pool = openThreadPool({ module: new URL("fact-thread.ts", import.meta.url), threads: 1, heapBytes: limits.WALK_MEMORY_BYTES, idleMs });
  return {
    async read(path) {
      const end = await pool.run({ message: () => path, timeoutMs: limits.WALK_SECONDS * 1000 });
      if (end.ok) return answerOf(end.value as Result<readonly FilePartFacts[]>);
      const { reason, message } = end.failure;
      if (reason === "crashed" || reason === "cancelled") throw new Error(`The facts of an uploaded file cannot be read: ${message}`);
      const limit = reason === "timeout" ? "WALK_SECONDS" : "WALK_MEMORY_BYTES";
      return refuse(400, "debug_file_too_costly", `Reading what the file says of itself goes over the limit ${limit}.`, `It may be damaged; if it is not, let the operator raise DEADAIR_LIMIT_${limit}.`);
    },
    close: () => pool.close(),
  };
}

/** A file on our own spool that cannot be opened is our disk's fault. */
function answerOf(facts: Result<readonly FilePartFacts[]>): Result<readonly FilePartFacts[]> {
  if (!facts.ok && facts.problem.status >= 500) throw new Error(facts.problem.message);
  return facts;
}
