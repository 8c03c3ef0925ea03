// The inside of the thread that reads what uploaded files say of themselves.
import { serveJobs } from "../../stackwalk/pool/thread.ts";
import { openDebugFile } from "../../symbols/compile.ts";
import { openFile } from "../../symbols/file-bytes.ts";

serveJobs(() => (job) => {
  const file = openFile(job as string);
  if (!file.ok) return { value: file };
  try {
    const opened = openDebugFile(file.value.bytes);
    // The file itself cannot be posted, what it says can.
    return { value: opened.ok ? { ok: true, value: opened.value.facts } : opened };
  } finally {
    file.value.close();
  }
});
