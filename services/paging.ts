// Lists are paged by cursor: the id of the last row, which is also its order.
import type { FastifyRequest } from "fastify";
import type { Limits } from "../config/limits.ts";
import { ok, refuse, type Result } from "../config/problem.ts";
import { isUuid } from "../storage/uuid.ts";

/** Rows asked for by `limit`, 50 unless told. */
export function readLimit(request: FastifyRequest, limits: Limits): Result<number> {
  const text = (request.query as { limit?: string }).limit ?? "50";
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > limits.PAGE_ROWS) return refuse(400, "bad_limit", `limit is "${text.slice(0, 40)}".`, `Give a whole number from 1 to ${limits.PAGE_ROWS}.`);
  return ok(limit);
}

/** The id that the page starts after, if `cursor` gives one. */
export function readCursor(request: FastifyRequest): Result<string | undefined> {
  const cursor = (request.query as { cursor?: string }).cursor;
  if (cursor === undefined || cursor === "") return ok(undefined);
  if (!isUuid(cursor)) return refuse(400, "bad_cursor", "The cursor is not one that a list gave.", "Take `next` of the page before.");
  return ok(cursor);
}
