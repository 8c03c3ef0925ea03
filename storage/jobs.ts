// What travels on the queues. Services and workers meet here and in the tables.

/** The payload of each queue's jobs. Every processor may run twice with the same payload. */
export type Jobs = {
  /** Walk a crash; does nothing unless the crash is `stored` at this revision. */
  symbolicate: { readonly crash: string; readonly revision: number };
  /** Compile an uploaded symbol file, so that the first crash that needs it finds it ready. `blob` is its content, so a job that runs twice finds it done. */
  compile: { readonly blob: string };
  /** Something happened that rules may want to tell somebody about. */
  alert: { readonly event: "group-created"; readonly project: number; readonly group: string; readonly crash: string };
  /** Try to deliver an alert; does nothing unless the delivery is pending and due. */
  deliver: { readonly delivery: string };
};

export type QueueName = keyof Jobs;
