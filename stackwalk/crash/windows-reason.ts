// Windows exceptions. The code may be one of a short list of exceptions, an
// error of winerror.h, an NTSTATUS, or an error with a facility in front of
// it; they share numbers, so the order of the questions is a convention
// (rust-minidump's).
import type { DumpException } from "../minidump/model.ts";
import { ntStatusName, winErrorName } from "./code-list.ts";
import type { CrashReason, ReasonKind } from "./crash-reason.ts";
import { fastFailCodes, windowsExceptions } from "./windows-codes.ts";
import { hexCode } from "./word.ts";

const accessViolation = 0xc0000005;
const inPageError = 0xc0000006;
const stackBufferOverrun = 0xc0000409;

/** Parameter 0 of an access violation or an in-page error: what was tried. */
const accessNames: { readonly [type: number]: readonly [string, ReasonKind] } = { 0: ["READ", "read"], 1: ["WRITE", "write"], 8: ["EXEC", "execute"] };

const kinds: { readonly [code: number]: ReasonKind } = {
  0xc0000094: "division",
  0xc0000096: "privileged",
  0xc00000fd: "stack_overflow",
};

/** Facilities whose errors are those of winerror.h: Visual C++'s delay loading, and HRESULT_FROM_WIN32 (only as a failed HRESULT, 0x8007…). */
function facility(code: number): string | undefined {
  if (code >>> 28 === 0) return undefined;
  if (((code >>> 16) & 0xfff) === 109) return "FACILITY_VISUALCPP";
  return code >>> 16 === 0x8007 ? "FACILITY_WIN32" : undefined;
}

/** Name of a Windows error that may be of any kind, such as the one that GetLastError keeps; `unknown 0x…` when no list has it. */
export function windowsErrorName(code: number): string {
  const known = winErrorName(code) ?? ntStatusName(code);
  if (known !== undefined) return known;
  const group = facility(code);
  const error = group === undefined ? undefined : winErrorName(code & 0xffff);
  return error === undefined ? `unknown ${hexCode(code)}` : `${group} / ${error}`;
}

/** The reason of a Windows exception. */
export function windowsReason(exception: DumpException): CrashReason {
  const code = exception.code >>> 0;
  const [first, , third] = exception.parameters;
  const access = first?.high === 0 ? accessNames[first.low] : undefined;
  if (code === accessViolation && access) return { text: `EXCEPTION_ACCESS_VIOLATION_${access[0]}`, kind: access[1] };
  if (code === inPageError && access && third) {
    return { text: `EXCEPTION_IN_PAGE_ERROR_${access[0]} / ${ntStatusName(third.low) ?? hexCode(third.low)}`, kind: "other" };
  }
  if (code === stackBufferOverrun && first) return { text: `EXCEPTION_STACK_BUFFER_OVERRUN / ${fastFailCodes[first.low] ?? hexCode(first.low)}`, kind: "other" };
  return { text: windowsExceptions[code] ?? windowsErrorName(code), kind: kinds[code] ?? "other" };
}
