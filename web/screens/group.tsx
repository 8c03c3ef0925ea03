// One group: what it is, how it goes, where it happens, its crashes.
import type { CrashItem, GroupDetail } from "../../services/triage/schema.ts";
import { GroupState } from "../parts/badge.tsx";
import { SignatureName } from "../parts/code-name.tsx";
import { CopyButton } from "../parts/copy-button.tsx";
import { CrashTable } from "../parts/crash-table.tsx";
import { FacetBars } from "../parts/facet-bars.tsx";
import { Heading } from "../parts/heading.tsx";
import { ListFoot, WaitingBar } from "../parts/list-foot.tsx";
import { ProblemNotice, StaleNotice, Waiting } from "../parts/notice.tsx";
import { TrendChart } from "../parts/trend-chart.tsx";
import { When } from "../parts/when.tsx";
import { copyText } from "../state/clipboard.ts";
import { useKeys } from "../state/keys.ts";
import { usePagedList } from "../state/paged-list.ts";
import { useResource } from "../state/resource.ts";
import { hrefOf } from "../state/route.ts";
import { groupsHref, navigate } from "../state/router.ts";
import { plural } from "../text/amounts.ts";
import { useListKeys } from "./groups.tsx";

/** The page of a group. */
export function GroupScreen(props: { readonly project: string; readonly id: string }) {
  const { project, id } = props;
  const group = useResource<GroupDetail>(`/${project}/groups/${id}`);
  const loaded = group.state.value;
  const up = groupsHref(project);
  useListKeys(id);
  useKeys(`group ${id}`, [
    { key: "u", does: "back to the groups", run: () => navigate(up) },
    { key: "y", does: "copy the link", run: () => void copyText(location.href, "Link") },
  ]);
  if (loaded.kind !== "ready")
    return (
      <>
        <Heading title="Group" hidden />
        {loaded.kind === "loading" ? <Waiting /> : <ProblemNotice problem={loaded.problem} retry={() => void group.refresh()} />}
      </>
    );
  return (
    <>
      <p class="crumb">
        <a href={up}>Groups</a>
      </p>
      <StaleNotice problem={loaded.stale} />
      <GroupHead project={project} group={loaded.value} />
      <div class="group-body">
        <section aria-labelledby="trend">
          <h2 id="trend">Crashes a day</h2>
          <TrendChart trend={loaded.value.trend} />
        </section>
        <section aria-labelledby="where">
          <h2 id="where">Where it happens</h2>
          <Facets facets={loaded.value.facets} />
        </section>
      </div>
      <GroupCrashes project={project} id={id} />
    </>
  );
}

function GroupHead(props: { readonly project: string; readonly group: GroupDetail }) {
  const { project, group } = props;
  const newest = group.latestCrash === null ? null : hrefOf({ screen: "crash", project, id: group.latestCrash });
  useKeys(`newest ${newest ?? ""}`, newest === null ? [] : [{ key: "n", does: "open the newest crash", run: () => navigate(newest) }]);
  return (
    <header class="subject">
      <div class="subject-text">
        <Heading title={group.signature}>
          <SignatureName signature={group.signature} />
        </Heading>
        <p class="summary-line">
          <GroupState state={group.state} />
          <span>
            <b>{plural(group.count, "crash", "crashes")}</b>
          </span>
          <span title="Distinct installs; crashes without an install id are not counted here">{group.installs === 0 ? "installs unknown" : plural(group.installs, "install")}</span>
          <span>
            first seen <When at={group.firstSeen} />
          </span>
          <span>
            last seen <When at={group.lastSeen} />
          </span>
        </p>
      </div>
      <div class="actions">
        {newest !== null && (
          <a class="button primary" href={newest}>
            Open newest crash
            <kbd aria-hidden="true">n</kbd>
          </a>
        )}
        <CopyButton text={() => group.signature} what="Signature" label="Copy signature" />
      </div>
    </header>
  );
}

/** Facets that come first, in this order; the rest follow by name. */
const facetOrder = ["version", "os", "host", "arch"];

function Facets(props: { readonly facets: GroupDetail["facets"] }) {
  const place = (name: string) => (facetOrder.indexOf(name) + facetOrder.length + 1) % (facetOrder.length + 1);
  const entries = Object.entries(props.facets)
    .filter(([, values]) => values.length > 0)
    .sort((a, b) => place(a[0]) - place(b[0]) || a[0].localeCompare(b[0], "en"));
  if (entries.length === 0) return <p class="faint">The crashes say nothing about their versions, hosts or systems.</p>;
  return (
    <div class="facets">
      {entries.map(([name, values]) => (
        <FacetBars key={name} name={name} values={values} />
      ))}
    </div>
  );
}

function GroupCrashes(props: { readonly project: string; readonly id: string }) {
  const list = usePagedList<CrashItem>(`/${props.project}/groups/${props.id}/crashes`);
  const items = list.items.value;
  return (
    <section aria-labelledby="crashes">
      <h2 id="crashes">Crashes, newest first</h2>
      <WaitingBar list={list} say={(rows) => plural(rows.length, "new crash", "new crashes")} />
      {items === null ? list.problem.value === null ? <Waiting /> : <ProblemNotice problem={list.problem.value} retry={() => void list.refresh()} /> : null}
      {items !== null && (items.length === 0 ? <p class="faint">No crash of this group is kept any more.</p> : <CrashTable project={props.project} items={items} of="group" />)}
      <ListFoot list={list} noun={["crash", "crashes"]} />
    </section>
  );
}
