// A pool of worker threads for work that must not take its caller along: it
// may run for ever, eat all memory, or hit a bug of ours.
//
// Each thread does one job at a time. While it works it may ask its caller
// something and wait for the answer (thread.ts): the thread sleeps, its caller
// answers in its own time, and the job's clock stands still. So synchronous
// code in a thread can use what only the main thread has: a database, or a
// cache that all threads share.
//
// How a job ends that does not end by itself:
//   its time is over, or its caller gives up    the thread is terminated
//   its heap reaches the limit                  Node ends the thread
//   an exception nobody caught                  the same
// In each case only that job fails, with its reason, and the next job gets a
// new thread. What no thread can survive is a crash of V8 itself or the
// system's own out-of-memory killer; then the process ends, and whoever
// started it (bin/commands/up.ts) starts it again.
//
// Threads start when there is work and end when there has been none for a
// while; an idle thread does not keep the process alive. Their ArrayBuffers lie
// outside of the heap, where no limit of V8 holds: jobs bound these by what
// they read.
//
// Why not Piscina: it has no questions, its clock cannot be stopped (a signal
// would count the time of queueing and answering), it cannot say to one thread
// what that thread knows already, and it brings native packages for a dozen
// platforms.
import { MessageChannel, type Transferable, Worker } from "node:worker_threads";

/** How a pool is set up. */
export type ThreadPoolOptions = {
  /** The thread's module; it calls `serveJobs` of thread.ts. */
  readonly module: URL;
  /** Threads at most. */
  readonly threads: number;
  /** Bytes of one thread's heap. */
  readonly heapBytes: number;
  /** Milliseconds after which a thread without work ends. */
  readonly idleMs: number;
  /** What each thread gets as its `workerData.setting`. */
  readonly setting?: unknown;
};

/** Why a job has no result. */
export type JobFailure = { readonly reason: "timeout" | "memory" | "crashed" | "cancelled"; readonly message: string; readonly stack?: string };

/** How a job ended. */
export type JobEnd = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly failure: JobFailure };

/** One job. */
export type Job = {
  /** What the thread gets; anything that can be posted. Made when the thread is known, which `thread` stands for as long as it lives. */
  message(thread: object): unknown;
  /** Milliseconds that the thread may work, without the time that it waits for answers. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Answers what the thread asks. A rejection ends the job and is passed on. */
  answer?(question: unknown, thread: object): Promise<unknown>;
};

/** Threads that do jobs. */
export type ThreadPool = {
  /** Does one job; waits while all threads are busy. Rejects only with what `answer` rejects with, and with what keeps a thread from starting. */
  run(job: Job): Promise<JobEnd>;
  /** Ends all threads; jobs that still run or wait end as `cancelled`. */
  close(): Promise<void>;
};

/** What a thread says. */
export type ThreadSays = { readonly kind: "ready" } | { readonly kind: "ask"; readonly question: unknown } | { readonly kind: "done"; readonly value: unknown };

/** What a thread is started with. */
export type ThreadStart = { readonly bell: Int32Array; readonly answers: import("node:worker_threads").MessagePort; readonly setting: unknown };

type Running = { readonly job: Job; end(end: JobEnd): void; fail(error: unknown): void; readonly clock: Clock };

type Thread = {
  readonly worker: Worker;
  readonly bell: Int32Array;
  tell(answer: unknown): void;
  /** Whether its module has been loaded: what ends it before that is no job's fault. */
  isReady: boolean;
  running: Running | null;
  idleTimer: NodeJS.Timeout | undefined;
};

