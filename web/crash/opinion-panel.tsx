// "Walk with Breakpad too": for the engineer who doubts a stack. The server
// walks the dump twice, now, and the page lays the two stacks side by side.
//
// It takes seconds, so what was asked is kept beside the page's other things:
// who goes to another screen and comes back finds it running or done. A crash
// that was read again has a new revision, and with it no opinion yet.
import { type Signal, signal } from "@preact/signals";
import type { CrashDetail, SecondOpinion } from "../../services/triage/schema.ts";
import { ProblemNotice } from "../parts/notice.tsx";
import { type Problem, request } from "../state/api.ts";
import { keep } from "../state/resource.ts";
import { formatCount } from "../text/amounts.ts";
import { OpinionStacks } from "./opinion-stacks.tsx";
import { crashDifference, opinionSummary } from "./opinion-text.ts";
import type { Comparison, Report } from "./report.ts";

type Opinion = { readonly kind: "none" } | { readonly kind: "running" } | { readonly kind: "refused"; readonly problem: Problem } | { readonly kind: "done"; readonly value: SecondOpinion };

/** The button, and what came of it; nothing for crashes that have no dump. */
export function OpinionPanel(props: { readonly project: string; readonly crash: CrashDetail }) {
  const { project, crash } = props;
  if (crash.kind !== "minidump" || crash.state === "stored") return null;
  const path = `/${project}/crashes/${crash.id}/second-opinion`;
  const opinion = keep<Signal<Opinion>>(`${path} ${crash.revision}`, () => signal<Opinion>({ kind: "none" }));
  const ask = async () => {
    // The button stays where the focus is while it waits, so it can be pressed again.
    if (opinion.peek().kind === "running") return;
    opinion.value = { kind: "running" };
    const answer = await request<SecondOpinion>("POST", path);
    opinion.value = answer.ok ? { kind: "done", value: answer.value } : { kind: "refused", problem: answer.problem };
  };
  const now = opinion.value;
  return (
    <section aria-labelledby="opinion" class="opinion">
      <div class="section-head">
        <h2 id="opinion">Second opinion</h2>
        {now.kind !== "refused" && (
          <button type="button" class="button" aria-disabled={now.kind === "running"} onClick={() => void ask()}>
            {now.kind === "running" ? "Walking…" : now.kind === "done" ? "Walk again" : "Walk with Breakpad too"}
          </button>
        )}
      </div>
      {/* Always there: a reader hears only what changes in it. */}
      <p role="status" class={now.kind === "done" ? "opinion-summary" : "faint"}>
        {statusText(now)}
      </p>
      {now.kind === "refused" && <ProblemNotice problem={now.problem} retry={() => void ask()} />}
      {now.kind === "done" && <Told opinion={now.value} report={crash.report} />}
    </section>
  );
}

function statusText(opinion: Opinion): string {
  if (opinion.kind === "none") return "Breakpad's walker can read the dump too, so that its stacks stand beside Deadair's. Nothing is stored.";
  if (opinion.kind === "running") return "Both walkers read the dump now. That takes seconds, or minutes for a large one.";
  if (opinion.kind === "refused") return "";
  if (opinion.value.comparison !== null) return opinionSummary(opinion.value.comparison);
  return "There are no two walks to compare.";
}

function Told(props: { readonly opinion: SecondOpinion; readonly report: Report | null }) {
  const { walkers, comparison } = props.opinion;
  return (
    <>
      {(["deadair", "breakpad"] as const).map((who) => {
        const { failure } = walkers[who];
        if (failure === null) return null;
        return (
          <div key={who} class="notice problem">
            <p class="notice-title">{who === "deadair" ? "Deadair" : "Breakpad"} did not walk it to the end.</p>
            <p>{failure.message}</p>
            <p class="faint">
              <code>{failure.code}</code>
            </p>
          </div>
        );
      })}
      {comparison !== null && <Compared comparison={comparison} report={props.report} />}
      <p class="faint opinion-times">
        {walkers.deadair.name} took {formatCount(walkers.deadair.milliseconds)} ms, {walkers.breakpad.name} {formatCount(walkers.breakpad.milliseconds)} ms.
      </p>
    </>
  );
}

function Compared(props: { readonly comparison: Comparison; readonly report: Report | null }) {
  const { comparison } = props;
  const crash = crashDifference(comparison);
  return (
    <>
      {crash !== null && <p>{crash}</p>}
      <OpinionStacks comparison={comparison} report={props.report} />
      {comparison.truncated && <p class="faint">There are too many rows to show; the numbers count those that are left out too.</p>}
    </>
  );
}
