// The queues: BullMQ on Postgres by default, on Redis or Valkey by REDIS_URL.
//
// Only BullMQ's public interface is used, and only what both of its backends
// have, so that the two differ in nothing but speed. Jobs are removed when they
// end: what a job did, or why it failed, is in the tables. On Redis the keys
// carry the hash tag {deadair}, so that all of them live in one slot of a Cluster.
import { createPostgresBackend, Queue, Worker, withBackend } from "bullmq";
import { Cluster, Redis } from "ioredis";
import pg from "pg";
import type { Logger } from "pino";
import type { Jobs, QueueName } from "./jobs.ts";

/** A job as the outbox hands it over; of waiting jobs the lowest priority runs first, and 0 is what is not told. */
export type QueuedJob = { readonly key: string; readonly payload: unknown; readonly priority?: number };

/** Does one job. Throwing makes the queue try again, up to `jobAttempts` times; then the job is gone, and upkeep brings back what is still due. */
export type Processor<Q extends QueueName> = (payload: Jobs[Q]) => Promise<void>;

/** Something that takes jobs off a queue until it is closed. */
export type Consumer = { close(): Promise<void> };

/** The queues of one process. */
export type Queues = {
  /** Which backend: `postgres` or `redis`. */
  readonly backend: "postgres" | "redis";
  /** Adds jobs; one whose key is still on the queue is ignored. Durable, as far as the backend is, when it resolves; when the backend is away it rejects within seconds, and the jobs may still arrive later. */
  add(queue: QueueName, jobs: readonly QueuedJob[]): Promise<void>;
  consume<Q extends QueueName>(queue: Q, concurrency: number, processor: Processor<Q>): Consumer;
  /** Jobs waiting, running or delayed. */
  depth(queue: QueueName): Promise<number>;
  close(): Promise<void>;
};

/** Tries of one job before its queue gives up on it. A database that is away while a job ends costs one of them. */
const jobAttempts = 5;

const jobOptions = { attempts: jobAttempts, backoff: { type: "exponential", delay: 500 }, removeOnComplete: true, removeOnFail: true } as const;
const workerOptions = {
  // A worker that dies is noticed within these; a live one renews its locks by itself.
  lockDuration: 15_000,
  stalledInterval: 5000,
  drainDelay: 5,
  // How soon a worker looks again after its backend was away (BullMQ waits 15 s).
  runRetryDelay: 1000,
} as const;

/** Times that a job may take its worker along. Crashes and deliveries count their attempts themselves, and the count survives the queue; so do debug files, but one whose compilation needs more memory than the machine has must not end worker after worker meanwhile. */
const stallsMax = (queue: QueueName): number => (queue === "compile" ? 2 : 1000);

/** Time after which a backend that does not answer counts as away. */
const answerMs = 10_000;
/** Time that closing waits for a backend that is away. */
const awayMs = 3000;
/** Pause before a consumer whose backend was away at its start is made anew. */
const restartMs = 1000;

/** Opens the queues on Redis when `redisUrl` is set, else on the Postgres at `databaseUrl`. */
export function openQueues(options: { databaseUrl: string; redisUrl: string | undefined; log: Logger }): Queues {
  return options.redisUrl === undefined ? onPostgres(options.databaseUrl, options.log) : onRedis(options.redisUrl, options.log);
}

const { Queue: PostgresQueue, Worker: PostgresWorker } = withBackend(createPostgresBackend);

function onPostgres(url: string, log: Logger): Queues {
  // One pool for all queues of the process; each consumer keeps one connection of it to listen on.
  const pool = new pg.Pool({ connectionString: url, max: 12, idleTimeoutMillis: 20_000, connectionTimeoutMillis: 10_000, keepAlive: true, options: "-c search_path=bullmq,public" });
  pool.on("error", (error) => log.debug({ err: error }, "queue: connection lost"));
  // One that breaks while it is lent out tells by the query that fails; unheard, its `error` would end the process.
  pool.on("connect", (client) => client.on("error", () => {}));
  // BullMQ describes pg's pool by a type of its own, a little narrower than pg's.
  const open = { connection: pool as unknown as ConstructorParameters<typeof PostgresQueue>[1]["connection"] };
  return build(
    "postgres",
    (name) => new PostgresQueue(name, { ...open, defaultJobOptions: jobOptions }),
    (name, concurrency, processor) => new PostgresWorker(name, processor, { ...open, ...workerOptions, maxStalledCount: stallsMax(name), concurrency }),
    { isAway: () => false, disconnect: () => pool.end() },
    log,
  );
}

function onRedis(url: string, log: Logger): Queues {
  const prefix = "{deadair}";
  // Adding fails fast so that the outbox keeps the row; consuming waits for Redis to come back.
  const producer = connect(url, { maxRetriesPerRequest: 1, enableOfflineQueue: true });
  const consumer = connect(url, { maxRetriesPerRequest: null });
  for (const connection of [producer, consumer]) connection.on("error", (error: Error) => log.debug({ err: error }, "queue: connection lost"));
  return build(
    "redis",
    (name) => new Queue(name, { connection: producer, prefix, defaultJobOptions: jobOptions }),
    (name, concurrency, processor) => new Worker(name, processor, { connection: consumer, prefix, ...workerOptions, maxStalledCount: stallsMax(name), concurrency }),
    {
      isAway: () => consumer.status !== "ready",
      async disconnect() {
        producer.disconnect();
        consumer.disconnect();
      },
    },
    log,
  );
}