/** Opens a pool; no thread is started before there is work. */
export function openThreadPool(options: ThreadPoolOptions): ThreadPool {
  const threads = new Set<Thread>();
  const idle: Thread[] = [];
  const waiting: { readonly job: Job; begin(thread: Thread): void; end(end: JobEnd): void }[] = [];
  let closed = false;

  const start = (): Thread => {
    const { port1, port2 } = new MessageChannel();
    const bell = new Int32Array(new SharedArrayBuffer(4));
    const data: ThreadStart = { bell, answers: port2, setting: options.setting };
    const worker = new Worker(options.module, {
      workerData: data,
      transferList: [port2 as Transferable],
      resourceLimits: { maxOldGenerationSizeMb: Math.max(16, Math.ceil(options.heapBytes / 1048576)) },
      // The environment has passwords; a thread that reads hostile bytes needs none of it.
      env: threadEnvironment(process.env),
    });
    const thread: Thread = {
      worker,
      bell,
      tell(answer) {
        port1.postMessage(answer);
        Atomics.add(bell, 0, 1);
        Atomics.notify(bell, 0);
      },
      isReady: false,
      running: null,
      idleTimer: undefined,
    };
    port1.unref();
    threads.add(thread);
    worker.on("message", (said: ThreadSays) => hear(thread, said));
    worker.on("error", (error: Error & { code?: string }) => {
      if (!thread.isReady) return failStart(thread, error);
      const isMemory = error.code === "ERR_WORKER_OUT_OF_MEMORY";
      finish(thread, failed(isMemory ? "memory" : "crashed", isMemory ? `More than ${options.heapBytes} bytes of memory were needed.` : `${error.name}: ${error.message}`, error.stack));
    });
    worker.on("exit", (code) => {
      port1.close();
      clearTimeout(thread.idleTimer);
      threads.delete(thread);
      const place = idle.indexOf(thread);
      if (place >= 0) idle.splice(place, 1);
      finish(thread, failed("crashed", `The thread ended with code ${code}.`));
      serveWaiting();
    });
    return thread;
  };

  const hear = (thread: Thread, said: ThreadSays): void => {
    if (said.kind === "ready") {
      thread.isReady = true;
      return;
    }
    const { running } = thread;
    // What a terminated thread said last is for nobody.
    if (running === null) return;
    if (said.kind === "done") {
      thread.running = null;
      rest(thread);
      running.end({ ok: true, value: said.value });
      serveWaiting();
      return;
    }
    running.clock.stop();
    const answer = running.job.answer?.(said.question, thread.worker) ?? Promise.reject(new Error("a thread asked somebody who answers nothing"));
    answer.then(
      (value) => {
        if (thread.running !== running) return;
        running.clock.go();
        thread.tell(value);
      },
      (error: unknown) => {
        if (thread.running !== running) return;
        thread.running = null;
        void thread.worker.terminate();
        running.fail(error);
      },
    );
  };

  /** Passes on why a thread could not start. */
  const failStart = (thread: Thread, error: Error): void => {
    const { running } = thread;
    thread.running = null;
    running?.fail(error);
  };

  /** Ends a thread's job; the thread itself has ended or is about to. */
  const finish = (thread: Thread, end: JobEnd): void => {
    const { running } = thread;
    thread.running = null;
    running?.end(end);
  };

  const rest = (thread: Thread): void => {
    if (closed) return;
    idle.push(thread);
    thread.worker.unref();
    thread.idleTimer = setTimeout(() => {
      // From now on it gets no work, although its end takes a moment.
      idle.splice(idle.indexOf(thread), 1);
      void thread.worker.terminate();
    }, options.idleMs).unref();
  };

  const begin = (thread: Thread, job: Job): Promise<JobEnd> => {
    const { promise, resolve, reject } = Promise.withResolvers<JobEnd>();
    const stop = (end: JobEnd): void => {
      if (thread.running !== running) return;
      finish(thread, end);
      void thread.worker.terminate();
    };
    const onAbort = (): void => stop(failed("cancelled", "The work was cancelled."));
    const leave = (): void => {
      running.clock.stop();
      job.signal?.removeEventListener("abort", onAbort);
    };
    const running: Running = {
      job,
      clock: new Clock(job.timeoutMs, () => stop(failed("timeout", `The work took longer than ${job.timeoutMs} ms.`))),
      end(end) {
        leave();
        resolve(end);
      },
      fail(error) {
        leave();
        reject(error);
      },
    };
    clearTimeout(thread.idleTimer);
    thread.worker.ref();
    thread.running = running;
    job.signal?.addEventListener("abort", onAbort, { once: true });
    running.clock.go();
    thread.worker.postMessage(job.message(thread.worker));
    return promise;
  };

  const free = (): Thread | undefined => idle.pop() ?? (threads.size < options.threads ? start() : undefined);

  const serveWaiting = (): void => {
    while (waiting.length > 0) {
      const thread = closed ? undefined : free();
      if (thread === undefined) return;
      waiting.shift()!.begin(thread);
    }
  };

  return {
    run(job) {
      if (closed || job.signal?.aborted) return Promise.resolve(failed("cancelled", "The work was cancelled."));
      const thread = free();
      if (thread !== undefined) return begin(thread, job);
      const { promise, resolve } = Promise.withResolvers<JobEnd>();
      const entry = {
        job,
        begin(given: Thread) {
          job.signal?.removeEventListener("abort", onAbort);
          resolve(begin(given, job));
        },
        end(end: JobEnd) {
          job.signal?.removeEventListener("abort", onAbort);
          resolve(end);
        },
      };
      const onAbort = (): void => {
        waiting.splice(waiting.indexOf(entry), 1);
        entry.end(failed("cancelled", "The work was cancelled."));
      };
      job.signal?.addEventListener("abort", onAbort, { once: true });
      waiting.push(entry);
      return promise;
    },
    async close() {
      closed = true;
      for (const entry of waiting.splice(0)) entry.end(failed("cancelled", "The work was cancelled."));
      const ending = [...threads].map((thread) => {
        finish(thread, failed("cancelled", "The work was cancelled."));
        return thread.worker.terminate();
      });
      await Promise.all(ending);
    },
  };
}

/** A clock that can be stopped. Its time is wall time: a thread that gets no processor is late too. */
class Clock {
  private leftMs: number;
  private readonly onEnd: () => void;
  private timer: NodeJS.Timeout | undefined;
  private since = 0;

  constructor(ms: number, onEnd: () => void) {
    this.leftMs = ms;
    this.onEnd = onEnd;
  }

  go(): void {
    this.since = performance.now();
    this.timer = setTimeout(this.onEnd, Math.min(Math.max(this.leftMs, 1), 2 ** 31 - 1));
  }

  stop(): void {
    if (this.timer === undefined) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.leftMs -= performance.now() - this.since;
  }
}

function failed(reason: JobFailure["reason"], message: string, stack?: string): JobEnd {
  return { ok: false, failure: { reason, message, ...(stack === undefined ? {} : { stack }) } };
}

/** What of the environment a thread keeps: how Node itself is set up. */
function threadEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith("NODE_") || name === "TZ"));
}
