// A second opinion: the stored dump of a crash is walked again, now, by our
// engine and by Breakpad's walker, and the two are laid side by side
// (stackwalk/second-opinion.ts). Nothing is stored.
//
// It runs in a process of its own that is started for it and ends with it
// (second-opinion-process.ts): the server must not stall its uploads by a walk,
// nor by the forks that Breakpad's walker takes, and this costs it one fork at
// a time, for a person who asked. The server only finds the dump and the
// symbol files; the process knows no database.
//
// One at a time in each server: a second asker is told to come again, since a
// walk can take WALK_SECONDS and all the memory it may.
import { type ChildProcess, fork } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { ok, refuse, type Result } from "../../config/problem.ts";
import { symbolSource } from "../../stackwalk/module-files.ts";
import type { Comparison } from "../../stackwalk/second-opinion.ts";
import type { LocatedFiles, SymbolKey, WalkFailure } from "../../stackwalk/stackwalker.ts";
import { projectDebugFiles } from "../../storage/project-symbols.ts";
import { uuidv7 } from "../../storage/uuid.ts";
import type { Context } from "../context.ts";
import type { SecondOpinion } from "./schema.ts";

/** What the process gets first. */
export type OpinionOrder = {
  readonly dump: string;
  readonly cacheDir: string;
  readonly cacheBytes: number;
  readonly workDir: string;
  readonly timeoutMs: number;
  readonly outputBytes: number;
  readonly maxFrames: number;
  readonly maxThreads: number;
};

/** How one walker fared. */
export type OpinionWalker = { readonly name: string; readonly milliseconds: number; readonly failure: WalkFailure | null };

/** What the process says. It asks for symbol files by their keys; it tells of Breakpad's walk before it begins with ours, which may end it. */
export type OpinionSays =
  | { readonly kind: "locate"; readonly keys: readonly SymbolKey[] }
  | { readonly kind: "breakpad"; readonly walker: OpinionWalker }
  | { readonly kind: "done"; readonly deadair: OpinionWalker; readonly comparison: Comparison | null };

/** Gives second opinions. */
export type SecondOpinions = {
  /** Walks a project's crash with both walkers. Refuses with `not_a_dump`, `dump_missing`, `unknown_crash` or `opinion_busy`. */
  ask(projectId: number, crashId: string): Promise<Result<SecondOpinion> | undefined>;
  /** Ends what runs. */
  close(): Promise<void>;
};

/** Time the process may take beside the walks themselves: to start, and to compile symbols that no crash needed yet. */
const besideMs = 60_000;

/** Time that it has to end when the server does. */
const leaveMs = 1000;

/** Makes the second opinions of one server. */
export function secondOpinions({ settings, storage }: Pick<Context, "settings" | "storage">): SecondOpinions {
  const { limits } = settings;
  let running: ChildProcess | "starting" | null = null;

  const find = async (projectId: number, crashId: string): Promise<Result<string> | undefined> => {
    const crash = await storage.db.selectFrom("crashes").select(["kind", "blob"]).where("id", "=", crashId).where("project_id", "=", projectId).executeTakeFirst();
    if (crash === undefined) return undefined;
    if (crash.kind !== "minidump") return refuse(409, "not_a_dump", "The crash came as a stack trace; there is no dump to walk.", "Only crashes that came as minidumps have a second opinion.");
    const dump = await storage.blobs.path(crash.blob);
    return dump === null ? refuse(409, "dump_missing", "The dump is not in the blob store any more.", "Restore it from a backup.") : ok(dump);
  };

  return {
    async ask(projectId, crashId) {
      // Taken before anything is waited for, so that two askers cannot both pass.
      if (running !== null) return refuse(503, "opinion_busy", "Another second opinion is being made; this server makes one at a time.", "Ask again in some seconds.");
      running = "starting";
      const workDir = path.join(settings.dataDir, "spool", `walk-${uuidv7()}`);
      try {
        const dump = await find(projectId, crashId);
        if (dump === undefined || !dump.ok) return dump;
        await mkdir(workDir, { recursive: true, mode: 0o700 });
        const order: OpinionOrder = {
          dump: dump.value,
          cacheDir: path.join(settings.dataDir, "cache", "symbols"),
          cacheBytes: limits.SYMBOL_CACHE_BYTES,
          workDir,
          timeoutMs: limits.WALK_SECONDS * 1000,
          outputBytes: limits.WALK_OUTPUT_BYTES,
          maxFrames: limits.THREAD_FRAMES_COUNT,
          maxThreads: limits.THREADS_COUNT,
        };
        const child = startProcess(limits.WALK_MEMORY_BYTES);
        running = child;
        const symbols = symbolSource(projectDebugFiles(storage, projectId));
        return ok(await converse(child, order, (keys) => symbols.locate(keys)));
      } finally {
        running = null;
        await rm(workDir, { recursive: true, force: true });
      }
    },
    async close() {
      if (running !== null && running !== "starting") await end(running);
    },
  };
}

