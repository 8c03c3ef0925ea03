// How long a failed delivery waits. Short first, since most failures are a
// restart or a lost packet; long later, since the rest are somebody's weekend.
// Ten attempts span about 16 hours.

const waitsSeconds = [5, 30, 2 * 60, 10 * 60, 30 * 60, 3600, 2 * 3600, 4 * 3600, 8 * 3600];

/** No destination can hold up its own alert for longer than this by asking us to wait. */
const askedWaitMsMax = 3600_000;

/**
 * The wait after a failed attempt, in milliseconds. `attempts` counts from 1;
 * `random` is in [0, 1) and moves the wait by up to a fifth either way, so that
 * what failed together does not come back together. `askedMs` is what the
 * destination asked for (Retry-After) and lengthens the wait, never shortens it.
 */
export function retryWaitMs(attempts: number, random: number, askedMs = 0): number {
  const seconds = waitsSeconds[Math.min(attempts, waitsSeconds.length) - 1] ?? 0;
  return Math.max(Math.round(seconds * 1000 * (0.8 + 0.4 * random)), Math.min(askedMs, askedWaitMsMax));
}

/** Reads a Retry-After header (RFC 9110 section 10.2.3: seconds or a date) as milliseconds from now. */
export function readRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
