// The two ends of a paged list: new rows that wait at its head, "more" at its
// foot.
import type { Row } from "../state/merge-rows.ts";
import type { PagedList } from "../state/paged-list.ts";

/** The bar over a list that offers rows found since it was drawn. */
export function WaitingBar<T extends Row>(props: { readonly list: PagedList<T>; readonly say: (rows: readonly T[]) => string }) {
  const rows = props.list.waiting.value;
  return (
    <div class="waiting-bar" role="status">
      {rows.length > 0 && (
        <button type="button" class="button wide" onClick={props.list.showWaiting}>
          {props.say(rows)}: show
        </button>
      )}
    </div>
  );
}

/** The foot of a list: a button for the next page while there is one. */
export function ListFoot<T extends Row>(props: { readonly list: PagedList<T>; readonly total?: number | undefined; readonly noun: readonly [one: string, many: string] }) {
  const shown = props.list.items.value?.length ?? 0;
  if (shown === 0) return null;
  return (
    <div class="list-foot">
      <span class="faint">
        {shown}
        {props.total !== undefined && props.total > shown ? ` of ${props.total.toLocaleString("en-US")}` : ""} {props.noun[(props.total ?? shown) === 1 && !props.list.hasMore.value ? 0 : 1]}
      </span>
      {props.list.hasMore.value && (
        <button type="button" class="button" disabled={props.list.busy.value} onClick={() => void props.list.more()}>
          More
        </button>
      )}
    </div>
  );
}
