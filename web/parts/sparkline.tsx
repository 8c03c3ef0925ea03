// Fourteen days as a line of bars: enough to see whether it is new, rising or
// gone. An SVG of rectangles, so that it needs no script to paint or resize.
import { shortDay, lastDays, plural } from "../text/amounts.ts";
import { now } from "../state/poll.ts";

const step = 7;
const height = 24;

/** Crashes a day, today last. */
export function Sparkline(props: { readonly trend: readonly number[] }) {
  const { trend } = props;
  const top = Math.max(1, ...trend);
  const label = trendLabel(trend, now.value);
  return (
    <svg class="sparkline" viewBox={`0 0 ${trend.length * step - 2} ${height}`} width={trend.length * step - 2} height={height} role="img" aria-label={label}>
      <title>{label}</title>
      {trend.map((count, day) => {
        // A day without crashes is a dot on the floor: the flat line of dead air.
        const tall = count === 0 ? 1 : Math.max(2.5, (count / top) * (height - 1));
        return <rect key={day} class={count === 0 ? "silent" : day === trend.length - 1 ? "today" : undefined} x={day * step} y={height - tall} width={step - 2} height={tall} />;
      })}
    </svg>
  );
}

/** A trend in a sentence, for those who do not see it. */
export function trendLabel(trend: readonly number[], moment: number): string {
  const days = lastDays(trend.length, moment);
  const total = trend.reduce((sum, count) => sum + count, 0);
  const top = Math.max(0, ...trend);
  if (total === 0) return `No crashes in ${trend.length} days`;
  const peak = days[trend.indexOf(top)] ?? "";
  return `${plural(total, "crash", "crashes")} in ${trend.length} days, most on ${shortDay(peak)} (${top}), today ${trend.at(-1) ?? 0}`;
}
