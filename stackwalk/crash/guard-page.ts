// What the address space says of one address.
import type { AddressSpace, MappedRange } from "../minidump/model.ts";
import type { ReasonKind } from "./crash-reason.ts";

/** A guard is smaller than this; what is larger is reserved space (rust-minidump's bound). */
const guardBytes = 32_768;

/** The range that holds an address; null when none does or nothing is known. Exact for addresses that a number cannot hold. */
export function rangeAt(space: AddressSpace | null, address: bigint): MappedRange | null {
  const range = space?.at(Number(address)) ?? null;
  if (!range) return null;
  const base = BigInt(range.base);
  return address >= base && address < base + BigInt(range.size) ? range : null;
}

/** Whether the range allows the access that a reason tells of; null where the reason tells of none. */
export function allows(range: MappedRange, kind: ReasonKind): boolean | null {
  switch (kind) {
    case "read":
      return range.readable;
    case "write":
      return range.writable;
    case "execute":
      return range.executable;
    default:
      return null;
  }
}

/** Whether any access to the range is allowed. */
export function isAccessible(range: MappedRange): boolean {
  return range.readable || range.writable || range.executable;
}

/**
 * Whether an address lies in what looks like a guard page: Windows says so (PAGE_GUARD), or it is a small range without any permission
 * right beside one that has some, as thread libraries and allocators lay them out.
 */
export function likelyGuardPage(space: AddressSpace | null, address: number | bigint): boolean {
  const range = rangeAt(space, BigInt(address));
  if (!space || !range) return false;
  if (range.guard && range.committed) return true;
  if (isAccessible(range) || range.size > guardBytes) return false;
  return touchesAccessible(space, range);
}

function touchesAccessible(space: AddressSpace, range: MappedRange): boolean {
  const before = range.base > 0 ? space.at(range.base - 1) : null;
  const after = space.at(range.base + range.size);
  return (before !== null && isAccessible(before)) || (after !== null && isAccessible(after));
}
