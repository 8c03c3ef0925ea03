// The head of a crash: its signature, its facts, and, when it failed or still
// waits, what that means and what to do.
import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import type { CrashDetail } from "../../services/triage/schema.ts";
import { Badge } from "../parts/badge.tsx";
import { SignatureName } from "../parts/code-name.tsx";
import { When } from "../parts/when.tsx";
import { hrefOf } from "../state/route.ts";
import { formatBytes, formatUtc } from "../text/amounts.ts";
import { addressNote, crashFindings, lastError } from "./crash-findings.ts";
import { crashedThread } from "./stack-lines.ts";
import { threadTitle } from "./thread-folds.ts";

/** Signature, state and facts of a crash. */
export function CrashHead(props: { readonly project: string; readonly crash: CrashDetail; readonly retry: () => Promise<void> }) {
  const { project, crash } = props;
  return (
    <div class="crash-head">
      {crash.signature !== null && (
        <p class="crash-signature">
          {crash.group === null ? <SignatureName signature={crash.signature} /> : <a href={hrefOf({ screen: "group", project, id: crash.group })}><SignatureName signature={crash.signature} /></a>}
        </p>
      )}
      <StateNotice project={project} crash={crash} retry={props.retry} />
      <dl class="facts">
        <Facts crash={crash} />
      </dl>
    </div>
  );
}

function Facts(props: { readonly crash: CrashDetail }) {
  const { crash } = props;
  const report = crash.report;
  const index = report === null ? null : crashedThread(report);
  const thread = index === null ? undefined : report?.threads[index];
  const uptime = report?.process_uptime ?? null;
  const assertion = report?.crash_info.assertion ?? null;
  return (
    <>
      <Fact name="Product">{joined(crash.product, crash.version)}</Fact>
      <Fact name="Host">{crash.host}</Fact>
      <Fact name="System">{joined(crash.os, crash.osVersion, crash.arch)}</Fact>
      <Fact name="Address">{report?.crash_info.address == null ? null : <Address crash={report.crash_info} />}</Fact>
      <Fact name="Thread">{thread === undefined || index === null ? null : `${threadTitle(thread, index).replace("Thread ", "")}${thread.thread_id === null ? "" : `, id ${thread.thread_id}`}`}</Fact>
      <Fact name="Last error">{lastError(thread)}</Fact>
      <Fact name="Assertion">{assertion}</Fact>
      <Fact name="Received"><><When at={crash.receivedAt} /> <span class="faint">{formatUtc(crash.receivedAt)}</span></></Fact>
      <Fact name="Uptime">{uptime === null ? null : uptimeText(uptime)}</Fact>
      <Fact name="Install">{crash.install === null ? null : <code>{crash.install}</code>}</Fact>
      <Fact name="Client">{crash.client}</Fact>
      <Fact name="Kind">{crash.kind === "minidump" ? `minidump, ${formatBytes(crash.bytes)}` : "stack trace"}</Fact>
      <Fact name="Read by">{report === null ? null : `${report.walker}, revision ${crash.revision}`}</Fact>
      <Fact name="Id"><code>{crash.id}</code></Fact>
      {report !== null && crashFindings(report.crash_info).map(({ name, code, text }) => (
        <Fact key={name} name={name} wide>
          {code === null ? text : <><code>{code}</code> <span class="faint">{text}</span></>}
        </Fact>
      ))}
    </>
  );
}

function Address(props: { readonly crash: NonNullable<CrashDetail["report"]>["crash_info"] }) {
  const note = addressNote(props.crash);
  return (
    <>
      <code>{props.crash.address}</code>
      {note !== null && <span class="faint"> {note}</span>}
    </>
  );
}

function Fact(props: { readonly name: string; readonly wide?: boolean; readonly children: ComponentChildren }) {
  if (props.children === null || props.children === undefined || props.children === "") return null;
  return (
    <div class={props.wide === true ? "wide-fact" : undefined}>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

function StateNotice(props: { readonly project: string; readonly crash: CrashDetail; readonly retry: () => Promise<void> }) {
  const { crash } = props;
  if (crash.state === "stored")
    return (
      <div class="notice" role="status">
        <p class="notice-title">
          <Badge tone="warn" text="waiting" /> {crash.revision > 1 ? "The dump is about to be read again." : "The dump is stored and not read yet."}
        </p>
        <p>
          A worker takes it within seconds. If it stays here, look at the log of <code>deadair up</code> or <code>deadair work</code>. This page follows by itself.
        </p>
      </div>
    );
  if (crash.state === "failed")
    return (
      <div class="notice problem">
        <p class="notice-title">
          <Badge tone="bad" text="failed" /> {crash.reason ?? "No reason was kept."}
        </p>
        <p>The dump is kept. Retry it after the cause is gone, such as a raised limit or a newer version of Deadair.</p>
        <ReadAgain label="Retry" retry={props.retry} />
      </div>
    );
  if (!crash.waitingForSymbols) return null;
  return (
    <div class="stale with-button">
      <span>
        Some frames have no names or are guessed: of their symbols <a href={hrefOf({ screen: "symbols", project: props.project })}>something is missing</a>. Once it is uploaded, this crash is read again by itself.
      </span>
      <ReadAgain label="Read again" retry={props.retry} />
    </div>
  );
}

function ReadAgain(props: { readonly label: string; readonly retry: () => Promise<void> }) {
  const busy = useSignal(false);
  const again = async () => {
    busy.value = true;
    await props.retry();
    busy.value = false;
  };
  return (
    <button type="button" class="button" disabled={busy.value} onClick={() => void again()}>
      {props.label}
    </button>
  );
}

function uptimeText(seconds: number): string {
  if (seconds < 120) return `${seconds} s after start`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min after start` : `${(seconds / 3600).toFixed(1)} h after start`;
}

function joined(...parts: readonly (string | null)[]): string {
  return parts.filter((part) => part !== null && part !== "").join(" ");
}
