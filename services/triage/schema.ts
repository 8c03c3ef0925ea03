// The shapes that the page and read-token clients see. One const and one type
// of the same name; the web page imports the types only.
import Type, { type Static } from "typebox";
import type { Report } from "../../stackwalk/report.ts";
import type { Comparison } from "../../stackwalk/second-opinion.ts";
import type { Signature } from "../../signature/signature.ts";

const Time = Type.String({ description: "UTC, ISO 8601" });
const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

/** One row of the list of groups. */
export const GroupItem = Type.Object({
  id: Type.String(),
  signature: Type.String(),
  state: Type.String({ description: "new, ongoing, resolved or archived" }),
  count: Type.Integer({ description: "crashes in the group" }),
  installs: Type.Integer({ description: "distinct installs that crashed so; crashes without an install id are not counted here" }),
  firstSeen: Time,
  lastSeen: Time,
  versions: Type.Array(Type.Object({ version: Type.String(), count: Type.Integer() }), { description: "most crashes first, at most 5" }),
  trend: Type.Array(Type.Integer(), { description: "crashes a day for the last 14 days, today last" }),
});
export type GroupItem = Static<typeof GroupItem>;

/** A page of groups; `next` is the cursor of the following page. */
export const GroupPage = Type.Object({ items: Type.Array(GroupItem), next: Nullable(Type.String()), total: Type.Integer() });
export type GroupPage = Static<typeof GroupPage>;

/** One group with what its own page shows. */
export const GroupDetail = Type.Object({
  ...GroupItem.properties,
  facets: Type.Record(Type.String(), Type.Array(Type.Object({ value: Type.String(), count: Type.Integer() }))),
  latestCrash: Nullable(Type.String({ description: "id of the newest crash" })),
});
export type GroupDetail = Static<typeof GroupDetail>;

/** One row of a list of crashes. */
export const CrashItem = Type.Object({
  id: Type.String(),
  receivedAt: Time,
  state: Type.String({ description: "stored, grouped or failed" }),
  code: Nullable(Type.String({ description: "why it failed, as a word for programs" })),
  reason: Nullable(Type.String({ description: "why it failed, as a sentence" })),
  signature: Nullable(Type.String()),
  group: Nullable(Type.String()),
  product: Nullable(Type.String()),
  version: Nullable(Type.String()),
  host: Nullable(Type.String()),
  os: Nullable(Type.String()),
  osVersion: Nullable(Type.String()),
  arch: Nullable(Type.String()),
  install: Nullable(Type.String()),
  crashReason: Nullable(Type.String()),
  waitingForSymbols: Type.Boolean(),
});
export type CrashItem = Static<typeof CrashItem>;

export const CrashPage = Type.Object({ items: Type.Array(CrashItem), next: Nullable(Type.String()) });
export type CrashPage = Static<typeof CrashPage>;

/** One crash, whole. */
export const CrashDetail = Type.Object({
  ...CrashItem.properties,
  kind: Type.String({ description: "minidump or stacktrace" }),
  revision: Type.Integer(),
  bytes: Type.Integer({ description: "size of the dump" }),
  client: Nullable(Type.String()),
  annotations: Type.Record(Type.String(), Type.Unknown()),
  attachments: Type.Array(Type.Object({ name: Type.String(), bytes: Type.Integer() })),
  notes: Type.Array(Type.String()),
  explanation: Nullable(Type.Unsafe<Signature>({ type: "object", additionalProperties: true })),
  report: Nullable(Type.Unsafe<Report>({ type: "object", additionalProperties: true })),
  sources: Type.Array(Type.String(), { description: "debug ids of the modules whose sources are here" }),
});
export type CrashDetail = Static<typeof CrashDetail>;

/** The source lines around that of a frame. */
export const SourceLines = Type.Object({
  file: Type.String({ description: "as the frame says it" }),
  line: Type.Integer({ description: "that of the frame" }),
  first: Type.Integer({ description: "number of the first line that is here" }),
  lines: Type.Array(Type.String(), { description: "without their ends; long ones are cut, and end in …" }),
});
export type SourceLines = Static<typeof SourceLines>;

const OpinionWalker = Type.Object({
  name: Type.String({ description: "walker and version" }),
  milliseconds: Type.Integer({ description: "wall time of its walk" }),
  failure: Nullable(Type.Object({ code: Type.String(), message: Type.String() })),
});

/** A crash walked by both walkers; without a comparison when one of them failed. */
export const SecondOpinion = Type.Object({
  walkers: Type.Object({ deadair: OpinionWalker, breakpad: OpinionWalker }),
  comparison: Nullable(Type.Unsafe<Comparison>({ type: "object", additionalProperties: true })),
});
export type SecondOpinion = Static<typeof SecondOpinion>;

