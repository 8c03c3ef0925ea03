// Ports for servers that tests kill and start again. They lie below 32768, where
// the kernel takes the ports of outgoing connections from: a port of its own
// range may be taken by one of our clients just when its server is away.
import { randomInt } from "node:crypto";
import net from "node:net";

/** Finds a port that nobody listens on. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(10_000, 20_000);
    if (await isFree(port)) return port;
  }
  throw new Error("no free port between 10000 and 20000");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
