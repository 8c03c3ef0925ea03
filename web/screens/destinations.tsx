// Where alerts go: a webhook, Slack, or mail. Each can be tried at once, and
// a webhook's secret is shown one time, when it is made.
import { useSignal } from "@preact/signals";
import type { Destination, NewDestination } from "../../services/triage/schema.ts";
import { Badge } from "../parts/badge.tsx";
import { CodeName } from "../parts/code-name.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { CopyLine } from "../parts/copy-button.tsx";
import { ProblemNotice, Waiting } from "../parts/notice.tsx";
import { announce } from "../state/announce.ts";
import { type Problem, request } from "../state/api.ts";
import { useResource } from "../state/resource.ts";

type Kind = NewDestination["kind"];

const kinds: { readonly [kind in Kind]: { readonly name: string; readonly target: string; readonly example: string; readonly input: "url" | "email" } } = {
  webhook: { name: "Webhook", target: "Address", example: "https://example.com/hooks/deadair", input: "url" },
  slack: { name: "Slack", target: "Incoming-webhook address", example: "https://hooks.slack.com/services/…", input: "url" },
  mail: { name: "Mail", target: "E-mail address", example: "team@example.com", input: "email" },
};

/** The destinations of a project, with a form for one more. `tested` is called when a test is on its way. */
export function Destinations(props: { readonly project: string; readonly tested: () => Promise<void> }) {
  const path = `/${props.project}/destinations`;
  const resource = useResource<{ readonly items: readonly Destination[] }>(path);
  const made = useSignal<Destination | null>(null);
  const loaded = resource.state.value;
  return (
    <section aria-labelledby="destinations">
      <h2 id="destinations">Destinations</h2>
      {loaded.kind === "loading" && <Waiting />}
      {loaded.kind === "failed" && <ProblemNotice problem={loaded.problem} retry={() => void resource.refresh()} />}
      {loaded.kind === "ready" && loaded.value.items.length === 0 && <p>Alerts go nowhere yet. Add a destination, then send a test to it.</p>}
      {loaded.kind === "ready" && loaded.value.items.length > 0 && (
        <ul class="cards">
          {loaded.value.items.map((one) => (
            <DestinationRow key={one.id} destination={one} path={path} refresh={resource.refresh} tested={props.tested} />
          ))}
        </ul>
      )}
      {made.value?.secret !== undefined && (
        <div class="notice once" role="status">
          <p class="notice-title">The secret of “{made.value.name}”. It is shown only now.</p>
          <p>The receiver checks each delivery's signature with it.</p>
          <CopyLine text={made.value.secret} what="Secret" />
        </div>
      )}
      <AddDestination
        path={path}
        added={async (destination) => {
          made.value = destination;
          await resource.refresh();
        }}
      />
    </section>
  );
}

function DestinationRow(props: { readonly destination: Destination; readonly path: string; readonly refresh: () => Promise<void>; readonly tested: () => Promise<void> }) {
  const { destination, path } = props;
  const test = async () => {
    const answer = await request<null>("POST", `${path}/${destination.id}/test`);
    announce(answer.ok ? `A test is on its way to ${destination.name}; see under Sent` : `${answer.problem.message} ${answer.problem.hint}`);
    if (answer.ok) await props.tested();
  };
  const remove = async () => {
    const answer = await request<null>("DELETE", `${path}/${destination.id}`);
    announce(answer.ok ? `${destination.name} is deleted` : `${answer.problem.message} ${answer.problem.hint}`);
    await props.refresh();
  };
  return (
    <li class="card">
      <div>
        <b>{destination.name}</b> <span class="faint">{kindName(destination.kind)}</span> {!destination.enabled && <Badge tone="warn" text="off" />}
        <div class="card-detail">
          <CodeName name={destination.target} />
        </div>
      </div>
      <div class="actions">
        <button type="button" class="button" aria-label={`Send test to ${destination.name}`} onClick={() => void test()}>
          Send test
        </button>
        <ConfirmButton label="Delete" question="Delete?" subject={destination.name} act={remove} />
      </div>
    </li>
  );
}

function AddDestination(props: { readonly path: string; readonly added: (destination: Destination) => Promise<void> }) {
  const kind = useSignal<Kind>("webhook");
  const name = useSignal("");
  const target = useSignal("");
  const problem = useSignal<Problem | null>(null);
  const busy = useSignal(false);
  const words = kinds[kind.value];
  const submit = async (event: Event) => {
    event.preventDefault();
    const body: NewDestination = { kind: kind.value, name: name.value.trim(), target: target.value.trim() };
    busy.value = true;
    const answer = await request<Destination>("POST", props.path, body);
    busy.value = false;
    problem.value = answer.ok ? null : answer.problem;
    if (!answer.ok) return;
    name.value = "";
    target.value = "";
    announce(`${answer.value.name} is added`);
    await props.added(answer.value);
  };
  return (
    <form class="inline-form" aria-label="Add a destination" onSubmit={(event) => void submit(event)}>
      <label class="field">
        Kind
        <select value={kind.value} onChange={(event) => (kind.value = isKind(event.currentTarget.value) ? event.currentTarget.value : "webhook")}>
          {Object.entries(kinds).map(([value, one]) => (
            <option key={value} value={value}>
              {one.name}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        Name
        <input type="text" required maxLength={120} value={name.value} placeholder="Audio team" onInput={(event) => (name.value = event.currentTarget.value)} />
      </label>
      <label class="field grow">
        {words.target}
        <input type="text" inputMode={words.input} required minLength={3} maxLength={2000} value={target.value} placeholder={words.example} onInput={(event) => (target.value = event.currentTarget.value)} />
      </label>
      <button type="submit" class="button" disabled={busy.value}>
        Add
      </button>
      {problem.value !== null && <ProblemNotice problem={problem.value} />}
    </form>
  );
}

function isKind(text: string): text is Kind {
  return text === "webhook" || text === "slack" || text === "mail";
}

function kindName(kind: string): string {
  return isKind(kind) ? kinds[kind].name : kind;
}
