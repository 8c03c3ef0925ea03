// Every limit of Deadair: its name, its default and why it is what it is.
//
// A limit is set by an environment variable of the same name with the prefix
// DEADAIR_LIMIT_, in the unit that the name ends with. An error that a limit
// causes carries the limit's name, so that an operator knows what to raise.

/** The limits and their defaults; the last word of each name is its unit. */
export const defaultLimits = {
  /** Bytes of one crash upload as they arrive, before any decompression. Sentry takes 40 MB; plugins ship whole-stack dumps. */
  UPLOAD_BODY_BYTES: 64 * 1024 * 1024,
  /** Bytes of one minidump after decompression: a bound against archives that inflate for ever. */
  DUMP_INFLATED_BYTES: 256 * 1024 * 1024,
  /** Form fields of one crash upload (Crashpad sends one per annotation). */
  UPLOAD_FIELDS_COUNT: 256,
  /** Bytes of one form field's value. */
  UPLOAD_FIELD_BYTES: 1024 * 1024,
  /** Bytes of all form fields' values of one upload together: fields, unlike files, are held in memory. */
  UPLOAD_FIELDS_BYTES: 4 * 1024 * 1024,
  /** Attachments kept with one crash. */
  ATTACHMENTS_COUNT: 16,
  /** Bytes of one attachment. */
  ATTACHMENT_BYTES: 32 * 1024 * 1024,
  /** Time a client may take for one request. Crashpad gives up after 60 s by itself; a symbol file of a gigabyte over a slow line takes this long. */
  UPLOAD_SECONDS: 1800,
  /** Time a client may go on sending an upload that was answered already; its connection is cut then. Cutting it at once would take the answer away. */
  REFUSED_BODY_SECONDS: 20,
  /** Bytes of a stack trace posted as JSON. */
  STACKTRACE_BODY_BYTES: 2 * 1024 * 1024,
  /** Frames over all threads of a stack trace posted as JSON. */
  STACKTRACE_FRAMES_COUNT: 20_000,
  /** Bytes of one symbol file as it arrives. */
  SYMBOL_BODY_BYTES: 2 * 1024 * 1024 * 1024,
  /** Bytes of one symbol file after decompression. */
  SYMBOL_INFLATED_BYTES: 4 * 1024 * 1024 * 1024,
  /** Identifiers in one "which of these do you have" question. */
  SYMBOL_CHECK_COUNT: 1000,
  /** Wall time of one walk; the walker is killed after it. */
  WALK_SECONDS: 60,
  /** Bytes of one walker's output; the walker is killed past it. */
  WALK_OUTPUT_BYTES: 64 * 1024 * 1024,
  /** Bytes of memory of one walk, or of one symbol file that is compiled, besides the buffers that hold the file; its thread is ended past it. */
  WALK_MEMORY_BYTES: 512 * 1024 * 1024,
  /** Wall time of compiling one symbol file; a gigabyte takes some seconds. */
  COMPILE_SECONDS: 600,
  /** Bytes of compiled symbols kept on this machine's disk; what was not used for longest goes first, and is compiled again when it is needed. */
  SYMBOL_CACHE_BYTES: 16 * 1024 * 1024 * 1024,
  /** Bytes of compiled symbols that one process keeps open for all its threads; what was not used for longest is closed first. */
  OPEN_SYMBOLS_BYTES: 256 * 1024 * 1024,
  /** Frames kept of one thread; deep recursion repeats itself. */
  THREAD_FRAMES_COUNT: 1024,
  /** Threads kept of one crash. */
  THREADS_COUNT: 4096,
  /** Times a worker may start on one crash before it is given up as failed: a dump that kills workers must not do so for ever, and a blob store that is away for some minutes must not fail it. */
  CRASH_ATTEMPTS_COUNT: 12,
  /** Age at which a crash still waiting, or a due delivery, is put on its queue again: the queue may have lost it. */
  RECLAIM_SECONDS: 120,
  /** Attempts to deliver one alert to one destination. */
  DELIVERY_ATTEMPTS_COUNT: 10,
  /** Time one delivery may take. */
  DELIVERY_SECONDS: 15,
  /** Rows of one page of a list. */
  PAGE_ROWS: 200,
  /** Requests for sign-in by password from one address in a minute. */
  SIGN_IN_PER_MINUTE_COUNT: 10,
  /** Time a sign-in link works for. */
  SIGN_IN_LINK_SECONDS: 24 * 3600,
  /** Time a browser stays signed in. */
  LOGIN_SECONDS: 30 * 24 * 3600,
};

/** The name of a limit, as errors print it. */
export type LimitName = keyof typeof defaultLimits;

/** All limits in force, by name. */
export type Limits = { readonly [name in LimitName]: number };

/** Reads the limits from environment variables; throws with the variable's name when one is not a positive number. */
export function readLimits(env: NodeJS.ProcessEnv): Limits {
  const limits: { [name in LimitName]: number } = { ...defaultLimits };
  for (const name of Object.keys(defaultLimits) as LimitName[]) {
    const text = env[`DEADAIR_LIMIT_${name}`];
    if (text === undefined || text === "") continue;
    const value = Number(text);
    if (!Number.isFinite(value) || value <= 0) throw new Error(`DEADAIR_LIMIT_${name} is "${text}"; it must be a positive number`);
    limits[name] = value;
  }
  return limits;
}
