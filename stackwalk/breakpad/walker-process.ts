// One run of the walker: a child process that parses hostile bytes in C++, and
// is therefore given nothing (no environment, no input), little (time, output)
// and no mercy (SIGKILL, since a stuck parser answers no polite signal).
import { spawn } from "node:child_process";
import type { WalkFailure } from "../stackwalker.ts";

/** Bounds of one run. */
export type RunOptions = {
  readonly timeoutMs: number;
  /** Bytes of standard output; the walker is killed past it. */
  readonly outputBytes: number;
  readonly cwd: string;
  /** Keep the end of its log. Breakpad logs each step to an unbuffered stderr: through a pipe that makes a walk four times as slow. */
  readonly keepLog: boolean;
  readonly signal?: AbortSignal | undefined;
};

/** How a run ended: with output, by its own refusal (exit code), or by a failure of ours. */
export type Run =
  | { readonly kind: "done"; readonly stdout: string }
  | { readonly kind: "refused"; readonly exitCode: number; readonly log: string }
  | { readonly kind: "failed"; readonly failure: WalkFailure };

/** Bytes kept of the end of its log, which names the reason of a refusal. */
const LOG_BYTES_MAX = 4096;

/** Runs the walker to its end. Never rejects. */
export function runWalker(path: string, args: readonly string[], options: RunOptions): Promise<Run> {
  const { promise, resolve } = Promise.withResolvers<Run>();
  if (options.signal?.aborted) return Promise.resolve(failed("cancelled", "The walk was cancelled."));
  const child = spawn(path, args, { cwd: options.cwd, env: {}, stdio: ["ignore", "pipe", options.keepLog ? "pipe" : "ignore"], windowsHide: true });
  const chunks: Buffer[] = [];
  let bytes = 0;
  let log = "";
  // The first reason to end the child is the one told.
  let verdict: Run | null = null;
  const stop = (run: Run): void => {
    verdict ??= run;
    child.kill("SIGKILL");
    // A grandchild may hold the pipes open; our ends close now, so that "close" comes.
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  const timer = setTimeout(() => stop(failed("timeout", `The walker took longer than ${options.timeoutMs} ms (limit WALK_SECONDS).`)), options.timeoutMs);
  const onAbort = (): void => stop(failed("cancelled", "The walk was cancelled."));
  options.signal?.addEventListener("abort", onAbort, { once: true });

  child.stdout?.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > options.outputBytes) stop(failed("output_limit", `The walker printed more than ${options.outputBytes} bytes (limit WALK_OUTPUT_BYTES).`));
    else chunks.push(chunk);
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    log = (log + chunk.toString("latin1")).slice(-LOG_BYTES_MAX);
  });
  child.on("error", (error) => {
    verdict ??= failed("walker_missing", `The walker ${path} cannot be started: ${error.message}.`);
    // No "close" follows a failed spawn.
    if (child.pid === undefined) end(null, null);
  });
  child.on("close", (code, signal) => end(code, signal));

  let ended = false;
  function end(code: number | null, signal: NodeJS.Signals | null): void {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", onAbort);
    if (verdict) resolve(verdict);
    else if (signal) resolve(failed("walker_crashed", `The walker crashed with ${signal}.`));
    else if (code === 0) resolve({ kind: "done", stdout: Buffer.concat(chunks).toString("utf8") });
    else resolve({ kind: "refused", exitCode: code ?? -1, log });
  }
  return promise;
}

function failed(code: string, message: string): Run {
  return { kind: "failed", failure: { code, message } };
}
