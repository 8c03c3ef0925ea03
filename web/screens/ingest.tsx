// What the pipeline could not finish: crashes that failed, with the reason and
// a retry, and crashes that still wait for a worker.
import type { CrashItem, Me } from "../../services/triage/schema.ts";
import { CrashTable } from "../parts/crash-table.tsx";
import { Heading } from "../parts/heading.tsx";
import { ListFoot, WaitingBar } from "../parts/list-foot.tsx";
import { Empty, ProblemNotice, StaleNotice, Waiting } from "../parts/notice.tsx";
import { usePagedList } from "../state/paged-list.ts";
import { hrefOf } from "../state/route.ts";
import { plural } from "../text/amounts.ts";
import { useListKeys } from "./groups.tsx";

/** Failed or waiting crashes. */
export function IngestScreen(props: { readonly project: Me["projects"][number]; readonly state: "failed" | "stored" }) {
  const { project, state } = props;
  const tabs = [
    ["failed", "Failed"],
    ["stored", "Waiting"],
  ] as const;
  return (
    <>
      <div class="screen-head with-tabs">
        <Heading title="Ingest" />
        <nav class="tabs" aria-label="States">
          {tabs.map(([value, name]) => (
            <a key={value} href={hrefOf({ screen: "ingest", project: project.slug, state: value })} aria-current={value === state ? "page" : undefined}>
              {name}
            </a>
          ))}
        </nav>
      </div>
      <CrashList key={state} project={project.slug} state={state} />
    </>
  );
}

function CrashList(props: { readonly project: string; readonly state: "failed" | "stored" }) {
  const { project, state } = props;
  const path = `/${project}/crashes?state=${state}`;
  const list = usePagedList<CrashItem>(path);
  const items = list.items.value;
  useListKeys(path);
  if (items === null) return list.problem.value === null ? <Waiting /> : <ProblemNotice problem={list.problem.value} retry={() => void list.refresh()} />;
  if (items.length === 0)
    return state === "failed" ? (
      <Empty title="Nothing failed.">
        <p>Every crash that arrived was read, or is waiting to be. A crash that cannot be read is listed here with the reason, and its dump is kept.</p>
      </Empty>
    ) : (
      <Empty title="Nothing waits.">
        <p>A crash is here for the seconds between its arrival and its symbolication.</p>
      </Empty>
    );
  return (
    <>
      <StaleNotice problem={list.problem.value} />
      <WaitingBar list={list} say={(rows) => plural(rows.length, "new crash", "new crashes")} />
      <CrashTable project={project} items={items} of="ingest" />
      <ListFoot list={list} noun={["crash", "crashes"]} />
    </>
  );
}
