// A problem is an expected failure: a value, not an exception. Every station
// that can refuse something returns one; the HTTP floor prints it as
// {error, message, hint}.

/** An expected failure that a person or a client is told about. */
export type Problem = {
  /** A stable snake_case word for programs, such as `not_a_minidump`. */
  readonly code: string;
  /** What is wrong, with the value that is wrong, in one sentence. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
  /** The HTTP status it is answered with. */
  readonly status: number;
};

/** Either a value or the reason there is none. */
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

/** Wraps a value as a success. */
export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

/** Makes the failed result for a problem. */
export function refuse(status: number, code: string, message: string, hint: string): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem: { status, code, message, hint } };
}
