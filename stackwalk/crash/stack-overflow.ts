// Whether the stack ran out, by what was touched and not only by the code.
//
// Only Windows has a code of its own for it. Elsewhere a program that recurses
// too deep is told the same as one with a wild pointer. What tells them apart:
// the touched address is where the stack pointer is, and it lies right below
// the thread's stack, in its guard page or in nothing at all.
//
// The answer is null when any of that is missing or fits badly: a wrong "your
// recursion is too deep" costs more than a missing one.
import { registerFiles } from "../../symbols/registers.ts";
import type { CpuContext, DumpThread, MappedRange, Minidump } from "../minidump/model.ts";
import type { CrashInfo } from "../report.ts";
import type { CrashReason } from "./crash-reason.ts";
import { isAccessible, rangeAt } from "./guard-page.ts";
import { registerAt } from "./instruction.ts";
import { hex } from "./word.ts";

/** The answer: how it is known, and a sentence. */
export type StackOverflow = NonNullable<CrashInfo["stack_overflow"]>;

/** How far below the stack pointer an instruction reaches: a push or call, the red zone, a probe of the next page. */
const reachBelow = 4096n;
/** How far above: a frame that was allocated at once and is then filled from any side. */
const reachAbove = 1024n * 1024n;
/** How far below the last mapped page of a stack the touched address may be. Linux keeps this much free below a growing stack. */
const gapBelow = 1024n * 1024n;
/** The same where the dump has no list of mappings and only the kept stack memory tells where the stack begins. */
const gapWithoutMap = 65_536n;

const touching = new Set(["access", "read", "write"]);

/** Whether the crash is a stack that ran out; null when it is not, or when that is not sure. */
export function stackOverflow(dump: Minidump, reason: CrashReason, address: bigint, context: CpuContext | null, thread: DumpThread | null): StackOverflow | null {
  if (reason.kind === "stack_overflow") return { cause: "code", detail: `The system says so: ${reason.text}.` };
  if (!context || !touching.has(reason.kind)) return null;
  const pointer = registerAt(context, registerFiles[context.arch].sp);
  if (pointer === null || address < pointer - reachBelow || address > pointer + reachAbove) return null;
  return dump.addressSpace ? byMap(dump, address, pointer, context) : byKeptStack(address, pointer, context, thread);
}

function byMap(dump: Minidump, address: bigint, pointer: bigint, context: CpuContext): StackOverflow | null {
  const here = rangeAt(dump.addressSpace, address);
  if (here && isAccessible(here) && !here.guard) return null;
  const stack = stackAbove(dump, address, here);
  if (!stack || !belongs(stack, pointer, address)) return null;
  const shown = (value: bigint | number): string => hex(value, registerFiles[context.arch].wordBytes);
  const where = `${shown(address)}, with the stack pointer at ${shown(pointer)}`;
  if (here) return { cause: "guard_page", detail: `The program touched ${where}; that is the guard below its stack, which begins at ${shown(stack.base)}.` };
  return { cause: "below_stack", detail: `The program touched ${where}; nothing is mapped there, and its stack begins above at ${shown(stack.base)}.` };
}

/** The writable range right above the address, or above the guard that holds it. A second guard between them is passed over. */
function stackAbove(dump: Minidump, address: bigint, here: MappedRange | null): MappedRange | null {
  const space = dump.addressSpace!;
  let next = here ? space.at(here.base + here.size) : firstAbove(space.ranges, Number(address));
  if (next && next.guard && !here?.committed) next = space.at(next.base + next.size);
  return next?.writable && !next.executable ? next : null;
}

function firstAbove(ranges: readonly MappedRange[], address: number): MappedRange | null {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranges[middle]!.base <= address) low = middle + 1;
    else high = middle;
  }
  return ranges[low] ?? null;
}

/** Whether the range is the stack that the pointer ran out of: the pointer is at its lower end or has just left it. */
function belongs(stack: MappedRange, pointer: bigint, address: bigint): boolean {
  const base = BigInt(stack.base);
  return base - address <= gapBelow && pointer < base + reachBelow;
}

/** Without a list of mappings: the stack memory that the dump kept begins above the address, and near. */
function byKeptStack(address: bigint, pointer: bigint, context: CpuContext, thread: DumpThread | null): StackOverflow | null {
  const base = BigInt(thread?.stack?.base ?? 0);
  if (base <= address || base - address > gapWithoutMap || pointer >= base + reachBelow) return null;
  const shown = (value: bigint): string => hex(value, registerFiles[context.arch].wordBytes);
  return {
    cause: "below_stack",
    detail: `The program touched ${shown(address)}, with the stack pointer at ${shown(pointer)}; the stack's readable memory begins above at ${shown(base)}.`,
  };
}
