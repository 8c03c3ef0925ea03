// The inside of the thread that reads what uploaded files say of themselves.
import { ok, type Result } from "../../config/problem.ts";
import { serveJobs } from "../../stackwalk/pool/thread.ts";
import { openDebugFile } from "../../symbols/compile.ts";
import { openFile, partOf } from "../../symbols/file-bytes.ts";
import { filePartsOf } from "../../symbols/file-parts.ts";
import type { FilePartFacts } from "./fact-reader.ts";

serveJobs(() => (job) => {
  const file = openFile(job as string);
  if (!file.ok) return { value: file };
  try {
    return { value: factsOf(file.value.bytes) };
  } finally {
    file.value.close();
  }
});

function factsOf(bytes: Parameters<typeof filePartsOf>[0]): Result<readonly FilePartFacts[]> {
  const parts = filePartsOf(bytes);
  if (!parts.ok) return parts;
  const all: FilePartFacts[] = [];
  for (const { offset, size } of parts.value) {
    const part = partOf(bytes, offset, size);
    if (part === null) throw new Error("a part of a file lies beyond its end");
    const opened = openDebugFile(part);
    if (!opened.ok) return opened;
    // The file itself cannot be posted, what it says can.
    all.push({ offset, size, facts: opened.value.facts });
  }
  return ok(all);
}