function connect(url: string, options: { maxRetriesPerRequest: number | null; enableOfflineQueue?: boolean }): Redis | Cluster {
  const retryStrategy = (times: number) => Math.min(times * 100, 2000);
  const nodes = url.split(",").map((node) => node.trim());
  if (nodes.length === 1) return new Redis(nodes[0]!, { ...options, retryStrategy });
  return new Cluster(nodes, { redisOptions: options, clusterRetryStrategy: retryStrategy });
}

// The little of BullMQ's Queue and Worker that is used, so that the types of the two backends meet.
type AnyQueue = {
  waitUntilReady(): Promise<unknown>;
  addBulk(jobs: { name: string; data: unknown; opts: { jobId: string; priority: number } }[]): Promise<unknown>;
  getJobCounts(...types: ("waiting" | "active" | "delayed" | "prioritized")[]): Promise<{ [state: string]: number }>;
  on(event: "error", listener: (error: Error) => void): unknown;
  close(): Promise<void>;
  disconnect(): Promise<void>;
};
type AnyWorker = {
  waitUntilReady(): Promise<unknown>;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "failed", listener: (job: { id?: string | undefined } | undefined, error: Error) => void): unknown;
  close(): Promise<void>;
  disconnect(): Promise<void>;
};
type AnyProcessor = (job: { data: unknown }) => Promise<void>;

function build(
  backend: Queues["backend"],
  makeQueue: (name: string) => AnyQueue,
  makeWorker: (name: QueueName, concurrency: number, processor: AnyProcessor) => AnyWorker,
  connection: { isAway(): boolean; disconnect(): Promise<void> },
  log: Logger,
): Queues {
  const queues = new Map<QueueName, AnyQueue>();
  const consumers = new Set<Consumer>();
  // BullMQ connects once: a queue or worker whose backend was away at that moment
  // stays broken for ever on Postgres. So it is thrown away, and made anew.
  const queue = (name: QueueName): AnyQueue => {
    const known = queues.get(name);
    if (known !== undefined) return known;
    const made = makeQueue(name);
    made.on("error", (error) => log.debug({ err: error, queue: name }, "queue: error"));
    queues.set(name, made);
    made.waitUntilReady().catch(() => {
      if (queues.get(name) === made) queues.delete(name);
      made.close().catch(() => {});
    });
    return made;
  };
  const worker = (name: QueueName, concurrency: number, processor: AnyProcessor): AnyWorker => {
    const made = makeWorker(name, concurrency, processor);
    made.on("error", (error) => log.debug({ err: error, queue: name }, "queue: error"));
    made.on("failed", (job, error) => log.warn({ err: error, queue: name, job: job?.id }, "job failed"));
    return made;
  };
  return {
    backend,
    async add(name, jobs) {
      await withTimeout(
        queue(name).addBulk(jobs.map((job) => ({ name, data: job.payload, opts: { jobId: job.key, priority: job.priority ?? 0 } }))),
        answerMs,
        `queue ${name} does not take jobs`,
      );
    },
    consume(name, concurrency, processor) {
      const process: AnyProcessor = (job) => processor(job.data as Jobs[typeof name]);
      let closed = false;
      let timer: NodeJS.Timeout | undefined;
      let current: AnyWorker;
      const start = () => {
        const made = worker(name, concurrency, process);
        current = made;
        made.waitUntilReady().catch((error: unknown) => {
          if (closed) return;
          log.debug({ err: error, queue: name }, "queue: away, will be consumed once it is back");
          made.close().catch(() => {});
          timer = setTimeout(start, restartMs);
        });
      };
      start();
      const consumer = {
        async close() {
          closed = true;
          clearTimeout(timer);
          consumers.delete(consumer);
          await unlessAway(current, connection.isAway);
        },
      };
      consumers.add(consumer);
      return consumer;
    },
    async depth(name) {
      const counts = await withTimeout(queue(name).getJobCounts("waiting", "active", "delayed", "prioritized"), answerMs, `queue ${name} does not say its depth`);
      return Object.values(counts).reduce((sum, n) => sum + n, 0);
    },
    async close() {
      await Promise.all([...consumers].map((consumer) => consumer.close()));
      await Promise.all([...queues.values()].map((open) => unlessAway(open, connection.isAway)));
      await connection.disconnect();
    },
  };
}

// Closing waits for what runs, but not for a backend that is away: BullMQ on
// Redis would wait for it for ever, and a process that is told to stop must end.
// What could not be written down runs again elsewhere.
async function unlessAway(open: { close(): Promise<void>; disconnect(): Promise<void> }, isAway: () => boolean): Promise<void> {
  const closing = open.close();
  closing.catch(() => {});
  let timer: NodeJS.Timeout | undefined;
  const gone = new Promise<true>((resolve) => {
    let since = Date.now();
    timer = setInterval(() => {
      if (!isAway()) since = Date.now();
      else if (Date.now() - since > awayMs) resolve(true);
    }, 100);
  });
  try {
    if (await Promise.race([closing, gone])) void open.disconnect().catch(() => {});
  } finally {
    clearInterval(timer);
  }
}

function withTimeout<T>(work: Promise<T>, ms: number, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
