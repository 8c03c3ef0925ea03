// How a group's crashes spread over one facet: a short table of bars.
import { Count } from "./count.tsx";
import { CodeName } from "./code-name.tsx";

/** Rows shown before "others". */
const shownRows = 6;

/** One facet, such as `host`, with its commonest values. */
export function FacetBars(props: { readonly name: string; readonly values: readonly { readonly value: string; readonly count: number }[] }) {
  const total = props.values.reduce((sum, one) => sum + one.count, 0);
  const shown = props.values.slice(0, shownRows);
  const rest = props.values.slice(shownRows);
  const restCount = rest.reduce((sum, one) => sum + one.count, 0);
  return (
    <table class="facet">
      <caption>{props.name}</caption>
      <thead class="offscreen">
        <tr>
          <th scope="col">{props.name}</th>
          <th scope="col">Share</th>
          <th scope="col">Crashes</th>
        </tr>
      </thead>
      <tbody>
        {shown.map((one) => (
          <FacetRow key={one.value} value={one.value} count={one.count} total={total} />
        ))}
        {rest.length > 0 && <FacetRow value={rest.length === 1 ? "1 other" : `${rest.length} others`} count={restCount} total={total} />}
      </tbody>
    </table>
  );
}

function FacetRow(props: { readonly value: string; readonly count: number; readonly total: number }) {
  const share = props.total === 0 ? 0 : props.count / props.total;
  return (
    <tr>
      <th scope="row">{props.value === "" ? <span class="faint">unknown</span> : <CodeName name={props.value} />}</th>
      <td class="facet-share">
        <svg class="facet-bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" focusable="false">
          <rect class="facet-floor" width="100" height="6" />
          <rect class="facet-fill" width={Math.max(1, share * 100)} height="6" />
        </svg>
        <span class="offscreen">{Math.round(share * 100)} %</span>
      </td>
      <td class="facet-count">
        <Count value={props.count} />
      </td>
    </tr>
  );
}
