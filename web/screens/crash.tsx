// One crash, whole: what happened, the crashed thread first, why it has this
// signature, then everything else the report knows.
import type { CrashDetail } from "../../services/triage/schema.ts";
import { crashTitle, crashToMarkdown, crashToText } from "../crash/crash-text.ts";
import { CrashHead } from "../crash/crash-head.tsx";
import { ExtrasPanel } from "../crash/extras-panel.tsx";
import { ModulePanel } from "../crash/module-panel.tsx";
import { OpinionPanel } from "../crash/opinion-panel.tsx";
import { SignaturePanel } from "../crash/signature-panel.tsx";
import { crashedThread } from "../crash/stack-lines.ts";
import { StackTable, TrustLegend } from "../crash/stack-table.tsx";
import { threadTitle } from "../crash/thread-folds.ts";
import { ThreadList } from "../crash/thread-list.tsx";
import { CopyButton } from "../parts/copy-button.tsx";
import { Heading } from "../parts/heading.tsx";
import { Empty, ProblemNotice, StaleNotice, Waiting } from "../parts/notice.tsx";
import { request } from "../state/api.ts";
import { announce } from "../state/announce.ts";
import { copyText } from "../state/clipboard.ts";
import { useKeys } from "../state/keys.ts";
import { useResource } from "../state/resource.ts";
import { hrefOf } from "../state/route.ts";
import { navigate } from "../state/router.ts";

/** The page of a crash. */
export function CrashScreen(props: { readonly project: string; readonly id: string }) {
  const { project, id } = props;
  const resource = useResource<CrashDetail>(`/${project}/crashes/${id}`);
  const loaded = resource.state.value;
  if (loaded.kind !== "ready")
    return (
      <>
        <Heading title="Crash" hidden />
        {loaded.kind === "loading" ? <Waiting /> : <ProblemNotice problem={loaded.problem} retry={() => void resource.refresh()} />}
      </>
    );
  return (
    <>
      <StaleNotice problem={loaded.stale} />
      <Crash project={project} crash={loaded.value} refresh={resource.refresh} />
    </>
  );
}

function Crash(props: { readonly project: string; readonly crash: CrashDetail; readonly refresh: () => Promise<void> }) {
  const { project, crash } = props;
  const link = `${location.origin}${hrefOf({ screen: "crash", project, id: crash.id })}`;
  const up = crash.group === null ? hrefOf({ screen: "ingest", project, state: crash.state === "stored" ? "stored" : "failed" }) : hrefOf({ screen: "group", project, id: crash.group });
  const markdown = () => crashToMarkdown(crash, link);
  useKeys(`crash ${crash.id} ${crash.revision} ${crash.state}`, [
    { key: "u", does: crash.group === null ? "back to the ingest list" : "up to the group", run: () => navigate(up) },
    { key: "c", does: "copy as Markdown", run: () => void copyText(markdown(), "Markdown") },
    { key: "y", does: "copy the link", run: () => void copyText(link, "Link") },
  ]);
  const retry = async () => {
    const answer = await request<null>("POST", `/${project}/crashes/${crash.id}/retry`);
    announce(answer.ok ? "The crash is queued again" : `${answer.problem.message} ${answer.problem.hint}`);
    await props.refresh();
  };
  return (
    <>
      <p class="crumb">
        <a href={up}>{crash.group === null ? "Ingest" : "Group"}</a>
      </p>
      <header class="subject">
        <div class="subject-text">
          <Heading title={crashTitle(crash)} />
        </div>
        <div class="actions">
          <CopyButton text={markdown} what="Markdown" label="Copy as Markdown" keyHint="c" />
          <CopyButton text={() => crashToText(crash, link)} what="Text" label="Copy as text" />
          <CopyButton text={() => link} what="Link" label="Copy link" keyHint="y" />
        </div>
      </header>
      <CrashHead project={project} crash={crash} retry={retry} />
      <CrashReport project={project} crash={crash} retry={retry} />
      <ExtrasPanel crash={crash} />
    </>
  );
}

function CrashReport(props: { readonly project: string; readonly crash: CrashDetail; readonly retry: () => Promise<void> }) {
  const { report, explanation, state } = props.crash;
  const opinion = <OpinionPanel key={props.crash.id} project={props.project} crash={props.crash} />;
  if (report === null)
    return (
      <>
        {state === "grouped" && <ReportGone retry={props.retry} />}
        {opinion}
      </>
    );
  const index = crashedThread(report);
  const sources = { crash: `/${props.project}/crashes/${props.crash.id}`, modules: props.crash.sources };
  const thread = index === null ? undefined : report.threads[index];
  return (
    <>
      <section aria-labelledby="crashed">
        {index === null || thread === undefined ? (
          <>
            <h2 id="crashed">No crashed thread</h2>
            <p>The dump does not say which thread crashed; the threads are below.</p>
          </>
        ) : (
          <>
            <h2 id="crashed">
              {threadTitle(thread, index)} <span class="crashed-word">crashed</span>
            </h2>
            <StackTable thread={thread} modules={report.modules} sources={sources} caption={`Stack of the crashed ${threadTitle(thread, index)}`} verdicts={explanation?.frames ?? []} />
            <TrustLegend thread={thread} />
          </>
        )}
      </section>
      <SignaturePanel explanation={explanation} />
      {opinion}
      <ThreadList report={report} sources={sources} crashed={index} />
      <ModulePanel report={report} />
    </>
  );
}

function ReportGone(props: { readonly retry: () => Promise<void> }) {
  return (
    <section>
      <Empty title="The report of this crash is gone.">
        <p>If the dump is still kept, it can be read once more.</p>
        <button type="button" class="button" onClick={() => void props.retry()}>
          Read again
        </button>
      </Empty>
    </section>
  );
}
