// Tokens: what a build machine or a script signs its requests with. A token is
// shown once; afterwards only its name and scopes are known.
import { useSignal } from "@preact/signals";
import { Badge } from "../parts/badge.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { CopyLine } from "../parts/copy-button.tsx";
import { ProblemNotice, Waiting } from "../parts/notice.tsx";
import { When } from "../parts/when.tsx";
import { announce } from "../state/announce.ts";
import { type Problem, request } from "../state/api.ts";
import { useResource } from "../state/resource.ts";

/** A token as the server lists it; `token` is there only in the answer that made it. */
type Token = { readonly id: string; readonly name: string; readonly scopes: readonly string[]; readonly createdAt: string; readonly token?: string };

const scopes = [
  ["symbols", "upload symbols"],
  ["read", "read groups and crashes"],
] as const;

/** The tokens of a project, with a form for one more. */
export function Tokens(props: { readonly project: string }) {
  const path = `/${props.project}/tokens`;
  const resource = useResource<{ readonly items: readonly Token[] }>(path);
  const made = useSignal<Token | null>(null);
  const loaded = resource.state.value;
  return (
    <section aria-labelledby="tokens">
      <h2 id="tokens">Tokens</h2>
      {loaded.kind === "loading" && <Waiting />}
      {loaded.kind === "failed" && <ProblemNotice problem={loaded.problem} retry={() => void resource.refresh()} />}
      {loaded.kind === "ready" && loaded.value.items.length === 0 && <p>No tokens. A build machine needs one to upload symbols; a script needs one to read.</p>}
      {loaded.kind === "ready" && loaded.value.items.length > 0 && (
        <ul class="cards">
          {loaded.value.items.map((token) => (
            <TokenRow key={token.id} token={token} path={path} refresh={resource.refresh} />
          ))}
        </ul>
      )}
      {made.value?.token !== undefined && (
        <div class="notice once" role="status">
          <p class="notice-title">The token “{made.value.name}”. It is shown only now.</p>
          <CopyLine text={made.value.token} what="Token" />
        </div>
      )}
      <AddToken
        path={path}
        added={async (token) => {
          made.value = token;
          await resource.refresh();
        }}
      />
    </section>
  );
}

function TokenRow(props: { readonly token: Token; readonly path: string; readonly refresh: () => Promise<void> }) {
  const { token, path } = props;
  const revoke = async () => {
    const answer = await request<null>("DELETE", `${path}/${token.id}`);
    announce(answer.ok ? `${token.name} is revoked` : `${answer.problem.message} ${answer.problem.hint}`);
    await props.refresh();
  };
  return (
    <li class="card">
      <div>
        <b>{token.name}</b>{" "}
        {token.scopes.map((scope) => (
          <Badge key={scope} tone="plain" text={scope} />
        ))}
        <div class="card-detail faint">
          made <When at={token.createdAt} />
        </div>
      </div>
      <div class="actions">
        <ConfirmButton label="Revoke" question="Revoke?" subject={token.name} act={revoke} />
      </div>
    </li>
  );
}

function AddToken(props: { readonly path: string; readonly added: (token: Token) => Promise<void> }) {
  const name = useSignal("");
  const chosen = useSignal<readonly string[]>(["symbols"]);
  const problem = useSignal<Problem | null>(null);
  const busy = useSignal(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    busy.value = true;
    const answer = await request<Token>("POST", props.path, { name: name.value.trim(), scopes: chosen.value });
    busy.value = false;
    problem.value = answer.ok ? null : answer.problem;
    if (!answer.ok) return;
    name.value = "";
    announce(`${answer.value.name} is made`);
    await props.added(answer.value);
  };
  return (
    <form class="inline-form" aria-label="Make a token" onSubmit={(event) => void submit(event)}>
      <label class="field">
        Name
        <input type="text" required maxLength={120} placeholder="CI on main" value={name.value} onInput={(event) => (name.value = event.currentTarget.value)} />
      </label>
      <fieldset class="checks">
        <legend>May</legend>
        {scopes.map(([scope, words]) => (
          <label key={scope}>
            <input
              type="checkbox"
              checked={chosen.value.includes(scope)}
              onChange={(event) => (chosen.value = event.currentTarget.checked ? [...chosen.value, scope] : chosen.value.filter((one) => one !== scope))}
            />
            {words}
          </label>
        ))}
      </fieldset>
      <button type="submit" class="button" disabled={busy.value || chosen.value.length === 0}>
        Make token
      </button>
      {problem.value !== null && <ProblemNotice problem={problem.value} />}
    </form>
  );
}
