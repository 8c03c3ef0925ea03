// What a screen says when it has nothing to show: a problem with its cause and
// remedy, an empty list with the next step, or a wait.
import type { ComponentChildren } from "preact";
import type { Problem } from "../state/api.ts";
import { Prose } from "./prose.tsx";

/** A problem: what is wrong, then what to do. */
export function ProblemNotice(props: { readonly problem: Problem; readonly retry?: () => void }) {
  const { problem, retry } = props;
  return (
    <div class="notice problem" role="alert">
      <p class="notice-title">
        <Prose text={problem.message} />
      </p>
      {problem.hint !== "" && (
        <p>
          <Prose text={problem.hint} />
        </p>
      )}
      <p class="faint">
        <code>{problem.error}</code>
        {problem.status > 0 && ` · HTTP ${problem.status}`}
      </p>
      {retry && (
        <button type="button" class="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** A refresh that failed while something older can be shown: one quiet line. */
export function StaleNotice(props: { readonly problem: Problem | null }) {
  if (props.problem === null) return null;
  return (
    <p class="stale" role="status">
      Not refreshed: <Prose text={`${props.problem.message} ${props.problem.hint}`} />
    </p>
  );
}

/** An empty list: why, and what to do next. */
export function Empty(props: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="notice empty">
      <p class="notice-title">{props.title}</p>
      {props.children}
    </div>
  );
}

/** A wait. It stays invisible for its first moments: most answers are here before. */
export function Waiting() {
  return (
    <p class="waiting" role="status">
      Loading…
    </p>
  );
}
