// The inside of a pool's thread: takes jobs, asks its caller what it needs to
// know, and gives results. An exception that a job throws is not caught here:
// it ends the thread, and the pool tells whose job it was. After a bug, nothing
// that the thread remembers can be trusted.
import { parentPort, receiveMessageOnPort, workerData, type Transferable } from "node:worker_threads";
import type { ThreadSays, ThreadStart } from "./thread-pool.ts";

/** Asks the pool's `answer` and sleeps until it has answered. */
export type Ask = (question: unknown) => unknown;

/** What a job gives, and which of its buffers are handed over instead of copied. */
export type JobResult = { readonly value: unknown; readonly transfer?: readonly Transferable[] };

/** Makes this thread do jobs, one after the other, until it is ended. `make` gets what the pool was set up with. */
export function serveJobs(make: (setting: unknown) => (job: unknown, ask: Ask) => JobResult): void {
  const port = parentPort;
  if (port === null) throw new Error("this module is the inside of a thread and was loaded outside of one");
  const { bell, answers, setting } = workerData as ThreadStart;
  const say = (said: ThreadSays, transfer: readonly Transferable[] = []): void => port.postMessage(said, transfer as Transferable[]);
  const ask: Ask = (question) => {
    let heard = Atomics.load(bell, 0);
    say({ kind: "ask", question });
    for (;;) {
      const answer = receiveMessageOnPort(answers) as { readonly message: unknown } | undefined;
      if (answer !== undefined) return answer.message;
      // Returns at once if the bell has rung since it was looked at.
      Atomics.wait(bell, 0, heard);
      heard = Atomics.load(bell, 0);
    }
  };
  const run = make(setting);
  say({ kind: "ready" });
  port.on("message", (job: unknown) => {
    const { value, transfer } = run(job, ask);
    say({ kind: "done", value }, transfer);
  });
}
