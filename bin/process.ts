// What every long-running command does around its work: a log, our own errors to
// Sentry if somebody wants them, and one orderly end.
import pino, { type Logger } from "pino";
import type { Settings } from "../config/settings.ts";

/** Opens the log on stderr: stdout belongs to the command's own output. */
export function openLog(settings: Settings): Logger {
  return pino({ level: settings.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ dest: 2, sync: true }));
}

/** Takes errors that are bugs: to the log, and to Sentry when SENTRY_DSN is set. Nothing about requests or users is sent. */
export async function openErrorReports(settings: Settings, log: Logger): Promise<(error: unknown) => void> {
  if (settings.sentryDsn === undefined) return (error) => log.debug({ err: error }, "a bug");
  // Loaded only for those who want it: it costs more memory than all the rest of a process.
  const sentry = await import("@sentry/node");
  sentry.init({ dsn: settings.sentryDsn, defaultIntegrations: false });
  return (error) => sentry.captureException(error);
}

/** Two signals within this time are one request: a supervisor and a launcher may both pass it on. */
const sameRequestMs = 1000;

/** Runs `stop` once, at the first of SIGINT, SIGTERM, SIGHUP or the call; a later second signal ends the process at once. Resolves with the exit code. */
export function untilStopped(log: Logger, stop: () => Promise<void>): { promise: Promise<number>; stop(code: number): void } {
  const { promise, resolve } = Promise.withResolvers<number>();
  let stoppingSince: number | undefined;
  const end = (code: number) => {
    if (stoppingSince !== undefined) {
      if (Date.now() - stoppingSince > sameRequestMs) process.exit(130);
      return;
    }
    stoppingSince = Date.now();
    log.info("stopping");
    stop().then(
      () => resolve(code),
      (error: unknown) => {
        log.error({ err: error }, "did not stop cleanly");
        resolve(1);
      },
    );
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => end(0));
  return { promise, stop: end };
}
