// The list of groups: what breaks, how often, for how many, since when.
import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import type { GroupItem, GroupPage, Me } from "../../services/triage/schema.ts";
import { GroupState } from "../parts/badge.tsx";
import { SignatureName } from "../parts/code-name.tsx";
import { CopyLine } from "../parts/copy-button.tsx";
import { Count } from "../parts/count.tsx";
import { Heading } from "../parts/heading.tsx";
import { ListFoot, WaitingBar } from "../parts/list-foot.tsx";
import { Empty, ProblemNotice, StaleNotice, Waiting } from "../parts/notice.tsx";
import { Sparkline } from "../parts/sparkline.tsx";
import { When } from "../parts/when.tsx";
import { moveFocus, useKeys } from "../state/keys.ts";
import { type PagedList, usePagedList } from "../state/paged-list.ts";
import { type Sort, hrefOf } from "../state/route.ts";
import { navigate } from "../state/router.ts";
import { curlCommand, readDsn } from "../text/upload-address.ts";
import { plural } from "../text/amounts.ts";

const sorts: readonly (readonly [Sort, string])[] = [
  ["last_seen", "Last seen"],
  ["count", "Crashes"],
  ["first_seen", "First seen"],
];

/** The groups of a project that match a query, in an order. */
export function GroupsScreen(props: { readonly project: Me["projects"][number]; readonly query: string; readonly sort: Sort }) {
  const { project, query, sort } = props;
  const path = `/${project.slug}/groups?sort=${sort}${query === "" ? "" : `&q=${encodeURIComponent(query)}`}`;
  const list = usePagedList<GroupItem>(path);
  useListKeys(path);
  const total = (list.head.value as GroupPage | null)?.total;
  return (
    <>
      <div class="screen-head">
        <Heading title="Groups">
          Groups {total !== undefined && <span class="heading-count">{total.toLocaleString("en-US")}</span>}
        </Heading>
        <GroupTools project={project.slug} query={query} sort={sort} />
      </div>
      <StaleNotice problem={list.items.value === null ? null : list.problem.value} />
      <WaitingBar list={list} say={sayWaiting} />
      <GroupTable list={list} project={project} query={query} />
      <ListFoot list={list} total={total} noun={["group", "groups"]} />
    </>
  );
}

/** `j`, `k` and `o` over the links of a list's rows. */
export function useListKeys(name: string): void {
  const row = "[data-row] a.row-link";
  useKeys(`list ${name}`, [
    { key: "j", does: "next row", run: () => moveFocus(row, 1) },
    { key: "k", does: "row before", run: () => moveFocus(row, -1) },
    { key: "o", does: "open the row (Enter does too)", run: () => document.activeElement?.matches(row) === true && (document.activeElement as HTMLElement).click() },
  ]);
}

function GroupTools(props: { readonly project: string; readonly query: string; readonly sort: Sort }) {
  const field = useRef<HTMLInputElement>(null);
  const typed = useSignal(props.query);
  const go = (query: string, sort: Sort, how: "push" | "replace") => navigate(hrefOf({ screen: "groups", project: props.project, query: query.trim(), sort }), how);
  // The back button changes the query from outside; typing must not fight it.
  useEffect(() => {
    if (document.activeElement !== field.current) typed.value = props.query;
  }, [props.query]);
  useEffect(() => {
    if (typed.value.trim() === props.query) return;
    const timer = setTimeout(() => go(typed.value, props.sort, "replace"), 200);
    return () => clearTimeout(timer);
  }, [typed.value]);
  useKeys("search", [{ key: "/", does: "search", run: () => field.current?.select() }]);
  return (
    <form
      class="tools"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        go(typed.value, props.sort, "replace");
      }}
    >
      <label class="search">
        <span class="offscreen">Search signatures</span>
        <input ref={field} type="search" placeholder="Search signatures" value={typed.value} onInput={(event) => (typed.value = event.currentTarget.value)} />
        <kbd aria-hidden="true">/</kbd>
      </label>
      <label class="sort">
        <span>Sort by</span>
        <select value={props.sort} onChange={(event) => go(typed.value, sorts.find(([sort]) => sort === event.currentTarget.value)?.[0] ?? "last_seen", "replace")}>
          {sorts.map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </form>
  );
}

