// A minidump whose stacks are known beforehand: each thread's frames stand at
// chosen places of one `.sym`, and its stack is laid out so that the unwind
// rules of those places lead from one to the next. What a walker must find is
// then a list, and every walker does the same work.
//
// From the innermost frame outwards: a frame's CFA follows from its rule, the
// return address goes just below it, and the next frame begins there. A frame
// that finds its CFA from rbp needs a value that an inner frame has saved, or
// that the thread's context holds: that place is remembered and filled then.
import { buildMinidump, type SyntheticModule, type SyntheticThread } from "../../test/support/minidump-builder.ts";
import type { FramePlace, SymbolText } from "./symbol-text.ts";

/** What a dump shall hold. */
export type DumpPlan = {
  /** Frames of each thread; the first thread crashed. */
  readonly threads: readonly number[];
  /** Functions that are inlined at those frames, at least. */
  readonly inlines: number;
  /** Bytes that a frame takes beyond what its rule needs; a multiple of 16. */
  readonly frameBytes: number;
  /** Bytes of the first thread's stack; 0 for as many as its frames take. */
  readonly stackBytes: number;
  /** Modules that are only loaded. */
  readonly otherModules: number;
};

/** A dump and what a walk of it must find. */
export type PlannedDump = { readonly bytes: Uint8Array; readonly threads: readonly (readonly FramePlace[])[] };

const moduleBase = 0x7f12_0000_0000;
const stackTop = 0x7ffd_0000_0000;

/** Lays out a dump. Throws when the symbols have too few places. */
export function planDump(symbols: SymbolText, plan: DumpPlan): PlannedDump {
  const threads = chooseFrames(symbols.places, plan);
  const size = Math.ceil(symbols.end / 0x1000) * 0x1000 + 0x1000;
  const modules: SyntheticModule[] = [
    { name: "/usr/bin/bench-host", base: 0x5555_5555_4000, size: 0x4000, debugId: debugIdOf(0) },
    { name: `/usr/lib/plugins/${symbols.name}`, base: moduleBase, size, debugId: symbols.debugId },
    ...Array.from({ length: plan.otherModules }, (_, i) => ({ name: `/usr/lib/x86_64-linux-gnu/libother-${i}.so.1`, base: moduleBase + size + (i + 1) * 0x40_0000, size: 0x20_0000, debugId: debugIdOf(i + 1) })),
  ];
  const bytes = buildMinidump({
    os: "linux",
    arch: "amd64",
    modules,
    threads: threads.map((frames, i) => layOut(frames, 4000 + i, stackTop - i * 0x80_0000, i === 0 ? plan : { ...plan, stackBytes: 0 })),
    exception: { threadId: 4000, code: 11, address: 0x18 },
    // The crashing instruction: mov eax, [rdi + 0x18], over and over.
    memory: [{ base: moduleBase + threads[0]![0]!.rva - 126, bytes: Uint8Array.from({ length: 255 }, (_, i) => [0x8b, 0x47, 0x18][i % 3]!) }],
    processId: 4000,
  });
  return { bytes, threads };
}

/** Spreads the frames over the whole file, and takes deep places until there are inlines enough. */
function chooseFrames(places: readonly FramePlace[], plan: DumpPlan): FramePlace[][] {
  const count = plan.threads.reduce((sum, frames) => sum + frames, 0);
  const chosen: FramePlace[] = [];
  let left = plan.inlines;
  for (let i = 0; i < count; i++) {
    // What is left to find, spread over the frames that are left.
    const depth = Math.ceil(left / (count - i));
    const stretch = places.slice(Math.floor((i * places.length) / count), Math.floor(((i + 1) * places.length) / count));
    const place = stretch.toSorted((a, b) => Math.abs(a.inlines - depth) - Math.abs(b.inlines - depth))[0];
    if (place === undefined) throw new Error(`the symbols have ${places.length} places with inlines and a plain rule, ${count} are needed`);
    left = Math.max(0, left - place.inlines);
    chosen.push(place);
  }
  let next = 0;
  return plan.threads.map((frames) => chosen.slice(next, (next += frames)));
}

/** Builds one thread's stack, which ends just above its last frame. */
function layOut(frames: readonly FramePlace[], id: number, top: number, plan: DumpPlan): SyntheticThread {
  // Addresses are counted from the thread's sp first: how much the frames take is known at the end.
  const words = new Map<number, number | { value: number }>();
  const context = { value: 0 };
  let rbp = context;
  let sp = 0;
  for (const [i, { rule }] of frames.entries()) {
    let cfa = sp + rule.offset;
    if (rule.base === "rbp") {
      cfa = sp + plan.frameBytes + Math.ceil((rule.savedBytes + rule.offset) / 16) * 16;
      rbp.value = cfa - rule.offset;
    }
    // A return address is the one past the call, which is what the frame's place stands for.
    words.set(cfa - 8, i + 1 < frames.length ? -(moduleBase + frames[i + 1]!.rva + 1) : 0);
    if (rule.savedRbp !== null) {
      rbp = { value: Number.NaN };
      words.set(cfa + rule.savedRbp, rbp);
    }
    sp = cfa;
  }
  const size = Math.max(sp, plan.stackBytes);
  const bottom = top - size;
  const stack = new DataView(new ArrayBuffer(size));
  const put = (at: number, value: number): void => stack.setBigUint64(at, BigInt(value), true);
  for (const [at, word] of words) put(size - sp + at, typeof word === "number" ? -word : Number.isNaN(word.value) ? 0 : word.value + top - sp);
  return { id, name: `bench-${id}`, stackBase: bottom, stack: new Uint8Array(stack.buffer), pc: moduleBase + frames[0]!.rva, sp: top - sp, fp: context.value + top - sp };
}

const debugIdOf = (index: number): string => `${index.toString(16).padStart(8, "0")}0DEADA1E0BEEFC0FFEE0CAFE0`.toUpperCase().padEnd(32, "0") + "0";
