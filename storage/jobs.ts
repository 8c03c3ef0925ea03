// What travels on the queues. Services and workers meet here and in the tables.

/** The payload of each queue's jobs. Every processor may run twice with the same payload. */
export type Jobs = {
  /** Walk a crash; does nothing unless the crash is `stored` at this revision. */
  symbolicate: { readonly crash: string; readonly revision: number };
  /** Compile an uploaded debug file with the others of its module, so that the first crash that needs it finds it ready; does nothing when that is done. `file` is its row. */
  compile: { readonly file: string };
  /** Ask for walks of the next crashes that waited for a compiled debug file; does nothing unless healing has come to `from`, null at its beginning. `round` counts the times that it waited there for others. */
  heal: { readonly file: string; readonly from: string | null; readonly round: number };
  /** Something happened that rules may want to tell somebody about. */
  alert: { readonly event: "group-created"; readonly project: number; readonly group: string; readonly crash: string };
  /** Try to deliver an alert; does nothing unless the delivery is pending and due. */
  deliver: { readonly delivery: string };
};

export type QueueName = keyof Jobs;
