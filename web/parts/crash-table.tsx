// A list of crashes, on a group's page and in the ingest list.
import type { CrashItem } from "../../services/triage/schema.ts";
import { hrefOf } from "../state/route.ts";
import { CrashState } from "./badge.tsx";
import { CodeName, SignatureName } from "./code-name.tsx";
import { When } from "./when.tsx";

/** Crashes as rows. `of` says whose list it is: a group's has no signatures, the ingest list has reasons. */
export function CrashTable(props: { readonly project: string; readonly items: readonly CrashItem[]; readonly of: "group" | "ingest" }) {
  return (
    <table class={`rows crashes of-${props.of}`} role="table">
      <caption class="offscreen">Crashes</caption>
      <thead role="rowgroup">
        <tr role="row">
          {["Received", props.of === "group" ? "Crash" : "What became of it", "Product", "Host", "System"].map((name) => (
            <th role="columnheader" key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {props.items.map((item) => (
          <CrashRow key={item.id} item={item} project={props.project} of={props.of} />
        ))}
      </tbody>
    </table>
  );
}

function CrashRow(props: { readonly item: CrashItem; readonly project: string; readonly of: "group" | "ingest" }) {
  const { item } = props;
  return (
    <tr role="row" data-row={item.id}>
      <td role="cell" class="when wide-cell">
        <a class="row-link" href={hrefOf({ screen: "crash", project: props.project, id: item.id })}>
          <When at={item.receivedAt} />
        </a>
      </td>
      <td role="cell" class="crash-what">
        {props.of === "ingest" && item.signature !== null ? <SignatureName signature={item.signature} /> : <CrashWhat item={item} />}{" "}
        {props.of === "group" && <CrashState state={item.state} waitingForSymbols={item.waitingForSymbols} />}
      </td>
      <td role="cell" data-label="Product">
        {known(item.product, item.version)}
      </td>
      <td role="cell" data-label="Host">
        {known(item.host)}
      </td>
      <td role="cell" data-label="System">
        {known(item.os, item.osVersion, item.arch)}
      </td>
    </tr>
  );
}

function CrashWhat(props: { readonly item: CrashItem }) {
  const { item } = props;
  if (item.state === "failed") return <span>{item.reason ?? "No reason was kept."}</span>;
  if (item.crashReason !== null) return <CodeName name={item.crashReason} />;
  return <span class="faint">{item.state === "stored" ? "not read yet" : "no reason in the dump"}</span>;
}

function known(...parts: readonly (string | null)[]) {
  const text = parts.filter((part) => part !== null && part !== "").join(" ");
  return text === "" ? <span class="faint">unknown</span> : text;
}
