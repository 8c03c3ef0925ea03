// The inside of a thread that compiles symbol files into the store.
import type { CompileJob, CompileResult } from "./jobs.ts";
import { symbolStore } from "./symbol-store.ts";
import { serveJobs } from "./thread.ts";

serveJobs((setting) => {
  const { cacheDir, cacheBytes } = setting as { readonly cacheDir: string; readonly cacheBytes: number };
  const store = symbolStore(cacheDir, cacheBytes);
  return (job) => {
    const { paths, digest, again } = job as CompileJob;
    const compiled = store.compile({ paths, digest }, { again });
    if (compiled.ok) return { value: { kind: "compiled" } satisfies CompileResult };
    const { status, message } = compiled.problem;
    return { value: { kind: status < 500 ? "refused" : "unreadable", message } satisfies CompileResult };
  };
});
