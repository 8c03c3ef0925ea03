// The source lines of a frame, where the sources of its module were uploaded.
// They are asked for when somebody opens the frame, and the row appears once
// they are there, whole: nothing moves twice.
import { type Signal, useSignal } from "@preact/signals";
import type { SourceLines } from "../../services/triage/schema.ts";
import { type Problem, request } from "../state/api.ts";
import { type StackLine, sourceOf } from "./stack-lines.ts";

/** Where source lines are asked for. */
export type SourceScope = {
  /** API path of the crash. */
  readonly crash: string;
  /** Debug ids of the modules that have sources. */
  readonly modules: readonly string[];
};

type Shown = { readonly kind: "closed" } | { readonly kind: "asking" } | { readonly kind: "open"; readonly source: SourceLines } | { readonly kind: "failed"; readonly problem: Problem };

/** A frame's lines, and how they are opened and closed. */
export type FrameSource = { readonly shown: Signal<Shown>; readonly toggle: () => void };

/** The lines of a line of a stack; null when there are none to ask for. */
export function useFrameSource(line: StackLine, scope: SourceScope): FrameSource | null {
  const shown = useSignal<Shown>({ kind: "closed" });
  const { moduleId, file, line: number } = line;
  if (moduleId === null || file === null || number === null || !scope.modules.includes(moduleId)) return null;
  const ask = async () => {
    shown.value = { kind: "asking" };
    const answer = await request<SourceLines>("GET", `${scope.crash}/source?${new URLSearchParams({ module: moduleId, file, line: String(number) })}`);
    // It may have been closed meanwhile.
    if (shown.peek().kind === "asking") shown.value = answer.ok ? { kind: "open", source: answer.value } : { kind: "failed", problem: answer.problem };
  };
  const toggle = () => {
    if (shown.peek().kind === "closed") void ask();
    else shown.value = { kind: "closed" };
  };
  return { shown, toggle };
}

/** A frame's file and line; a button where its lines can be opened. */
export function SourceName(props: { readonly line: StackLine; readonly source: FrameSource | null }) {
  const { line, source } = props;
  const name = sourceOf(line);
  if (name === null) return null;
  if (source === null)
    return (
      <span class="code" title={line.file ?? undefined}>
        {name}
      </span>
    );
  const { kind } = source.shown.value;
  return (
    <button type="button" class="source-toggle code" title={line.file ?? undefined} aria-expanded={kind === "open" || kind === "failed"} aria-busy={kind === "asking"} onClick={source.toggle}>
      {name}
    </button>
  );
}

/** The row of a frame's lines, below the frame; nothing while it is closed. */
export function SourceRow(props: { readonly source: FrameSource | null }) {
  const shown = props.source?.shown.value;
  if (shown?.kind !== "open" && shown?.kind !== "failed") return null;
  return (
    <tr role="row" class="stack-lines">
      <td role="cell" colSpan={5}>
        {shown.kind === "open" ? <Lines source={shown.source} /> : <p role="status">{`${shown.problem.message} ${shown.problem.hint}`}</p>}
      </td>
    </tr>
  );
}

function Lines(props: { readonly source: SourceLines }) {
  const { file, line, first, lines } = props.source;
  const label = `${sourceOf({ file, line })}, lines ${first} to ${first + lines.length - 1}`;
  // It scrolls sideways, so it can be reached by keys.
  return (
    <pre class={first + lines.length > 1000 ? "source-lines deep" : "source-lines"} tabIndex={0} role="group" aria-label={label}>
      {lines.map((text, index) => (
        <span key={index} class={first + index === line ? "source-line hit" : "source-line"} aria-current={first + index === line ? "location" : undefined}>
          <span class="source-number" aria-hidden="true">
            {first + index}
          </span>
          <span class="source-text">{`${text}\n`}</span>
        </span>
      ))}
    </pre>
  );
}