/** Ends the process: by taking its leave, so that it can end Breakpad's walkers; by force when our engine is at work there and hears nothing. */
async function end(child: ChildProcess): Promise<void> {
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  child.once("exit", () => resolve());
  const force = setTimeout(() => child.kill("SIGKILL"), leaveMs);
  if (child.connected) child.disconnect();
  if (child.exitCode === null && child.signalCode === null) await gone;
  clearTimeout(force);
}

function startProcess(heapBytes: number): ChildProcess {
  return fork(path.join(import.meta.dirname, "second-opinion-process.ts"), {
    execArgv: [`--max-old-space-size=${Math.ceil(heapBytes / 1048576)}`],
    // It reads hostile bytes and needs none of the server's secrets.
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith("NODE_") || name === "PATH" || name === "TZ")),
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    serialization: "advanced",
  });
}

/** Talks with the process until it is done or gone. Rejects when the symbol files cannot be asked for. */
function converse(child: ChildProcess, order: OpinionOrder, locate: (keys: readonly SymbolKey[]) => Promise<readonly LocatedFiles[]>): Promise<SecondOpinion> {
  const { promise, resolve, reject } = Promise.withResolvers<SecondOpinion>();
  let breakpad: OpinionWalker = { name: "breakpad", milliseconds: 0, failure: { code: "walker_crashed", message: "The process that was to walk the dump ended before Breakpad's walker did." } };
  let timedOut = false;
  const since = performance.now();
  const patienceMs = 2 * order.timeoutMs + besideMs;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill("SIGKILL");
  }, patienceMs);
  const giveUp = (error: unknown): void => {
    reject(error);
    child.kill("SIGKILL");
  };
  const send = (message: OpinionOrder | readonly LocatedFiles[]): void => void child.send(message, (error) => error && child.kill("SIGKILL"));

  child.on("message", (message) => {
    const said = message as OpinionSays;
    if (said.kind === "locate") locate(said.keys).then(send, giveUp);
    else if (said.kind === "breakpad") breakpad = said.walker;
    else resolve({ walkers: { deadair: said.deadair, breakpad }, comparison: said.comparison });
  });
  child.once("error", giveUp);
  child.once("exit", (code, signal) => {
    clearTimeout(timer);
    const failure: WalkFailure = timedOut
      ? { code: "timeout", message: `The walk took longer than ${order.timeoutMs} ms (limit WALK_SECONDS).` }
      : { code: "walker_crashed", message: `The process of the walk ended with ${signal ?? `code ${code}`}; it may have needed more than WALK_MEMORY_BYTES.` };
    resolve({ walkers: { deadair: { name: "deadair", milliseconds: Math.round(performance.now() - since), failure }, breakpad }, comparison: null });
  });
  send(order);
  return promise;
}
