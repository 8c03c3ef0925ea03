// Waiting for what happens by itself in other processes. Every wait has an end
// that no slow machine reaches, and says what it saw last when it is reached.

/** Asks until the answer is what is wanted; an error counts as "not yet". Returns the answer. */
export async function eventually<T>(what: string, ask: () => Promise<T> | T, wanted: (answer: T) => boolean, options: { seconds?: number; everyMs?: number } = {}): Promise<T> {
  const { seconds = 60, everyMs = 50 } = options;
  const until = Date.now() + seconds * 1000;
  for (let last = "nothing"; ; ) {
    try {
      const answer = await ask();
      if (wanted(answer)) return answer;
      last = JSON.stringify(answer)?.slice(0, 600) ?? String(answer);
    } catch (error) {
      last = String(error);
    }
    if (Date.now() > until) throw new Error(`waited ${seconds} s for: ${what}; seen last: ${last}`);
    await sleep(everyMs);
  }
}

/** Rejects when a promise takes longer than it ever should. */
export async function within<T>(seconds: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