/** Where alerts go. The secret is shown once, when it is made. */
export const Destination = Type.Object({
  id: Type.String(),
  kind: Type.Union([Type.Literal("webhook"), Type.Literal("slack"), Type.Literal("mail")]),
  name: Type.String(),
  target: Type.String(),
  enabled: Type.Boolean(),
  createdAt: Time,
  secret: Type.Optional(Type.String()),
});
export type Destination = Static<typeof Destination>;

/** What an operator gives to add a destination. */
export const NewDestination = Type.Object(
  { kind: Destination.properties.kind, name: Type.String({ minLength: 1, maxLength: 120 }), target: Type.String({ minLength: 3, maxLength: 2000 }) },
  { additionalProperties: false },
);
export type NewDestination = Static<typeof NewDestination>;

/** One delivery of an alert to one destination, with its attempts. */
export const Delivery = Type.Object({
  id: Type.String(),
  destination: Type.Object({ id: Type.String(), kind: Type.String(), name: Type.String() }),
  state: Type.String({ description: "pending, delivered or failed" }),
  attempts: Type.Array(Type.Object({ at: Time, milliseconds: Type.Integer(), status: Nullable(Type.Integer()), error: Nullable(Type.String()), answer: Nullable(Type.String()) })),
  nextAttemptAt: Nullable(Time),
});
export type Delivery = Static<typeof Delivery>;

/** One alert that fired, and what became of it. */
export const Alert = Type.Object({
  id: Type.String(),
  rule: Type.String(),
  title: Type.String(),
  group: Nullable(Type.String()),
  crash: Nullable(Type.String()),
  createdAt: Time,
  deliveries: Type.Array(Delivery),
});
export type Alert = Static<typeof Alert>;

export const AlertPage = Type.Object({ items: Type.Array(Alert), next: Nullable(Type.String()) });
export type AlertPage = Static<typeof AlertPage>;

/** Formats of debug files, as symbols/debug-file.ts explains them. */
export const FileKind = Type.Union(
  [Type.Literal("breakpad"), Type.Literal("pdb"), Type.Literal("pe"), Type.Literal("elf"), Type.Literal("elf-debug"), Type.Literal("macho"), Type.Literal("dsym"), Type.Literal("dwp"), Type.Literal("sources")],
  { description: "a .sym file; a PDB; a Windows program or DLL; a program or library of Linux, or its separate debug file; a program or library of Apple's systems, or its dSYM; split DWARF; source files" },
);

/** An uploaded debug file. */
export const SymbolItem = Type.Object({
  id: Type.String(),
  kind: FileKind,
  debugFile: Nullable(Type.String({ description: "name of the module's debug file; null for a program that names none" })),
  debugId: Nullable(Type.String({ description: "null for a Windows program without CodeView record" })),
  codeFile: Nullable(Type.String({ description: "name of the program or library, where it is known" })),
  codeId: Nullable(Type.String()),
  os: Type.String(),
  arch: Type.String(),
  platform: Nullable(Type.String({ description: "system that it was built for, with its lowest version, where the file says it" })),
  bytes: Type.Integer(),
  holds: Type.Object({ functions: Type.Boolean(), publics: Type.Boolean(), lines: Type.Boolean(), inlines: Type.Boolean(), unwind: Type.Boolean() }),
  lacks: Type.Array(Type.Object({ code: Type.String(), message: Type.String(), hint: Type.String() }), { description: "what no file of the module brings" }),
  problem: Nullable(Type.String({ description: "why it could not be compiled" })),
  compiled: Type.Boolean({ description: "false while its compilation is due; the counts of any but .sym files are 0 until then" }),
  functions: Type.Integer(),
  lines: Type.Integer(),
  unwindRows: Type.Integer(),
  createdAt: Time,
});
export type SymbolItem = Static<typeof SymbolItem>;

/** A module of which crashes lacked all symbols, its source lines (`names`), or its unwind data. One of the ids is there. */
export const MissingSymbol = Type.Object({
  debugFile: Nullable(Type.String()),
  debugId: Nullable(Type.String()),
  codeFile: Nullable(Type.String()),
  codeId: Nullable(Type.String()),
  lacks: Type.Union([Type.Literal("all"), Type.Literal("names"), Type.Literal("unwind")]),
  crashes: Type.Integer(),
});
export type MissingSymbol = Static<typeof MissingSymbol>;

export const SymbolPage = Type.Object({ items: Type.Array(SymbolItem), missing: Type.Array(MissingSymbol), next: Nullable(Type.String()) });
export type SymbolPage = Static<typeof SymbolPage>;

/** Who is signed in, and what they can open. */
export const Me = Type.Object({
  user: Type.Object({ id: Type.String(), email: Type.String(), name: Type.String() }),
  projects: Type.Array(Type.Object({ slug: Type.String(), name: Type.String(), role: Type.String(), dsn: Type.String() })),
});
export type Me = Static<typeof Me>;

/** What every error answers. */
export const ErrorBody = Type.Object({ error: Type.String(), message: Type.String(), hint: Type.String() });
export type ErrorBody = Static<typeof ErrorBody>;
