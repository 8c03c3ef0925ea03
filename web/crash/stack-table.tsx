// One stack as a table: number, function, source, module, trust. Inlined
// functions are lines of their own, indented, above the function that holds
// them. A line whose name went into the signature carries a mark.
import { Fragment } from "preact";
import { CodeName } from "../parts/code-name.tsx";
import { SourceName, SourceRow, type SourceScope, useFrameSource } from "./frame-source.tsx";
import type { FrameVerdict, Module, Thread } from "./report.ts";
import { earlyEnd, stackGaps } from "./stack-gaps.ts";
import { type StackLine, linesOfStack } from "./stack-lines.ts";
import { trustText } from "./trust.ts";
import { verdictAt } from "./verdicts.ts";

/** A thread's stack. `verdicts` is for the crashed thread only. */
export function StackTable(props: { readonly thread: Thread; readonly modules: readonly Module[]; readonly sources: SourceScope; readonly caption: string; readonly verdicts?: readonly FrameVerdict[] }) {
  const { thread, modules, sources, caption } = props;
  const lines = linesOfStack(thread.frames, modules);
  const end = earlyEnd(thread);
  if (thread.frames.length === 0) return <p class="faint">No frames: {end ?? "the dump holds no stack for this thread"}.</p>;
  const gaps = stackGaps(thread);
  const far = gaps.get(Infinity);
  return (
    <>
      <table class={(thread.frames.at(-1)?.frame ?? 0) > 99 ? "stack deep" : "stack"} role="table">
        <caption class="offscreen">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader" scope="col">
              <abbr title="Frame number, 0 is the innermost">#</abbr>
            </th>
            <th role="columnheader" scope="col">
              Function
            </th>
            <th role="columnheader" scope="col">
              Source
            </th>
            <th role="columnheader" scope="col">
              Module
            </th>
            <th role="columnheader" scope="col">
              <abbr title="How the frame was found, and how far to believe it">Trust</abbr>
            </th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          {lines.map((line, index) => (
            // What was opened belongs to one crash, and to one line of it.
            <Fragment key={`${sources.crash} ${line.frame}.${line.inline ?? ""} ${line.file ?? ""}:${line.line ?? ""}`}>
              {line.frame !== lines[index - 1]?.frame && gaps.has(line.frame) && <GapRow text={gaps.get(line.frame) ?? ""} />}
              <StackRow line={line} sources={sources} again={isMissedBefore(lines, index)} verdict={verdictAt(props.verdicts ?? [], line.frame, line.inline)} />
            </Fragment>
          ))}
          {far !== undefined && <GapRow text={far} />}
        </tbody>
      </table>
      {thread.frames_truncated === true && gaps.size === 0 && <p class="faint">The stack goes on; frames past the limit were left out.</p>}
      {end !== null && <p class="faint">The stack ends here: {end}.</p>}
    </>
  );
}

function GapRow(props: { readonly text: string }) {
  return (
    <tr role="row" class="stack-gap">
      <td role="cell" class="stack-number" aria-hidden="true">
        …
      </td>
      <td role="cell" class="stack-function faint" colSpan={4}>
        {props.text}
      </td>
    </tr>
  );
}

/** What the trusts in a stack mean, for those who cannot hover. */
export function TrustLegend(props: { readonly thread: Thread }) {
  const trusts = [...new Set(props.thread.frames.map((frame) => frame.trust))];
  if (trusts.length === 0) return null;
  return (
    <details class="legend">
      <summary>What {trusts.map((trust) => trustText(trust).label).join(", ")} mean{trusts.length === 1 && "s"}</summary>
      <dl>
        {trusts.map((trust) => (
          <div key={trust}>
            <dt class={`trust ${trustText(trust).weight}`}>{trustText(trust).label}</dt>
            <dd>{trustText(trust).explains}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

// A module without symbols is explained where the stack first meets it; below, a word is enough.
function isMissedBefore(lines: readonly StackLine[], index: number): boolean {
  const missing = lines[index]?.missing;
  return missing != null && lines.findIndex((line) => line.missing?.file === missing.file && line.missing.id === missing.id) < index;
}

function StackRow(props: { readonly line: StackLine; readonly sources: SourceScope; readonly again: boolean; readonly verdict: FrameVerdict | null }) {
  const { line, verdict } = props;
  const inline = line.inline !== null;
  const source = useFrameSource(line, props.sources);
  const trust = trustText(line.trust);
  const used = verdict?.used === true;
  const classes = [inline ? "inline" : "", used ? "in-signature" : "", line.missing === null ? "" : "unnamed"].filter((one) => one !== "");
  return (
    <>
      <tr role="row" class={classes.join(" ") || undefined}>
        <td role="cell" class="stack-number" title={used ? "Part of the signature" : undefined}>
          {inline ? <span class="offscreen">inlined into {line.frame}</span> : line.frame}
        </td>
        <td role="cell" class="stack-function">
          {line.name === null ? <span class="code faint">{line.place}</span> : <CodeName name={line.name} />}
          {inline && <span class="stack-note"> inlined</span>}
          {line.missing !== null && props.again && (
            <span class="stack-missing again" title={`${line.missing.file} ${line.missing.id ?? "without an id"}`}>
              {" "}
              no symbols
            </span>
          )}
          {line.missing !== null && !props.again && (
            <span class="stack-missing">
              no symbols for <b>{line.missing.file}</b> {line.missing.id === null ? "(no id: cannot be looked up)" : <code>{line.missing.id}</code>}
            </span>
          )}
          {line.unloaded.map((one) => (
            <span key={one} class="stack-missing">
              unloaded: <code>{one}</code>
            </span>
          ))}
        </td>
        <td role="cell" class="stack-source">
          <SourceName line={line} source={source} />
        </td>
        <td role="cell" class="stack-module">
          {!inline && line.module !== null && <CodeName name={line.module} />}
        </td>
        <td role="cell" class="stack-trust">
          {!inline && (
            <span class={`trust ${trust.weight}`} title={trust.explains}>
              {trust.label}
            </span>
          )}
        </td>
      </tr>
      <SourceRow source={source} />
    </>
  );
}
