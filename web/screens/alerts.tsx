// Alerts: what fired, and what became of each delivery, attempt by attempt.
import type { Alert, Delivery, Me } from "../../services/triage/schema.ts";
import { Badge, type BadgeTone } from "../parts/badge.tsx";
import { withBreaks } from "../parts/code-name.tsx";
import { Heading } from "../parts/heading.tsx";
import { ListFoot, WaitingBar } from "../parts/list-foot.tsx";
import { ProblemNotice, StaleNotice, Waiting } from "../parts/notice.tsx";
import { When } from "../parts/when.tsx";
import { announce } from "../state/announce.ts";
import { request } from "../state/api.ts";
import { now } from "../state/poll.ts";
import { usePagedList } from "../state/paged-list.ts";
import { hrefOf } from "../state/route.ts";
import { formatUntil, formatUtc, plural } from "../text/amounts.ts";
import { Destinations } from "./destinations.tsx";

/** Destinations and the alerts sent to them. */
export function AlertsScreen(props: { readonly project: Me["projects"][number] }) {
  const { project } = props;
  const list = usePagedList<Alert>(`/${project.slug}/alerts`);
  const items = list.items.value;
  const showNewest = async () => {
    await list.refresh();
    list.showWaiting();
  };
  return (
    <>
      <Heading title="Alerts" />
      <StaleNotice problem={items === null ? null : list.problem.value} />
      <Destinations project={project.slug} tested={showNewest} />
      <section aria-labelledby="sent">
        <h2 id="sent">Sent</h2>
        <WaitingBar list={list} say={(rows) => plural(rows.length, "new alert")} />
        {items === null ? list.problem.value === null ? <Waiting /> : <ProblemNotice problem={list.problem.value} retry={() => void list.refresh()} /> : null}
        {items !== null && items.length === 0 && <p class="faint">No alert yet. The first crash of a new group sends one to every destination.</p>}
        {items !== null && items.length > 0 && (
          <ol class="alerts">
            {items.map((alert) => (
              <AlertRow key={alert.id} alert={alert} project={project.slug} refresh={list.refresh} />
            ))}
          </ol>
        )}
        <ListFoot list={list} noun={["alert", "alerts"]} />
      </section>
    </>
  );
}

function AlertRow(props: { readonly alert: Alert; readonly project: string; readonly refresh: () => Promise<void> }) {
  const { alert, project } = props;
  const href = alert.group !== null ? hrefOf({ screen: "group", project, id: alert.group }) : alert.crash !== null ? hrefOf({ screen: "crash", project, id: alert.crash }) : null;
  return (
    <li class="alert">
      <div class="alert-head">
        {href === null ? <b>{withBreaks(alert.title)}</b> : <a href={href}>{withBreaks(alert.title)}</a>}
        <span class="faint">
          {alert.rule.replaceAll("_", " ")} · {alert.deliveries.length === 0 && "not sent: there was no destination · "}
          <When at={alert.createdAt} />
        </span>
      </div>
      {alert.deliveries.map((delivery) => (
        <DeliveryRow key={delivery.id} delivery={delivery} project={project} refresh={props.refresh} />
      ))}
    </li>
  );
}

const tones: { readonly [state: string]: BadgeTone } = { delivered: "good", failed: "bad", pending: "warn" };

function DeliveryRow(props: { readonly delivery: Delivery; readonly project: string; readonly refresh: () => Promise<void> }) {
  const { delivery } = props;
  const retry = async () => {
    const answer = await request<null>("POST", `/${props.project}/deliveries/${delivery.id}/retry`);
    announce(answer.ok ? `It is sent to ${delivery.destination.name} again` : `${answer.problem.message} ${answer.problem.hint}`);
    await props.refresh();
  };
  const failed = delivery.attempts.filter((attempt) => attempt.error !== null).length;
  return (
    <details class="delivery">
      <summary>
        <Badge tone={tones[delivery.state] ?? "plain"} text={delivery.state} /> {delivery.destination.name}{" "}
        <span class="faint">
          {delivery.destination.kind} · {plural(delivery.attempts.length, "attempt")}
          {failed > 0 && `, ${failed} failed`}
          {delivery.nextAttemptAt !== null && (
            <span title={formatUtc(delivery.nextAttemptAt)}>, next {formatUntil(delivery.nextAttemptAt, now.value)}</span>
          )}
        </span>
      </summary>
      {delivery.attempts.length === 0 ? <p class="faint">Not tried yet.</p> : <AttemptTable attempts={delivery.attempts} />}
      {delivery.state === "failed" && (
        <button type="button" class="button" onClick={() => void retry()}>
          Send again
        </button>
      )}
    </details>
  );
}

function AttemptTable(props: { readonly attempts: Delivery["attempts"] }) {
  return (
    <table class="rows attempts" role="table">
      <caption class="offscreen">Attempts</caption>
      <thead role="rowgroup">
        <tr role="row">
          {["At (UTC)", "Status", "Took", "Error", "Answer"].map((name) => (
            <th role="columnheader" key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {props.attempts.map((attempt) => (
          <tr role="row" key={attempt.at}>
            <td role="cell" class="when wide-cell">
              {formatUtc(attempt.at).replace(" UTC", "")}
            </td>
            <td role="cell" data-label="Status">
              {attempt.status ?? <span class="faint">none</span>}
            </td>
            <td role="cell" class="when" data-label="Took">
              {attempt.milliseconds} ms
            </td>
            <td role="cell" data-label="Error">
              {attempt.error ?? <span class="faint">none</span>}
            </td>
            <td role="cell" data-label="Answer">
              {attempt.answer === null || attempt.answer === "" ? <span class="faint">empty</span> : <code>{attempt.answer}</code>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
