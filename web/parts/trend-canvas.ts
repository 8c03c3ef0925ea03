// uPlot behind one function. Colours come from the style sheet's custom
// properties, so that the chart follows light and dark with the rest.
import uPlot from "uplot";
import { shortDay } from "../text/amounts.ts";

/** Draws bars a day into `box` and keeps them sized; returns the function that takes them away. `point` hears the day under the pointer. */
export function drawTrend(box: HTMLElement, days: readonly string[], counts: readonly number[], height: number, point: (day: number | null) => void): () => void {
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  let plot = make(box, days, counts, height, point);
  const sizer = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height }));
  const repaint = () => {
    plot.destroy();
    plot = make(box, days, counts, height, point);
  };
  sizer.observe(box);
  scheme.addEventListener("change", repaint);
  return () => {
    sizer.disconnect();
    scheme.removeEventListener("change", repaint);
    plot.destroy();
  };
}

function make(box: HTMLElement, days: readonly string[], counts: readonly number[], height: number, point: (day: number | null) => void): uPlot {
  const style = getComputedStyle(box);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const font = `12px ${style.fontFamily}`;
  const bars = uPlot.paths.bars;
  const axis: uPlot.Axis = { stroke: colour("--ink-2"), font, ticks: { show: false }, grid: { stroke: colour("--line"), width: 1 } };
  const options: uPlot.Options = {
    width: Math.max(200, box.clientWidth),
    height,
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: { x: { time: false, range: [-0.6, days.length - 0.4] }, y: { range: (_plot, _low, high) => [0, Math.max(4, Math.ceil(high * 1.1))] } },
    axes: [
      { ...axis, grid: { show: false }, size: 26, gap: 4, splits: () => days.map((_day, index) => index), values: (plot) => dayLabels(days, plot.width) },
      { ...axis, size: 44, gap: 6, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000, 100_000], space: 34 },
    ],
    series: [{}, { fill: colour("--bar"), width: 0, points: { show: false }, ...(bars ? { paths: bars({ size: [0.68, 48], align: 0, radius: 0.08 }) } : {}) }],
    hooks: { setCursor: [(plot) => point(plot.cursor.idx ?? null)] },
  };
  return new uPlot(options, [days.map((_day, index) => index), [...counts]], box);
}

/** Every day's label where there is room, else every second or fourth, counted back from today. */
function dayLabels(days: readonly string[], width: number): string[] {
  const every = width / days.length > 52 ? 1 : width / days.length > 28 ? 2 : 4;
  return days.map((day, index) => ((days.length - 1 - index) % every === 0 ? shortDay(day) : ""));
}
