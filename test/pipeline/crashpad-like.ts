// Uploads as Crashpad makes them: multipart, annotations first, the dump last and
// named by a UUID of its own; what is not answered is sent again under that name.
import { randomUUID } from "node:crypto";
import { sleep } from "../support/eventually.ts";
import { syntheticCrash } from "../support/minidump-builder.ts";

/** Different crashes there are to send. */
export const signatures = 20;

/** Sends `count` crashes of `signatures` kinds, `lanes` at a time, each until it is acknowledged. Returns upload name → crash id; `onAck` hears of each. */
export async function uploadAll(target: { url: string; ingestKey: string }, count: number, lanes: number, onAck: (acked: number) => void): Promise<{ acked: Map<string, string>; again: number }> {
  const acked = new Map<string, string>();
  let again = 0;
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < count; i = next++) {
      const name = randomUUID();
      const dump = dumpOf(i);
      for (let tries = 0; ; tries++) {
        const id = await uploadOnce(target, name, dump, i);
        if (id !== undefined) {
          acked.set(name, id);
          onAck(acked.size);
          break;
        }
        again++;
        await sleep(Math.min(100 * 2 ** tries, 1000));
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { acked, again };
}

function dumpOf(i: number): Uint8Array {
  const kind = i % signatures;
  return syntheticCrash({
    module: `plugin-${String.fromCharCode(97 + kind)}.so`,
    debugId: `${(0xa0 + kind).toString(16).repeat(16).toUpperCase()}0`,
    offset: 0x1000 + kind * 0x40,
    callerModules: [{ module: "rackhost", debugId: "C0FFEE00C0FFEE00C0FFEE00C0FFEE000", offset: 0x2000 }],
    // Makes each dump another one, as real ones are.
    processId: 1000 + i,
  });
}

// The crash id, or undefined when it must be sent again. An answer that is neither is a bug.
async function uploadOnce(target: { url: string; ingestKey: string }, name: string, dump: Uint8Array, i: number): Promise<string | undefined> {
  const form = new FormData();
  form.set("prod", "Killed");
  form.set("ver", `1.${i % 3}`);
  // Some clients have no install id.
  if (i % 4 !== 0) form.set("guid", `install-${i % 37}`);
  form.set("upload_file_minidump", new Blob([new Uint8Array(dump)]), `${name}.dmp`);
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${target.url}/api/default/minidump/?sentry_key=${target.ingestKey}`, { method: "POST", body: form, signal: AbortSignal.timeout(30_000) });
    text = await response.text();
  } catch {
    return undefined;
  }
  if (response.status === 200) {
    if (!/^[0-9a-f-]{36}$/.test(text)) throw new Error(`an upload was answered 200 with ${JSON.stringify(text.slice(0, 200))}`);
    return text;
  }
  if (response.status >= 502 && response.status <= 504) return undefined;
  throw new Error(`an upload was answered ${response.status}: ${text.slice(0, 500)}`);
}
