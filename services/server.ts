// The server: everything that listens, put together.
//
//   services/ingest    crashes come in            (public key)
//   services/symbols   debug files come in        (token)
//   services/triage    groups and crashes go out  (token or signed in)
//   services/access    who is who
//   web/dist           the page
//
// Upload routes get their bodies as unread streams; all others parse JSON. Logs
// carry no address, no query (keys travel there) and no header of a client.
import { existsSync } from "node:fs";
import path from "node:path";
import fastifyCookie from "@fastify/cookie";
import fastifyHelmet from "@fastify/helmet";
import fastifyStatic from "@fastify/static";
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from "fastify";
import { sql } from "kysely";
import { accessRoutes } from "./access/routes.ts";
import type { Context } from "./context.ts";
import { answerOnSocket, answerProblem, frameworkProblem, installErrorHandler } from "./errors.ts";
import { minidumpRoutes } from "./ingest/minidump.ts";
import { stacktraceRoutes } from "./ingest/stacktrace.ts";
import { factReader } from "./symbols/fact-reader.ts";
import { symbolRoutes, symbolUploadRoutes } from "./symbols/routes.ts";
import { symUploadRoutes } from "./symbols/sym-upload.ts";
import { alertRoutes } from "./triage/alert-routes.ts";
import { triageRoutes } from "./triage/routes.ts";

const jsonBodyBytes = 1024 * 1024;
const closingMs = 5000;
const pageDir = path.join(import.meta.dirname, "..", "web", "dist");

/** Builds the server; the caller listens and closes. `report` takes errors that are bugs. */
export async function buildServer(context: Context, report: (error: unknown) => void): Promise<FastifyInstance> {
  const { settings } = context;
  const app = fastify({
    loggerInstance: requestLogger(context),
    trustProxy: settings.trustProxy,
    bodyLimit: jsonBodyBytes,
    requestTimeout: settings.limits.UPLOAD_SECONDS * 1000,
    // Node enforces the greater of its two time limits, and looks every 30 s, unless told.
    http: { headersTimeout: Math.min(60, settings.limits.UPLOAD_SECONDS) * 1000, connectionsCheckingInterval: 2000 },
    frameworkErrors: (error, _request, reply) => answerProblem(reply, frameworkProblem(error)),
    clientErrorHandler: answerOnSocket,
    keepAliveTimeout: 30_000,
    forceCloseConnections: "idle",
    logController: new LogController({ disableRequestLogging: true }),
    routerOptions: { maxParamLength: 300 },
  });
  await app.register(fastifyCookie);
  await app.register(fastifyHelmet, {
    contentSecurityPolicy: { directives: { defaultSrc: ["'self'"], scriptSrc: ["'self'"], styleSrc: ["'self'"], imgSrc: ["'self'", "data:"], connectSrc: ["'self'"], objectSrc: ["'none'"], frameAncestors: ["'none'"], upgradeInsecureRequests: null } },
    // Plain HTTP on a laptop is the default; whoever puts TLS in front says so there.
    strictTransportSecurity: false,
  });
  await app.register(fastifyStatic, {
    root: pageDir,
    wildcard: false,
    // Files under assets/ carry a hash of their content in their name.
    setHeaders: (response, file) => response.header("cache-control", file.includes(`${path.sep}assets${path.sep}`) ? "public, max-age=31536000, immutable" : "no-cache"),
    ...(existsSync(pageDir) ? {} : { serve: false }),
  });
  installErrorHandler(app, report);

  app.addHook("onResponse", (request, reply, done) => {
    request.log.info({ method: request.method, route: request.routeOptions.url ?? "(none)", status: reply.statusCode, ms: Math.round(reply.elapsedTime * 10) / 10 }, "request");
    done();
  });
  // Node stops its time limits for requests when a server closes, so one client that stalls would keep
  // the process from ending for ever. Those still at work get a moment, then their connections are cut.
  app.addHook("preClose", async () => {
    setTimeout(() => app.server.closeAllConnections(), closingMs).unref();
  });
  app.get("/healthz", async () => {
    await sql`select 1`.execute(context.storage.db);
    return { status: "ok" };
  });

  const symbols = { storage: context.storage, limits: settings.limits, facts: factReader(settings.limits) };
  app.addHook("preClose", async () => symbols.facts.close());
  // Everything a client uploads: bodies stay streams until a route reads them.
  await app.register(async (uploads) => {
    uploads.removeAllContentTypeParsers();
    uploads.addContentTypeParser("*", (_request, _payload, done) => done(null));
    // Whatever a route that failed has left unread is read and dropped for a while, or its connection would hang.
    uploads.addHook("onResponse", (request, _reply, done) => {
      const { raw } = request;
      raw.unpipe();
      raw.resume();
      if (!raw.readableEnded) {
        const cut = setTimeout(() => raw.socket.destroy(), settings.limits.REFUSED_BODY_SECONDS * 1000);
        raw.once("close", () => clearTimeout(cut));
      }
      done();
    });
    minidumpRoutes(uploads, context);
    stacktraceRoutes(uploads, context);
    symbolUploadRoutes(uploads, context, symbols);
    symUploadRoutes(uploads, context, symbols);
  });
  accessRoutes(app, context);
  triageRoutes(app, context);
  alertRoutes(app, context);
  symbolRoutes(app, context);
  return app;
}

function requestLogger(context: Context): FastifyBaseLogger {
  // Fastify's own serialisers would write addresses and whole URLs.
  return context.log.child({}, { serializers: { req: () => undefined, res: () => undefined } }) as FastifyBaseLogger;
}
