// What engineers and read tokens ask: groups, crashes, and a crash once more.
import type { FastifyInstance, FastifyReply } from "fastify";
import Type, { type Static } from "typebox";
import { refuse } from "../../config/problem.ts";
import { retryCrash } from "../../storage/crashes.ts";
import type { CrashState } from "../../storage/tables.ts";
import { isUuid } from "../../storage/uuid.ts";
import { requireMember, requireScope } from "../access/guard.ts";
import type { Context } from "../context.ts";
import { answerProblem } from "../errors.ts";
import { readCursor, readLimit } from "../paging.ts";
import { hasCrash, listCrashes, readCrash } from "./crashes.ts";
import { sourceReader } from "./source-lines.ts";
import { secondOpinions } from "./second-opinion.ts";
import { type GroupSort, groupSorts, hasGroup, listGroups, readGroup } from "./groups.ts";

type InProject = { Params: { project: string } };
type WithId = { Params: { project: string; id: string } };

/** Adds the routes of triage. */
export function triageRoutes(app: FastifyInstance, context: Context): void {
  const { limits } = context.settings;
  const { db } = context.storage;

  app.get<InProject & { Querystring: { sort?: string; q?: string; cursor?: string } }>("/api/v1/:project/groups", async (request, reply) => {
    const caller = await requireScope(context, request, request.params.project, "read");
    if (!caller.ok) return answerProblem(reply, caller.problem);
    const limit = readLimit(request, limits);
    if (!limit.ok) return answerProblem(reply, limit.problem);
    const sort = (request.query.sort ?? "last_seen") as GroupSort;
    if (!groupSorts.includes(sort)) return answerProblem(reply, refuse(400, "bad_sort", `sort is "${sort.slice(0, 40)}".`, `Use one of ${groupSorts.join(", ")}.`).problem);
    const page = await listGroups(db, caller.value.project.id, { sort, limit: limit.value, cursor: request.query.cursor || undefined, search: String(request.query.q ?? "").trim().slice(0, 200) });
    return page.ok ? page.value : answerProblem(reply, page.problem);
  });

  app.get<WithId>("/api/v1/:project/groups/:id", async (request, reply) => {
    const caller = await requireScope(context, request, request.params.project, "read");
    if (!caller.ok) return answerProblem(reply, caller.problem);
    const group = isUuid(request.params.id) ? await readGroup(db, caller.value.project.id, request.params.id) : undefined;
    return group ?? unknown(reply, "group", request.params.id);
  });

  app.get<WithId>("/api/v1/:project/groups/:id/crashes", async (request, reply) => {
    const caller = await requireScope(context, request, request.params.project, "read");
    if (!caller.ok) return answerProblem(reply, caller.problem);
    const limit = readLimit(request, limits);
    const cursor = readCursor(request);
    if (!limit.ok) return answerProblem(reply, limit.problem);
    if (!cursor.ok) return answerProblem(reply, cursor.problem);
    if (!isUuid(request.params.id) || !(await hasGroup(db, caller.value.project.id, request.params.id))) return unknown(reply, "group", request.params.id);
    return listCrashes(context.storage, caller.value.project.id, { limit: limit.value, cursor: cursor.value, group: request.params.id });
  });

  const states: readonly CrashState[] = ["stored", "grouped", "failed"];
  app.get<InProject & { Querystring: { state?: string } }>("/api/v1/:project/crashes", async (request, reply) => {
    const caller = await requireScope(context, request, request.params.project, "read");
    if (!caller.ok) return answerProblem(reply, caller.problem);
    const limit = readLimit(request, limits);
    const cursor = readCursor(request);
    if (!limit.ok) return answerProblem(reply, limit.problem);
    if (!cursor.ok) return answerProblem(reply, cursor.problem);
    const state = states.find((known) => known === request.query.state);
    if (request.query.state !== undefined && state === undefined) return answerProblem(reply, refuse(400, "bad_state", `state is "${request.query.state.slice(0, 40)}".`, `Use one of ${states.join(", ")}.`).problem);
    return listCrashes(context.storage, caller.value.project.id, { limit: limit.value, cursor: cursor.value, ...(state ? { state } : {}) });
  });

  app.get<WithId>("/api/v1/:project/crashes/:id", async (request, reply) => {
    const caller = await requireScope(context, request, request.params.project, "read");
    if (!caller.ok) return answerProblem(reply, caller.problem);
    const crash = isUuid(request.params.id) ? await readCrash(context.storage, caller.value.project.id, request.params.id) : undefined;
    return crash ?? unknown(reply, "crash", request.params.id);
  });

  app.post<WithId>("/api/v1/:project/crashes/:id/retry", async (request, reply) => {
    const caller = await requireMember(context, request, request.params.project);
    if (!caller.ok) return answerProblem(reply, caller.problem);
    const { project } = caller.value;
    if (!isUuid(request.params.id) || !(await hasCrash(db, project.id, request.params.id))) return unknown(reply, "crash", request.params.id);
    const due = await retryCrash(db, project.id, request.params.id);
    if (!due) return answerProblem(reply, refuse(409, "not_retryable", "The crash waits for its walk already.", "Reload the page.").problem);
    return reply.code(202).send({ id: request.params.id });
  });

  const SourceQuestion = Type.Object({ module: Type.String({ maxLength: 80 }), file: Type.String({ minLength: 1, maxLength: 4096 }), line: Type.Integer({ minimum: 1, maximum: 2 ** 31 }) });
  const sources = sourceReader(context);
  app.addHook("preClose", async () => sources.close());
  app.get<WithId & { Querystring: Static<typeof SourceQuestion> }>("/api/v1/:project/crashes/:id/source", { schema: { querystring: SourceQuestion } }, async (request, reply) => {
    const caller = await requireScope(context, request, request.params.project, "read");
    if (!caller.ok) return answerProblem(reply, caller.problem);
    const lines = isUuid(request.params.id) ? await sources.linesAt(caller.value.project.id, request.params.id, request.query) : undefined;
    if (lines === undefined) return unknown(reply, "crash", request.params.id);
    return lines.ok ? lines.value : answerProblem(reply, lines.problem);
  });

  const opinions = secondOpinions(context);
  app.addHook("preClose", async () => opinions.close());
  app.post<WithId>("/api/v1/:project/crashes/:id/second-opinion", async (request, reply) => {
    const caller = await requireScope(context, request, request.params.project, "read");
    if (!caller.ok) return answerProblem(reply, caller.problem);
    const opinion = isUuid(request.params.id) ? await opinions.ask(caller.value.project.id, request.params.id) : undefined;
    if (opinion === undefined) return unknown(reply, "crash", request.params.id);
    if (opinion.ok) return opinion.value;
    if (opinion.problem.status === 503) reply.header("retry-after", "5");
    return answerProblem(reply, opinion.problem);
  });
}

function unknown(reply: FastifyReply, what: string, id: string): FastifyReply {
  return answerProblem(reply, refuse(404, `unknown_${what}`, `There is no ${what} ${id.slice(0, 60)} in this project.`, "It may have been deleted, or belong to another project.").problem);
}
