// The trend of a group as a chart with axes. uPlot paints it; it comes as a
// chunk of its own, so that no other screen waits for it. A canvas says
// nothing to a screen reader: the figure carries the sentence and a table.
import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { now } from "../state/poll.ts";
import { lastDays, plural, shortDay } from "../text/amounts.ts";
import { trendLabel } from "./sparkline.tsx";

const chartHeight = 150;

/** Crashes a day with axes, today last. */
export function TrendChart(props: { readonly trend: readonly number[] }) {
  const box = useRef<HTMLDivElement>(null);
  const pointed = useSignal<number | null>(null);
  const days = lastDays(props.trend.length, now.value);
  const key = `${days.at(-1) ?? ""} ${props.trend.join(" ")}`;
  useEffect(() => {
    let ended = false;
    let end = () => {};
    const draw = async () => {
      // A page older than the server may ask for a chunk that is gone; the sentence and the table say it all.
      const canvas = await import("./trend-canvas.ts").catch(() => null);
      if (!ended && box.current) end = canvas?.drawTrend(box.current, days, props.trend, chartHeight, (day) => (pointed.value = day)) ?? end;
    };
    void draw();
    return () => {
      ended = true;
      end();
    };
  }, [key]);
  const day = pointed.value;
  const said = day === null ? trendLabel(props.trend, now.value) : `${shortDay(days[day] ?? "")}: ${plural(props.trend[day] ?? 0, "crash", "crashes")}`;
  return (
    <figure class="trend">
      <div class="trend-box" ref={box} aria-hidden="true" />
      <figcaption>{said}</figcaption>
      <table class="offscreen">
        <caption>Crashes a day</caption>
        <thead>
          <tr>
            <th scope="col">Day (UTC)</th>
            <th scope="col">Crashes</th>
          </tr>
        </thead>
        <tbody>
          {days.map((one, index) => (
            <tr key={one}>
              <th scope="row">{one}</th>
              <td>{props.trend[index] ?? 0}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}
