// Settings of a project and of the signed-in user: where clients upload,
// tokens for builds and scripts, a password.
import { useSignal } from "@preact/signals";
import type { Me } from "../../services/triage/schema.ts";
import { CopyLine } from "../parts/copy-button.tsx";
import { Heading } from "../parts/heading.tsx";
import { ProblemNotice } from "../parts/notice.tsx";
import { announce } from "../state/announce.ts";
import { type Problem, request } from "../state/api.ts";
import { me } from "../state/session.ts";
import { curlCommand, readDsn } from "../text/upload-address.ts";
import { Tokens } from "./tokens.tsx";

/** The settings of a project and the account. */
export function SettingsScreen(props: { readonly project: Me["projects"][number] }) {
  const { project } = props;
  return (
    <>
      <Heading title="Settings" />
      <Uploading dsn={project.dsn} />
      <Tokens project={project.slug} />
      <Password />
    </>
  );
}

function Uploading(props: { readonly dsn: string }) {
  const address = readDsn(props.dsn);
  return (
    <section aria-labelledby="uploading">
      <h2 id="uploading">Uploading crashes</h2>
      <p>Put the DSN into a Sentry SDK, or post minidumps to the address below. The key ships inside every plugin: it says which project a crash belongs to and permits nothing else.</p>
      <dl class="stacked">
        <dt>DSN</dt>
        <dd>
          <CopyLine text={props.dsn} what="DSN" />
        </dd>
        {address !== null && (
          <>
            <dt>Upload key</dt>
            <dd>
              <CopyLine text={address.key} what="Upload key" />
            </dd>
            <dt>Minidump address, for Crashpad and Breakpad</dt>
            <dd>
              <CopyLine text={address.minidumpUrl} what="Minidump address" />
            </dd>
            <dt>Try it with a dump of yours</dt>
            <dd>
              <CopyLine text={curlCommand(address)} what="Command that uploads a minidump" />
            </dd>
          </>
        )}
      </dl>
    </section>
  );
}

function Password() {
  const password = useSignal("");
  const problem = useSignal<Problem | null>(null);
  const busy = useSignal(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    busy.value = true;
    const answer = await request<null>("POST", "/account/password", { password: password.value });
    busy.value = false;
    problem.value = answer.ok ? null : answer.problem;
    if (!answer.ok) return;
    password.value = "";
    announce("The password is set");
  };
  return (
    <section aria-labelledby="password">
      <h2 id="password">Password</h2>
      <p>
        You are signed in as <b>{me.value?.user.email}</b>. With a password you can sign in without the link that <code>deadair up</code> prints.
      </p>
      <form class="inline-form" onSubmit={(event) => void submit(event)}>
        <input class="offscreen" type="email" autocomplete="username" tabIndex={-1} aria-hidden="true" readOnly value={me.value?.user.email ?? ""} />
        <label class="field">
          New password
          <input type="password" autocomplete="new-password" required minLength={10} maxLength={1024} value={password.value} onInput={(event) => (password.value = event.currentTarget.value)} />
        </label>
        <button type="submit" class="button" disabled={busy.value}>
          Set password
        </button>
        {problem.value !== null && <ProblemNotice problem={problem.value} />}
      </form>
    </section>
  );
}
