// Amounts and times as the page prints them. Pure, and always in UTC: two
// engineers in two places read the same text.

/** `1,204` up to 9,999, then `12.3k`, `1.2M`: exact numbers go to the title. */
export function formatCount(count: number): string {
  if (count < 10_000) return count.toLocaleString("en-US");
  if (count < 999_950) return `${trim(count / 1000)}k`;
  return `${trim(count / 1_000_000)}M`;
}

/** `512 B`, `1.4 kB`, `38 MB`: powers of 1000. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : trim(value)} ${units[unit] ?? ""}`;
}

/** `2026-11-23 20:14:03 UTC`; the text itself when it is not a time. */
export function formatUtc(iso: string): string {
  const time = Date.parse(iso);
  return Number.isNaN(time) ? iso : `${new Date(time).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** `just now`, `5 min ago`, `3 h ago`, `12 d ago`, then the date. */
export function formatAgo(iso: string, now: number): string {
  const time = Date.parse(iso);
  if (Number.isNaN(time)) return iso;
  const seconds = (now - time) / 1000;
  // A server's clock that runs a little ahead is "just now" too.
  if (seconds < 45) return "just now";
  if (seconds < 30 * 86_400) return `${span(seconds)} ago`;
  return new Date(time).toISOString().slice(0, 10);
}

/** `in 40 s`, `in 5 min`, and `now` once it is due; the text itself when it is not a time. */
export function formatUntil(iso: string, now: number): string {
  const time = Date.parse(iso);
  if (Number.isNaN(time)) return iso;
  const seconds = Math.ceil((time - now) / 1000);
  if (seconds <= 0) return "now";
  return seconds < 90 ? `in ${seconds} s` : `in ${span(seconds)}`;
}

/** `1 crash`, `2 crashes`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** The last `days` days, today last, as `2026-11-23`. */
export function lastDays(days: number, now: number): readonly string[] {
  return Array.from({ length: days }, (_, index) => new Date(now - (days - 1 - index) * 86_400_000).toISOString().slice(0, 10));
}

/** `23 Nov` for `2026-11-23`. */
export function shortDay(day: string): string {
  return new Date(`${day}T00:00:00Z`).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
}

function span(seconds: number): string {
  if (seconds < 90) return "1 min";
  if (seconds < 3570) return `${Math.round(seconds / 60)} min`;
  if (seconds < 86_000) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

function trim(value: number): string {
  return value >= 99.95 ? Math.round(value).toString() : value.toFixed(1).replace(/\.0$/, "");
}
