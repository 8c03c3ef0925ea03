// Loaded before bin/deadair.ts: ends it, in order, when its launcher is gone.
//
// The launcher gives Deadair a session of its own (see launch.mjs), so what kills
// a launcher outright does not reach it: a server that nobody holds any more
// would keep its port and its data folder.
import { isMainThread } from "node:worker_threads";

if (isMainThread && process.platform !== "win32") {
  const launcher = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === launcher) return;
    clearInterval(watch);
    process.kill(process.pid, "SIGTERM");
  }, 500);
  watch.unref();
}