function GroupTable(props: { readonly list: PagedList<GroupItem>; readonly project: Me["projects"][number]; readonly query: string }) {
  const { list, project, query } = props;
  const items = list.items.value;
  if (items === null) return list.problem.value === null ? <Waiting /> : <ProblemNotice problem={list.problem.value} retry={() => void list.refresh()} />;
  if (items.length === 0) return query === "" ? <NoGroups dsn={project.dsn} /> : <Empty title={`No signature holds “${query}”.`}><p>Search for a part of a function's or module's name. Letters' case does not matter.</p></Empty>;
  return (
    <table class="rows groups" role="table">
      <caption class="offscreen">Groups of crashes</caption>
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col">Signature</th>
          <th role="columnheader" scope="col">14 days</th>
          <th role="columnheader" scope="col" class="number">Crashes</th>
          <th role="columnheader" scope="col" class="number">Installs</th>
          <th role="columnheader" scope="col">Versions</th>
          <th role="columnheader" scope="col">First seen</th>
          <th role="columnheader" scope="col">Last seen</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {items.map((item) => (
          <GroupRow key={item.id} item={item} project={project.slug} />
        ))}
      </tbody>
    </table>
  );
}

function GroupRow(props: { readonly item: GroupItem; readonly project: string }) {
  const { item, project } = props;
  return (
    <tr role="row" data-row={item.id}>
      <td role="cell" class="wide-cell">
        <a class="row-link" href={hrefOf({ screen: "group", project, id: item.id })}>
          <SignatureName signature={item.signature} />
        </a>{" "}
        <GroupState state={item.state} />
      </td>
      <td role="cell" class="trend-cell">
        <Sparkline trend={item.trend} />
      </td>
      <td role="cell" class="number strong" data-label="Crashes">
        <Count value={item.count} />
      </td>
      <td role="cell" class="number" data-label="Installs">
        {item.installs === 0 ? (
          <span class="faint" title="No crash said which install it came from">
            unknown
          </span>
        ) : (
          <Count value={item.installs} />
        )}
      </td>
      <td role="cell" class="versions" data-label="Versions">
        {item.versions.length === 0 ? <span class="faint">unknown</span> : item.versions.slice(0, 2).map((one) => (
          <span key={one.version} class="version" title={plural(one.count, "crash", "crashes")}>
            {one.version}
          </span>
        ))}
        {item.versions.length > 2 && (
          <span class="faint" title={item.versions.slice(2).map((one) => `${one.version} (${one.count})`).join(", ")}>
            +{item.versions.length - 2}
          </span>
        )}
      </td>
      <td role="cell" class="when" data-label="First seen">
        <When at={item.firstSeen} />
      </td>
      <td role="cell" class="when" data-label="Last seen">
        <When at={item.lastSeen} />
      </td>
    </tr>
  );
}

function NoGroups(props: { readonly dsn: string }) {
  const address = readDsn(props.dsn);
  return (
    <Empty title="No crash has arrived yet.">
      <p>See it work with a crash of ours:</p>
      <CopyLine text="npm run demo" what="Command for the demo" />
      {address !== null && (
        <>
          <p>Or send a minidump of yours:</p>
          <CopyLine text={curlCommand(address)} what="Command that uploads a minidump" />
        </>
      )}
    </Empty>
  );
}

function sayWaiting(rows: readonly GroupItem[]): string {
  const born = rows.filter((row) => row.state === "new").length;
  return born === rows.length ? plural(born, "new group") : `${plural(rows.length, "group")} with newer crashes`;
}
