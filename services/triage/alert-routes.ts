// What engineers see and set of alerts: what fired, where it went, where it goes.
import type { FastifyInstance } from "fastify";
import { requireMember, requireScope } from "../access/guard.ts";
import type { Context } from "../context.ts";
import { answerProblem } from "../errors.ts";
import { readLimit } from "../paging.ts";
import { addDestination, listAlerts, listDestinations, removeDestination, retryDelivery, testDestination } from "./alerts.ts";
import { NewDestination } from "./schema.ts";

type InProject = { Params: { project: string } };
type WithId = { Params: { project: string; id: string } };

/** Adds the routes of alerts. */
export function alertRoutes(app: FastifyInstance, context: Context): void {
  const { db } = context.storage;

  app.get<InProject & { Querystring: { cursor?: string } }>("/api/v1/:project/alerts", async (request, reply) => {
    const caller = await requireScope(context, request, request.params.project, "read");
    if (!caller.ok) return answerProblem(reply, caller.problem);
    const limit = readLimit(request, context.settings.limits);
    if (!limit.ok) return answerProblem(reply, limit.problem);
    const page = await listAlerts(db, caller.value.project.id, { limit: limit.value, cursor: request.query.cursor || undefined });
    return page.ok ? page.value : answerProblem(reply, page.problem);
  });

  app.get<InProject>("/api/v1/:project/destinations", async (request, reply) => {
    const caller = await requireMember(context, request, request.params.project);
    if (!caller.ok) return answerProblem(reply, caller.problem);
    return { items: await listDestinations(db, caller.value.project.id) };
  });

  app.post<InProject & { Body: NewDestination }>("/api/v1/:project/destinations", { schema: { body: NewDestination } }, async (request, reply) => {
    const caller = await requireMember(context, request, request.params.project);
    if (!caller.ok) return answerProblem(reply, caller.problem);
    const added = await addDestination(db, caller.value.project.id, request.body, context.settings);
    return added.ok ? reply.code(201).send(added.value) : answerProblem(reply, added.problem);
  });

  app.delete<WithId>("/api/v1/:project/destinations/:id", async (request, reply) => {
    const caller = await requireMember(context, request, request.params.project);
    if (!caller.ok) return answerProblem(reply, caller.problem);
    const gone = await removeDestination(db, caller.value.project.id, request.params.id);
    return gone.ok ? reply.code(204).send() : answerProblem(reply, gone.problem);
  });

  app.post<WithId>("/api/v1/:project/destinations/:id/test", async (request, reply) => {
    const caller = await requireMember(context, request, request.params.project);
    if (!caller.ok) return answerProblem(reply, caller.problem);
    const sent = await testDestination(db, caller.value.project.id, request.params.id);
    return sent.ok ? reply.code(202).send(sent.value) : answerProblem(reply, sent.problem);
  });

  app.post<WithId>("/api/v1/:project/deliveries/:id/retry", async (request, reply) => {
    const caller = await requireMember(context, request, request.params.project);
    if (!caller.ok) return answerProblem(reply, caller.problem);
    const due = await retryDelivery(db, caller.value.project.id, request.params.id);
    return due.ok ? reply.code(202).send({}) : answerProblem(reply, due.problem);
  });
}
