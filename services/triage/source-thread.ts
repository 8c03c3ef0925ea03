// The inside of the thread that reads source bundles.
import { ok, type Result } from "../../config/problem.ts";
import { serveJobs } from "../../stackwalk/pool/thread.ts";
import { openFile } from "../../symbols/file-bytes.ts";
import { type LinesAround, linesAround } from "../../symbols/sources/lines-around.ts";
import { findSource } from "../../symbols/sources/source-bundle.ts";

/** Which lines of which bundle. */
export type SourceOrder = {
  /** Where the bundle lies. */
  readonly bundle: string;
  /** Path of the source file in the debug information. */
  readonly file: string;
  readonly line: number;
  /** Lines on either side. */
  readonly around: number;
};

serveJobs(() => (job) => {
  const { bundle, file, line, around } = job as SourceOrder;
  const opened = openFile(bundle);
  if (!opened.ok) return { value: opened };
  try {
    const text = findSource(opened.value.bytes, file);
    const lines: Result<LinesAround | null> = text.ok ? ok(text.value === null ? null : linesAround(text.value, line, around)) : text;
    return { value: lines };
  } finally {
    opened.value.close();
  }
});
