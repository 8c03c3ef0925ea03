// The other threads, all in one scroll. Each is closed and says in one line
// what it was doing; identical stacks are one line with a count.
import { useSignal } from "@preact/signals";
import type { Report } from "./report.ts";
import { CodeName } from "../parts/code-name.tsx";
import { useKeys } from "../state/keys.ts";
import type { SourceScope } from "./frame-source.tsx";
import { StackTable } from "./stack-table.tsx";
import { type ThreadFold, firstMeaningfulFrame, foldThreads, frameSummary, threadTitle } from "./thread-folds.ts";

/** Every thread but the crashed one. */
export function ThreadList(props: { readonly report: Report; readonly sources: SourceScope; readonly crashed: number | null }) {
  const folds = foldThreads(props.report.threads, props.crashed);
  const opened = useSignal<ReadonlySet<number>>(new Set());
  const all = () => {
    const firsts = folds.map((fold) => fold.members[0] ?? 0);
    opened.value = opened.peek().size === firsts.length ? new Set() : new Set(firsts);
  };
  useKeys(`threads ${folds.length}`, [{ key: "e", does: "open or close all threads", run: all }]);
  if (folds.length === 0)
    return (
      <section>
        <p class="faint">There is no other thread.</p>
      </section>
    );
  const count = folds.reduce((sum, fold) => sum + fold.members.length, 0);
  const set = (first: number, open: boolean) => {
    const next = new Set(opened.peek());
    if (open) next.add(first);
    else next.delete(first);
    opened.value = next;
  };
  return (
    <section aria-labelledby="threads">
      <div class="section-head">
        <h2 id="threads">{count === 1 ? "The other thread" : `The other ${count} threads`}</h2>
        <button type="button" class="button" onClick={all}>
          {opened.value.size === folds.length ? "Close all" : "Open all"}
          <kbd aria-hidden="true">e</kbd>
        </button>
      </div>
      <div class="threads">
        {folds.map((fold) => (
          <ThreadRow key={fold.members[0]} fold={fold} report={props.report} sources={props.sources} open={opened.value.has(fold.members[0] ?? 0)} set={set} />
        ))}
      </div>
    </section>
  );
}

function ThreadRow(props: { readonly fold: ThreadFold; readonly report: Report; readonly sources: SourceScope; readonly open: boolean; readonly set: (first: number, open: boolean) => void }) {
  const { fold, report, open } = props;
  const first = fold.members[0] ?? 0;
  const frame = firstMeaningfulFrame(fold.thread.frames);
  return (
    <details class="thread" open={open} onToggle={(event) => props.set(first, event.currentTarget.open)}>
      <summary>
        <span class="thread-name">
          {threadTitle(fold.thread, first)}
          {fold.members.length > 1 && (
            <span class="fold-count" title={`Threads ${fold.members.join(", ")} have the same stack`}>
              ×{fold.members.length}
            </span>
          )}
        </span>
        <span class="thread-frame">{frame === null ? <span class="faint">no frames</span> : <CodeName name={frameSummary(frame)} />}</span>
        {frame?.module != null && <span class="thread-module code">{frame.module}</span>}
      </summary>
      {open && <StackTable thread={fold.thread} modules={report.modules} sources={props.sources} caption={`Stack of ${threadTitle(fold.thread, first)}`} />}
    </details>
  );
}
