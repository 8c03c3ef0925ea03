// The door: e-mail and password, and the way in when there is no password yet.
import { useSignal } from "@preact/signals";
import { Heading } from "../parts/heading.tsx";
import { Mark } from "../parts/mark.tsx";
import { ProblemNotice } from "../parts/notice.tsx";
import type { Problem } from "../state/api.ts";
import { signIn } from "../state/session.ts";

const linkIsOver: Problem = {
  status: 0,
  error: "link_over",
  message: "This sign-in link works no more.",
  hint: "Each link works once, and for a day. Start `deadair up` again for a new one, or sign in by password.",
};

/** The sign-in screen. After it, the address that was asked for opens. `linkOver`: a link was opened that works no more. */
export function SignInScreen(props: { readonly linkOver: boolean }) {
  const email = useSignal("");
  const password = useSignal("");
  const problem = useSignal<Problem | null>(props.linkOver ? linkIsOver : null);
  const busy = useSignal(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy.value) return;
    busy.value = true;
    problem.value = await signIn(email.value.trim(), password.value);
    busy.value = false;
  };
  return (
    <main class="door" id="main">
      <div class="door-mark">
        <Mark size={44} />
      </div>
      <Heading title="Sign in">Sign in to Deadair</Heading>
      <form onSubmit={(event) => void submit(event)}>
        <label class="field">
          E-mail
          <input type="email" name="email" autocomplete="username" required value={email.value} onInput={(event) => (email.value = event.currentTarget.value)} />
        </label>
        <label class="field">
          Password
          <input type="password" name="password" autocomplete="current-password" required value={password.value} onInput={(event) => (password.value = event.currentTarget.value)} />
        </label>
        {problem.value !== null && <ProblemNotice problem={problem.value} />}
        <button type="submit" class="button primary" disabled={busy.value}>
          {busy.value ? "Signing in…" : "Sign in"}
        </button>
      </form>
      <p class="door-help">
        No password yet? <code>deadair up</code> prints a sign-in link in its terminal. Open it here once, then set a password under Settings.
      </p>
    </main>
  );
}
