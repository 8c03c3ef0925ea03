// A thread that does whatever a job tells it to, for the tests of the pool.
import { serveJobs } from "../../../stackwalk/pool/thread.ts";

/** What a job can tell it. */
export type Order = { readonly do: "echo" | "ask" | "spin" | "throw" | "exit" | "eat" | "environment" | "remember"; readonly value?: unknown };

serveJobs((setting) => {
  let remembered = 0;
  return (job, ask) => {
    const order = job as Order;
    switch (order.do) {
      case "echo":
        return { value: [setting, order.value] };
      case "ask":
        return { value: [1, 2, 3].map((n) => ask(n)) };
      case "remember":
        return { value: ++remembered };
      case "throw":
        throw new TypeError("a bug");
      case "exit":
        process.exit(7);
        break;
      case "eat": {
        const eaten: unknown[] = [];
        for (;;) eaten.push(Array.from({ length: 1000 }, (_, i) => ({ i })));
      }
      case "environment":
        return { value: Object.keys(process.env) };
      case "spin":
        for (;;);
    }
  };
});
