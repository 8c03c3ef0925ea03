// The two stacks of each thread side by side, as a viewer of differences lays
// out two files: one row a frame, a word on each row, what differs underlined.
// The first thread that differs is open; threads that agree are one line.
import { Fragment } from "preact";
import { useSignal } from "@preact/signals";
import { CodeName } from "../parts/code-name.tsx";
import { plural } from "../text/amounts.ts";
import { opinionLines, opinionThreadTitle, threadSummary, verdictOnRow } from "./opinion-text.ts";
import type { Comparison, FrameDifference, OpinionFrame, OpinionRow, OpinionThread, Report } from "./report.ts";
import { sourceOf } from "./stack-lines.ts";
import { trustText } from "./trust.ts";

/** Lines of a thread that are shown at once: each is two cells of names. */
const pageLines = 200;

/** All threads of a comparison. */
export function OpinionStacks(props: { readonly comparison: Comparison; readonly report: Report | null }) {
  const { threads } = props.comparison;
  const differing = threads.filter((thread) => !thread.same);
  const agreeing = threads.filter((thread) => thread.same);
  return (
    <>
      {differing.length > 0 && (
        <div class="threads">
          {differing.map((thread, index) => (
            <ThreadOpinion key={`${thread.thread_id} ${index}`} thread={thread} title={opinionThreadTitle(thread, props.report)} first={index === 0} />
          ))}
        </div>
      )}
      {agreeing.length > 0 && differing.length > 0 && (
        <details class="legend">
          <summary>{agreeing.length === 1 ? "1 thread agrees" : `${agreeing.length} threads agree`}</summary>
          <ul class="plain-list">
            {agreeing.map((thread, index) => (
              <li key={`${thread.thread_id} ${index}`}>
                {opinionThreadTitle(thread, props.report)}
                {thread.crashed && <span class="crashed-word"> crashed</span>} <span class="faint">{plural(thread.rows.length, "frame")}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function ThreadOpinion(props: { readonly thread: OpinionThread; readonly title: string; readonly first: boolean }) {
  const { thread, title } = props;
  const open = useSignal(props.first);
  return (
    <details class="thread" open={open.value} onToggle={(event) => (open.value = event.currentTarget.open)}>
      <summary>
        <span class="thread-name">
          {title}
          {thread.crashed && <span class="crashed-word"> crashed</span>}
        </span>
        <span class="thread-frame">{threadSummary(thread)}</span>
      </summary>
      {open.value && <PairTable thread={thread} caption={`${title} by both walkers`} />}
    </details>
  );
}

function PairTable(props: { readonly thread: OpinionThread; readonly caption: string }) {
  const unfolded = useSignal<ReadonlySet<number>>(new Set());
  const shown = useSignal(pageLines);
  const lines = opinionLines(props.thread.rows, unfolded.value);
  const left = lines.length - shown.value;
  if (lines.length === 0) return <p class="faint">There is no frame to show.</p>;
  return (
    <>
      <table class="pair" role="table">
        <caption class="offscreen">{props.caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {["Verdict", "Deadair", "Breakpad"].map((name) => (
              <th role="columnheader" key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {lines.slice(0, shown.value).map((line) =>
            line.kind === "row" ? (
              <PairRow key={line.at} row={line.row} />
            ) : (
              <tr role="row" key={line.from} class="pair-fold">
                <td role="cell" colSpan={3}>
                  <button type="button" class="button quiet" onClick={() => (unfolded.value = new Set([...unfolded.peek(), line.from]))}>
                    Show {plural(line.count, "more frame")} on which both agree
                  </button>
                </td>
              </tr>
            ),
          )}
        </tbody>
      </table>
      {left > 0 && (
        <button type="button" class="button wide" onClick={() => (shown.value += pageLines)}>
          Show {Math.min(left, pageLines)} more of {left.toLocaleString("en-US")} rows
        </button>
      )}
    </>
  );
}

function PairRow(props: { readonly row: OpinionRow }) {
  const { row } = props;
  return (
    <tr role="row" class={row.same ? "agrees" : "disagrees"}>
      <td role="cell" class="pair-verdict">
        <span aria-hidden="true">{row.same ? "=" : row.deadair === null ? "+" : row.breakpad === null ? "−" : "≠"}</span> {verdictOnRow(row)}
      </td>
      <FrameCell who="Deadair" frame={row.deadair} differs={row.differs} />
      <FrameCell who="Breakpad" frame={row.breakpad} differs={row.differs} />
    </tr>
  );
}

function FrameCell(props: { readonly who: string; readonly frame: OpinionFrame | null; readonly differs: readonly FrameDifference[] }) {
  const { who, frame, differs } = props;
  if (frame === null)
    return (
      <td role="cell" class="pair-frame" data-label={who}>
        <span class="faint">no such frame</span>
      </td>
    );
  const mark = (...of: readonly FrameDifference[]) => (of.some((one) => differs.includes(one)) ? "pair-differs" : undefined);
  const trust = trustText(frame.trust);
  const source = sourceOf(frame);
  return (
    <td role="cell" class="pair-frame" data-label={who}>
      <span class="pair-number">{frame.frame}</span>
      <div>
        {frame.inlines.map((one, index) => (
          <Fragment key={index}>
            <span class={mark("inlines")}>
              <CodeName name={one.function} />
            </span>
            <span class="stack-note"> inlined {sourceOf(one) ?? ""}</span>
            <br />
          </Fragment>
        ))}
        <span class={mark("function")}>{frame.function === null ? <span class="code faint">no name</span> : <CodeName name={frame.function} />}</span>
        <div class="pair-facts">
          {source !== null && (
            <code class={mark("file", "line")} title={frame.file ?? undefined}>
              {source}
            </code>
          )}
          {frame.module !== null && (
            <span class={mark("module")}>
              <CodeName name={frame.module} />
            </span>
          )}
          <code class={mark("offset")}>{frame.offset}</code>
          <span class={`trust ${trust.weight} ${mark("trust") ?? ""}`} title={trust.explains}>
            {trust.label}
          </span>
        </div>
      </div>
    </td>
  );
}
