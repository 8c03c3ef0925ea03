import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";

type Run = { readonly mark: string; readonly folder: string };
const { endLeftovers, findLeftovers, RUN_MARK } = (await import(new URL("../../setup/leftovers.mjs", import.meta.url).href)) as {
  endLeftovers(run: Run, graceMs: number): Promise<string[]>;
  findLeftovers(run: Run): { pid: number; command: string }[];
  RUN_MARK: string;
};

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

async function start(script: string, env: NodeJS.ProcessEnv, ...args: string[]): Promise<ChildProcess> {
  // Of a session of its own, as a server that detached itself is.
  const child = spawn(process.execPath, ["-e", `${script}; console.log("up")`, "--", ...args], { env, stdio: ["ignore", "pipe", "ignore"], detached: true });
  started.push(child);
  await new Promise((resolve) => child.stdout?.once("data", resolve));
  return child;
}
const newRun = (): Run => ({ mark: randomUUID(), folder: `/tmp/${randomUUID()}` });
const sleep = "setInterval(() => {}, 1000)";

// The environment of other processes is in /proc.
describe.runIf(process.platform === "linux")("processes left behind", () => {
  it("are found by the environment of their run, whatever their group", async () => {
    const run = newRun();
    const child = await start(sleep, { [RUN_MARK]: run.mark });
    expect(findLeftovers(run).map(({ pid }) => pid)).toEqual([child.pid]);
    expect(findLeftovers(newRun())).toEqual([]);
  });

  it("are found by the run's folder on their command line", async () => {
    const run = newRun();
    const child = await start(sleep, {}, "-D", `${run.folder}/pg`);
    expect(findLeftovers(run).map(({ pid }) => pid)).toEqual([child.pid]);
  });

  it("are ended, the stubborn too, and named", async () => {
    const run = newRun();
    await start(sleep, { [RUN_MARK]: run.mark });
    await start(`process.on("SIGINT", () => {}); ${sleep}`, { [RUN_MARK]: run.mark });
    const ended = await endLeftovers(run, 0);
    expect(ended).toHaveLength(2);
    await expect.poll(() => findLeftovers(run)).toEqual([]);
  });

  it("are not named when they end by themselves in time", async () => {
    const run = newRun();
    await start("setTimeout(() => process.exit(), 300)", { [RUN_MARK]: run.mark });
    expect(await endLeftovers(run, 5000)).toEqual([]);
  });
});
