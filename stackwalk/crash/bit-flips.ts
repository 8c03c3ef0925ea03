// Failing memory flips bits. When the address of a crash leads nowhere but the
// same address with one bit turned is valid, that is worth a line in the
// report; how much it is worth is the confidence.
//
// Steps, for the address and for each register that the failing instruction
// formed it with:
//   1. nothing to say if the address is fine for this kind of access, or so
//      near to a fine one that an index one too high explains it;
//   2. turn each bit: 0 to 47 of an address in user space, 48 to 63 of a
//      non-canonical one;
//   3. keep what the access could have meant: mapped memory that allows it, or
//      null (a check that went the wrong way);
//   4. weigh: a non-canonical address and registers that point nearby speak
//      for it, poison values in registers against it.
//
// The rules and weights are rust-minidump's, in its arithmetic (32-bit
// floats), so that the numbers can be compared. Two things differ. rip is
// never tried as a register. arm64 is tried where the instruction could be
// read, since a null pointer in disguise is then known as one; rust-minidump
// leaves arm64 out for want of that.
import type { AddressSpace, CpuContext, MappedRange } from "../minidump/model.ts";
import type { BitFlip } from "../report.ts";
import type { ReasonKind } from "./crash-reason.ts";
import { allows, rangeAt } from "./guard-page.ts";
import { registerFiles } from "../../symbols/registers.ts";
import { hex, word } from "./word.ts";

/** What to look at. */
export type FlipQuestion = {
  readonly address: bigint;
  /** The register that holds the address; null for the address of the crash itself. */
  readonly register: string | null;
  readonly nonCanonical: boolean;
  readonly kind: ReasonKind;
  /** Bytes that the failing access would have touched; null when not known. */
  readonly size: number | null;
};

const nearby = 4096n;
const low = nearby * 2n;

/** Bytes that allocators and compilers fill freed or fresh memory with. */
const poison = new Set([0x2b, 0x2d, 0x2f, 0x49, 0x4b, 0x4d, 0x4f, 0x6b, 0x8b, 0x9b, 0x9f, 0xa5, 0xbb, 0xcc, 0xcd, 0xce, 0xdb, 0xe5]);

/** Addresses that may have been meant. */
export function bitFlips(question: FlipQuestion, space: AddressSpace | null, context: CpuContext | null): BitFlip[] {
  const { address } = question;
  const here = rangeAt(space, address);
  if (here && mayAllow(here, question.kind)) return [];
  if (question.size !== null && isNearMapping(space, question)) return [];
  const registers = context ? registerValues(context) : [];
  const found: BitFlip[] = [];
  const [from, to] = question.nonCanonical ? [48n, 64n] : [0n, 48n];
  for (let bit = from; bit < to; bit++) {
    const candidate = address ^ (1n << bit);
    if (candidate === 0n) found.push(weigh(candidate, question, registers));
    const range = rangeAt(space, candidate);
    if (range && mayAllow(range, question.kind)) found.push(weigh(candidate, question, registers));
  }
  return found;
}

/** Whether the range may allow the access: any does where the reason does not tell the kind. */
function mayAllow(range: MappedRange, kind: ReasonKind): boolean {
  return allows(range, kind) ?? true;
}

/** Whether valid memory begins or ends within the access's own size of the address. Numbers do: where they round, above 2^53, no program has mappings. */
function isNearMapping(space: AddressSpace | null, question: FlipQuestion): boolean {
  const address = Number(question.address);
  const size = question.size ?? 0;
  for (const range of space?.ranges ?? []) {
    if (!mayAllow(range, question.kind)) continue;
    const last = range.base + range.size - 1;
    const away = address < range.base ? range.base - address : address > last ? address - last : 0;
    if (away < size) return true;
  }
  return false;
}

function registerValues(context: CpuContext): bigint[] {
  return registerFiles[context.arch].names.flatMap((_, number) => {
    const valid = (context.valid[number >>> 5]! >>> (number & 31)) & 1;
    return valid ? [word(context.words[number * 2]!, context.words[number * 2 + 1]!)] : [];
  });
}

function weigh(candidate: bigint, question: FlipQuestion, registers: readonly bigint[]): BitFlip {
  const isNull = candidate === 0n;
  const details = {
    was_non_canonical: question.nonCanonical,
    is_null: isNull,
    was_low: isNull && question.address <= low,
    poison_registers: registers.some(isPoison),
    nearby_registers: candidate > low ? registers.filter((value) => distance(value, candidate) <= nearby).length : 0,
  };
  return { address: hex(candidate, 8), details, confidence: confidence(details), source_register: question.register };
}

function distance(a: bigint, b: bigint): bigint {
  return a < b ? b - a : a - b;
}

function isPoison(value: bigint): boolean {
  const byte = value & 0xffn;
  return value === byte * 0x0101_0101_0101_0101n && poison.has(Number(byte));
}

const f32 = Math.fround;
const nearbyWeights = [f32(0.5), f32(0.5 + f32(0.05)), f32(0.5 + f32(0.1)), f32(0.5 + f32(0.15))];

/** 1 minus the product of what speaks against each sign, halved where registers hold poison. */
function confidence(details: BitFlip["details"]): number {
  const signs = [0.25];
  if (details.was_non_canonical) signs.push(f32(0.9));
  if (details.is_null) signs.push(details.was_low ? 0.25 : 0.5);
  if (details.nearby_registers > 0) signs.push(nearbyWeights[Math.min(details.nearby_registers, nearbyWeights.length) - 1]!);
  const against = signs.reduce((product, sign) => f32(product * f32(1 - sign)), 1);
  const whole = f32(1 - against);
  return details.poison_registers ? f32(whole * 0.5) : whole;
}
