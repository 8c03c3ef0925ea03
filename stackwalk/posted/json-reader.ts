// Takes values out of JSON that a client sent, and says where it is wrong: a
// path such as `threads[2].frames[5].offset` finds the mistake, "bad request"
// does not. Only the first problem is kept; what follows it reads as absent.
import { type Problem, refuse } from "../../config/problem.ts";

/** A JSON object whose fields have not been looked at. */
export type JsonObject = { readonly [key: string]: unknown };

/** Reads fields; `problem` is the first thing found wrong. A field that is null counts as absent everywhere. */
export class JsonReader {
  problem: Problem | null = null;

  /** Records a problem with the value at a path. */
  reject(path: string, expected: string, hint: string): null {
    this.problem ??= refuse(400, "bad_stack_trace", `${path === "" ? "The body" : path} must be ${expected}.`, hint).problem;
    return null;
  }

  object(value: unknown, path: string): JsonObject | null {
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return value as JsonObject;
    return this.reject(path, "an object", "The format is described in docs/: threads hold frames, frames hold a debug_id and an offset.");
  }

  array(parent: JsonObject, key: string, path: string): readonly unknown[] | null {
    const value = parent[key] ?? null;
    if (value === null || Array.isArray(value)) return value;
    return this.reject(join(path, key), "an array", "Leave it out when there is nothing to list.");
  }

  text(parent: JsonObject, key: string, path: string): string | null {
    const value = parent[key] ?? null;
    if (value === null || value === "") return null;
    // NUL and lone surrogates are legal in JSON and illegal in Postgres.
    if (typeof value === "string") return value.replaceAll("\0", "\ufffd").toWellFormed();
    return this.reject(join(path, key), "a string", "Leave it out when it is not known.");
  }

  flag(parent: JsonObject, key: string, path: string): boolean {
    const value = parent[key] ?? null;
    if (value === null || typeof value === "boolean") return value ?? false;
    this.reject(join(path, key), "true or false", "Leave it out for false.");
    return false;
  }

  /** A whole number from 0 that a double holds exactly. */
  count(parent: JsonObject, key: string, path: string): number | null {
    const value = parent[key] ?? null;
    if (value === null || isCount(value)) return value;
    return this.reject(join(path, key), "a whole number from 0", "Leave it out when it is not known.");
  }

  /** A whole number, or hex with 0x: digits alone could be either, and a wrong guess names wrong functions. */
  offset(parent: JsonObject, key: string, path: string): number | null {
    const value = parent[key] ?? null;
    if (value === null || isCount(value)) return value;
    const number = typeof value === "string" && /^0x[0-9a-f]{1,16}$/i.test(value) ? Number(value) : Number.NaN;
    if (isCount(number)) return number;
    return this.reject(join(path, key), 'a whole number from 0 or a hex string such as "0x1a2b", below 2^53', "An offset is the instruction's address minus the address its module was loaded at.");
  }

  /** An address of up to 64 bits, as hex text with 0x. */
  address(parent: JsonObject, key: string, path: string): string | null {
    const value = parent[key] ?? null;
    if (value === null) return null;
    if (isCount(value)) return `0x${value.toString(16)}`;
    if (typeof value === "string" && /^0x[0-9a-f]{1,16}$/i.test(value)) return value.toLowerCase();
    return this.reject(join(path, key), 'a hex string such as "0x7ff6a2b0"', "JSON numbers lose the last bits of an address; send it as text.");
  }
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
