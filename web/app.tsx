// The frame around every screen: the bar with the mark and the tabs, the
// screen that the address asks for, and the line that says what happened.
import type { Me } from "../services/triage/schema.ts";
import { KeyHelp, keyHelpOpen } from "./parts/key-help.tsx";
import { Heading } from "./parts/heading.tsx";
import { Mark } from "./parts/mark.tsx";
import { Empty, ProblemNotice, Waiting } from "./parts/notice.tsx";
import { AlertsScreen } from "./screens/alerts.tsx";
import { CrashScreen } from "./screens/crash.tsx";
import { GroupScreen } from "./screens/group.tsx";
import { GroupsScreen } from "./screens/groups.tsx";
import { IngestScreen } from "./screens/ingest.tsx";
import { SettingsScreen } from "./screens/settings.tsx";
import { SignInScreen } from "./screens/sign-in.tsx";
import { SymbolsScreen } from "./screens/symbols.tsx";
import { announcement } from "./state/announce.ts";
import { useKeys } from "./state/keys.ts";
import { type Route, hrefOf } from "./state/route.ts";
import { navigate, route } from "./state/router.ts";
import { loadMe, me, meProblem, signOut } from "./state/session.ts";

/** The whole page. */
export function App() {
  useKeys("app", [{ key: "?", does: "show the keys", run: () => (keyHelpOpen.value = true) }]);
  const user = me.value;
  const asked = route.value;
  if (user === null) return <SignInScreen linkOver={asked.screen === "sign-in" && asked.linkOver} />;
  if (user === undefined)
    return (
      <main class="door" id="main">
        <Heading title="Deadair" hidden />
        {meProblem.value === null ? <Waiting /> : <ProblemNotice problem={meProblem.value} retry={() => void loadMe()} />}
      </main>
    );
  const slug = "project" in asked ? asked.project : null;
  const project = slug === null ? user.projects[0] : user.projects.find((one) => one.slug === slug);
  const home = project !== undefined && (asked.screen === "home" || asked.screen === "sign-in") ? tabHref("groups", project.slug) : null;
  if (home !== null) queueMicrotask(() => navigate(home, "replace"));
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <Bar user={user} project={project} at={asked} />
      <main id="main" tabIndex={-1}>
        {project === undefined ? <NoProject slug={slug} /> : <Screen project={project} at={asked} />}
      </main>
      <div class="toast" role="status" aria-live="polite">
        {announcement.value !== "" && <span>{announcement.value}</span>}
      </div>
      <KeyHelp />
    </>
  );
}

function Screen(props: { readonly project: Me["projects"][number]; readonly at: Route }) {
  const { project, at } = props;
  switch (at.screen) {
    case "home":
    case "sign-in":
      return <GroupsScreen key={project.slug} project={project} query="" sort="last_seen" />;
    case "groups":
      return <GroupsScreen key={project.slug} project={project} query={at.query} sort={at.sort} />;
    case "group":
      return <GroupScreen key={at.id} project={project.slug} id={at.id} />;
    case "crash":
      return <CrashScreen key={at.id} project={project.slug} id={at.id} />;
    case "ingest":
      return <IngestScreen key={project.slug} project={project} state={at.state} />;
    case "symbols":
      return <SymbolsScreen key={project.slug} project={project} />;
    case "alerts":
      return <AlertsScreen key={project.slug} project={project} />;
    case "settings":
      return <SettingsScreen key={project.slug} project={project} />;
    case "unknown":
      return (
        <>
          <Heading title="Nothing here" />
          <Empty title="This address leads nowhere.">
            <p>
              The link may be cut. Start at the <a href={hrefOf({ screen: "groups", project: project.slug, query: "", sort: "last_seen" })}>groups</a>.
            </p>
          </Empty>
        </>
      );
  }
}

function NoProject(props: { readonly slug: string | null }) {
  return (
    <>
      <Heading title="No project" />
      <Empty title={props.slug === null ? "You can open no project yet." : `There is no project “${props.slug}”, or you may not open it.`}>
        <p>Ask who runs this Deadair to add you to the project.</p>
      </Empty>
    </>
  );
}

const tabs = [
  ["groups", "Groups"],
  ["ingest", "Ingest"],
  ["symbols", "Symbols"],
  ["alerts", "Alerts"],
  ["settings", "Settings"],
] as const;

function tabHref(screen: (typeof tabs)[number][0], project: string): string {
  if (screen === "groups") return hrefOf({ screen, project, query: "", sort: "last_seen" });
  return screen === "ingest" ? hrefOf({ screen, project, state: "failed" }) : hrefOf({ screen, project });
}

function Bar(props: { readonly user: Me; readonly project: Me["projects"][number] | undefined; readonly at: Route }) {
  const { user, project, at } = props;
  const on = at.screen === "home" || at.screen === "sign-in" || at.screen === "group" || at.screen === "crash" ? "groups" : at.screen;
  return (
    <header class="bar">
      <a class="brand" href="/" aria-label="Deadair">
        <Mark size={22} />
        <span>Deadair</span>
      </a>
      {user.projects.length > 1 ? (
        <select class="projects" aria-label="Project" value={project?.slug ?? ""} onChange={(event) => navigate(tabHref("groups", event.currentTarget.value))}>
          {project === undefined && <option value="">Choose</option>}
          {user.projects.map((one) => (
            <option key={one.slug} value={one.slug}>
              {one.name}
            </option>
          ))}
        </select>
      ) : (
        <span class="project-name">{project?.name}</span>
      )}
      {project !== undefined && (
        <nav class="tabs" aria-label="Screens">
          {tabs.map(([screen, name]) => (
            <a key={screen} href={tabHref(screen, project.slug)} aria-current={screen === on ? "page" : undefined}>
              {name}
            </a>
          ))}
        </nav>
      )}
      <div class="bar-end">
        <button type="button" class="button quiet" aria-label="Show the keys" onClick={() => (keyHelpOpen.value = true)}>
          <kbd>?</kbd>
        </button>
        <button type="button" class="button quiet" title={`Signed in as ${user.user.email}`} onClick={() => void signOut()}>
          Sign out
        </button>
      </div>
    </header>
  );
}
