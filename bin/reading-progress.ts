// How far the reading of large debug files is: one line on a terminal that is
// drawn anew, and gone when the files were read. A library of hundreds of
// megabytes takes seconds; what takes less draws nothing, nor does a log.
import type { CompileProgress } from "../symbols/compile.ts";
import type { Terminal } from "./terminal.ts";

/** Time before the first drawing, and between two. */
const patienceMs = 400;
const drawMs = 100;

/** Progress that is shown by drawing over a line. */
export type ReadingProgress = {
  readonly report: CompileProgress;
  /** Clears the line. */
  end(): void;
};

/** Shows progress on a terminal; null where nobody watches. */
export function readingProgress(redraw: Terminal["redraw"], now: () => number = () => performance.now()): ReadingProgress | null {
  if (redraw === undefined) return null;
  let next = now() + patienceMs;
  let isDrawn = false;
  return {
    report(done, total) {
      const time = now();
      if (time < next) return;
      next = time + drawMs;
      isDrawn = true;
      redraw(`reading debug information: ${Math.floor((100 * done) / total)} %`);
    },
    end() {
      if (isDrawn) redraw("");
    },
  };
}
