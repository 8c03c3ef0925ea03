// Who is signed in. `me` is undefined until the server has been asked once,
// null when nobody is signed in.
import { effect, signal } from "@preact/signals";
import type { Me } from "../../services/triage/schema.ts";
import { type Problem, request, signedOut } from "./api.ts";
import { forgetAll } from "./resource.ts";

/** The signed-in user; null for nobody, undefined while not known. */
export const me = signal<Me | null | undefined>(undefined);

/** Why the server could not say who is signed in; null when it could. */
export const meProblem = signal<Problem | null>(null);

effect(() => {
  if (signedOut.value) end();
});

/** Nobody is signed in: the next one must see nothing of the last one. */
function end(): void {
  me.value = null;
  forgetAll();
}

/** Asks the server who is signed in. */
export async function loadMe(): Promise<void> {
  signedOut.value = false;
  const answer = await request<Me>("GET", "/me");
  if (answer.ok) {
    me.value = answer.value;
    meProblem.value = null;
  } else if (answer.problem.status === 401) {
    me.value = null;
    meProblem.value = null;
  } else {
    meProblem.value = answer.problem;
  }
}

/** Signs in by password; the problem when it did not work. */
export async function signIn(email: string, password: string): Promise<Problem | null> {
  const answer = await request<null>("POST", "/session", { email, password });
  if (!answer.ok) return answer.problem;
  await loadMe();
  return me.value ? null : (meProblem.value ?? noCookie);
}

/** Ends the session and shows the sign-in screen. */
export async function signOut(): Promise<void> {
  await request<null>("DELETE", "/session");
  end();
}

const noCookie: Problem = {
  status: 0,
  error: "no_cookie",
  message: "The password is right, but the browser did not keep the session.",
  hint: "Allow cookies for this site, or open it under the address that Deadair is set up for.",
};
