// Signing in and out, and a project's tokens.
import type { FastifyInstance, FastifyReply } from "fastify";
import Type from "typebox";
import { refuse } from "../../config/problem.ts";
import type { Context } from "../context.ts";
import { answerProblem } from "../errors.ts";
import type { Me } from "../triage/schema.ts";
import { addToken, endLogin, listTokens, newLogin, revokeToken, type Scope, userOfLink, userOfPassword } from "./accounts.ts";
import { loginCookie, requireMember, requireUser } from "./guard.ts";
import { hashPassword } from "./secrets.ts";

/** Adds the routes of access. */
export function accessRoutes(app: FastifyInstance, context: Context): void {
  const { db } = context.storage;
  const { limits } = context.settings;
  const attempts = signInBrake(limits.SIGN_IN_PER_MINUTE_COUNT);

  const signIn = async (reply: FastifyReply, user: string) => {
    reply.setCookie(loginCookie, await newLogin(db, user, limits), {
      path: "/",
      httpOnly: true,
      sameSite: "lax",
      secure: context.publicUrl().startsWith("https:"),
      maxAge: limits.LOGIN_SECONDS,
    });
  };

  app.get<{ Querystring: { token?: string } }>("/sign-in", async (request, reply) => {
    const token = request.query.token;
    if (typeof token !== "string") return reply.sendFile("index.html");
    const user = await userOfLink(db, token);
    if (user === undefined) return reply.redirect("/sign-in?link=over");
    await signIn(reply, user);
    return reply.redirect("/");
  });

  const Credentials = Type.Object({ email: Type.String({ maxLength: 320 }), password: Type.String({ maxLength: 1024 }) }, { additionalProperties: false });
  app.post<{ Body: { email: string; password: string } }>("/api/v1/session", { schema: { body: Credentials } }, async (request, reply) => {
    // Per address and per account, so that neither many accounts nor many addresses help.
    if (!attempts(request.ip) || !attempts(request.body.email.toLowerCase())) {
      return answerProblem(reply, refuse(429, "too_many_attempts", "Too many sign-ins were tried.", "Wait a minute, or open the link that `deadair up` prints.").problem);
    }
    const user = await userOfPassword(db, request.body.email, request.body.password);
    if (user === undefined) return answerProblem(reply, refuse(401, "wrong_password", "The e-mail or the password is wrong.", "Set a password under Settings after signing in by the link that `deadair up` prints.").problem);
    await signIn(reply, user);
    return reply.code(204).send();
  });

  app.delete("/api/v1/session", async (request, reply) => {
    const cookie = request.cookies[loginCookie];
    if (cookie !== undefined) await endLogin(db, cookie);
    return reply.clearCookie(loginCookie, { path: "/" }).code(204).send();
  });

  app.get("/api/v1/me", async (request, reply) => {
    const user = await requireUser(context, request);
    if (!user.ok) return answerProblem(reply, user.problem);
    const row = await db.selectFrom("users").select(["id", "email", "name"]).where("id", "=", user.value).executeTakeFirstOrThrow();
    const projects = await db
      .selectFrom("memberships")
      .innerJoin("projects", "projects.id", "memberships.project_id")
      .select(["projects.id", "projects.slug", "projects.name", "projects.ingest_key", "memberships.role"])
      .where("memberships.user_id", "=", user.value)
      .orderBy("projects.id")
      .execute();
    const me: Me = {
      user: { id: row.id, email: row.email, name: row.name },
      projects: projects.map((project) => ({ slug: project.slug, name: project.name, role: project.role, dsn: dsnOf(context.publicUrl(), project.ingest_key, project.id) })),
    };
    return me;
  });

  const NewPassword = Type.Object({ password: Type.String({ minLength: 10, maxLength: 1024 }) }, { additionalProperties: false });
  app.post<{ Body: { password: string } }>("/api/v1/account/password", { schema: { body: NewPassword } }, async (request, reply) => {
    const user = await requireUser(context, request);
    if (!user.ok) return answerProblem(reply, user.problem);
    await db.updateTable("users").set({ password_hash: await hashPassword(request.body.password) }).where("id", "=", user.value).execute();
    return reply.code(204).send();
  });

  app.get<{ Params: { project: string } }>("/api/v1/:project/tokens", async (request, reply) => {
    const caller = await requireMember(context, request, request.params.project);
    if (!caller.ok) return answerProblem(reply, caller.problem);
    return { items: await listTokens(db, caller.value.project.id) };
  });

  const NewToken = Type.Object({ name: Type.String({ minLength: 1, maxLength: 120 }), scopes: Type.Array(Type.Union([Type.Literal("symbols"), Type.Literal("read")]), { minItems: 1, maxItems: 2 }) }, { additionalProperties: false });
  app.post<{ Params: { project: string }; Body: { name: string; scopes: Scope[] } }>("/api/v1/:project/tokens", { schema: { body: NewToken } }, async (request, reply) => {
    const caller = await requireMember(context, request, request.params.project);
    if (!caller.ok) return answerProblem(reply, caller.problem);
    return reply.code(201).send(await addToken(db, caller.value.project.id, request.body.name, request.body.scopes, caller.value.actor));
  });

  app.delete<{ Params: { project: string; id: string } }>("/api/v1/:project/tokens/:id", async (request, reply) => {
    const caller = await requireMember(context, request, request.params.project);
    if (!caller.ok) return answerProblem(reply, caller.problem);
    const gone = await revokeToken(db, caller.value.project.id, request.params.id, caller.value.actor);
    if (!gone) return answerProblem(reply, refuse(404, "unknown_token", "There is no such token.", "Reload the list.").problem);
    return reply.code(204).send();
  });
}

/** The address that Sentry's clients call a DSN. */
export function dsnOf(publicUrl: string, ingestKey: string, projectId: number): string {
  const url = new URL(publicUrl);
  url.username = ingestKey;
  return `${url.href.replace(/\/+$/, "")}/${projectId}`;
}

// Counts tries per subject in the running minute; forgets everything each minute, so it stays small.
function signInBrake(perMinute: number): (subject: string) => boolean {
  let minute = 0;
  let tries = new Map<string, number>();
  return (subject) => {
    const now = Math.floor(Date.now() / 60_000);
    if (now !== minute || tries.size > 100_000) {
      minute = now;
      tries = new Map();
    }
    const count = (tries.get(subject) ?? 0) + 1;
    tries.set(subject, count);
    return count <= perMinute;
  };
}
