// The engineers' page.
//
// One Preact tree over signals, built by Vite to static files that the server
// sends; it talks to /api/v1 with the cookie session and to nothing else.
//
//   state/    asking the server, the address, lists that refresh, keys
//   text/     amounts, times and commands as text (pure)
//   crash/    a crash as lines, folds, verdicts, Markdown (pure), and its panels
//   parts/    small things that several screens show
//   screens/  one file a screen
//   style/    the look: custom properties first, then one file a concern
//
// Rules: types come from services/triage/schema.ts by `import type` and from
// nowhere else; links are real links; nothing needs a style attribute, an
// inline script or another host, so that `default-src 'self'` holds; every
// problem shows its cause and its remedy. To add a screen: a variant of Route
// in state/router.ts, a file in screens/, a case in app.tsx.
import { render } from "preact";
import { App } from "./app.tsx";
import { startKeys } from "./state/keys.ts";
import { startRouter } from "./state/router.ts";
import { loadMe } from "./state/session.ts";

const page = document.getElementById("page");
if (page) {
  startRouter();
  startKeys();
  void loadMe();
  render(<App />, page);
}
