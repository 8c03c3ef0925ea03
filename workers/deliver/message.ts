// What is to be delivered, and how an attempt ended: the two values that the
// processor and the kinds of destination share.

/** One alert on its way to one destination, as a kind of destination needs it. */
export type Message = {
  /** The delivery's id. The same for every attempt. */
  readonly delivery: string;
  /** Identity of the message for its receiver: alert and destination. The same for every attempt, so that a receiver can drop a copy. */
  readonly id: string;
  /** `group.created`, or `test` for a message that only tries out a destination. */
  readonly type: "group.created" | "test";
  /** One line. */
  readonly title: string;
  /** When the alert fired. */
  readonly firedAt: Date;
  /** The project's slug. */
  readonly project: string;
  /** What the alert says; see workers/alert for its shape. */
  readonly body: { readonly [key: string]: unknown };
  /** Where a person reads on; null when this server does not know its own address. */
  readonly url: string | null;
  /** A URL, or an address for mail. */
  readonly target: string;
  /** The webhook's signing secret (`whsec_…`). */
  readonly secret: string | null;
};

/** How one attempt ended. */
export type Outcome = Delivered | Failed;

/** The destination has taken it. */
export type Delivered = { readonly delivered: true; readonly status: number | null; readonly answer: string | null };

/** The destination has not taken it, as far as we know. */
export type Failed = {
  readonly delivered: false;
  /** True when trying again cannot help. */
  readonly permanent: boolean;
  /** The HTTP or SMTP status, when there was one. */
  readonly status: number | null;
  /** What went wrong and, where somebody can do something about it, what to do. */
  readonly error: string;
  /** The beginning of what the destination answered. */
  readonly answer: string | null;
  /** How long the destination asked us to wait, in milliseconds. */
  readonly waitMs?: number;
};

/** A failure that may pass. */
export function failed(error: string, details: { status?: number; answer?: string | null; waitMs?: number | undefined } = {}): Failed {
  return { delivered: false, permanent: false, status: details.status ?? null, error, answer: details.answer ?? null, ...(details.waitMs === undefined ? {} : { waitMs: details.waitMs }) };
}

/** A failure that will not pass by itself. */
export function impossible(error: string, details: { status?: number; answer?: string | null } = {}): Failed {
  return { delivered: false, permanent: true, status: details.status ?? null, error, answer: details.answer ?? null };
}

/** The texts of a message's facts, label first, in the order they are read; what is not known is left out. */
export function factsOf(body: Message["body"]): [label: string, value: string][] {
  const group = objectOf(body["group"]);
  const crash = objectOf(body["crash"]);
  const rows: [string, unknown][] = [
    ["Reason", crash["reason"]],
    ["Product", [crash["product"], crash["version"]].filter((part) => typeof part === "string").join(" ")],
    ["Host", crash["host"]],
    ["System", [crash["os"], crash["arch"]].filter((part) => typeof part === "string").join(" ")],
    ["First seen", group["firstSeen"]],
  ];
  // What clients write is one line each, of a bounded length, or a name could pose as another row.
  return rows.flatMap(([label, value]) => (typeof value === "string" && value !== "" ? [[label, oneLine(value, 200)] as [string, string]] : []));
}

/** Text without line breaks and control characters, at most `max` characters. */
export function oneLine(text: string, max: number): string {
  const flat = text.replace(/[\s\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").trim();
  return flat.length > max ? `${flat.slice(0, max - 1)}…` : flat;
}

function objectOf(value: unknown): { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null ? (value as { [key: string]: unknown }) : {};
}
