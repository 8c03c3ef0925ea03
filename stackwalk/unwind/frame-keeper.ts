// Keeps the frames of one walk, and asks the symbols about them.
//
// Frames that are only counted are asked about as well, since any can be the
// thread's root. Deep stacks are recursions, so the few addresses of a cycle
// are remembered and not asked about again.
import type { ModuleSymbols, SourcePlace } from "../../symbols/cache/module-symbols.ts";
import type { Plan } from "./recursion.ts";
import { framesBelow } from "./thread-roots.ts";
import { registerStride, type StopReason, type ThreadStack, type WalkedFrame } from "./thread-stack.ts";
import type { FrameState, Walk } from "./walk-state.ts";

/** Addresses that are remembered; a power of two above any usual cycle. */
const KNOWN = 1024;

/** Keeps the frames of one walk that its plan wants: without a plan the first ones. */
export class FrameKeeper {
  /** Frames that were found. */
  total = 0;
  /** Why the walk ended. */
  stopped: StopReason = "no_caller";
  /** Addresses of all frames, kept or not. */
  addresses: Float64Array = new Float64Array(64);
  private readonly walk: Walk;
  private readonly callBytes: number;
  private readonly head: number;
  private readonly tail: number;
  private readonly recursion: ThreadStack["recursion"];
  private readonly frames: WalkedFrame[] = [];
  private readonly stride: number;
  private registers: Uint32Array;
  private place: SourcePlace = newPlace();
  /** Function of the frame before. */
  private previous = "";
  private readonly known = new KnownFrames();

  constructor(walk: Walk, callBytes: number, maxFrames: number, plan: Plan | null) {
    this.walk = walk;
    this.callBytes = callBytes;
    this.head = plan?.head ?? maxFrames;
    this.tail = plan?.tail ?? Infinity;
    this.recursion = plan?.recursion ?? null;
    this.stride = registerStride(walk.file.arch);
    this.registers = new Uint32Array(this.stride * 16);
  }

  /** Counts a frame, keeps it if it is wanted, and says how many can be below it. */
  add(frame: FrameState): number {
    const index = this.total++;
    if (index === this.addresses.length) this.addresses = grown(this.addresses, new Float64Array(index * 2));
    this.addresses[index] = frame.instruction;
    const kept = index < this.head || index >= this.tail;
    if (!kept && this.known.recall(frame)) {
      this.walk.why?.take(frame.technique);
      return Infinity;
    }
    const { symbols } = frame;
    const { place } = this;
    const named = symbols !== null && symbols.lookUp(frame.rva, place);
    if (named && this.walk.file.arch === "x86") frame.parameterBytes = parameterBytes(symbols, frame.rva, place);
    const below = named && !this.walk.plain ? framesBelow(this.walk, frame, place, this.previous) : Infinity;
    this.previous = named ? place.name : "";
    if (kept) {
      this.keep(frame, index, named ? place : null);
      if (named) this.place = newPlace();
    } else {
      this.walk.why?.take(frame.technique);
      if (below === Infinity) this.known.remember(frame);
    }
    return below;
  }

  private keep(frame: FrameState, index: number, place: SourcePlace | null): void {
    const { stride } = this;
    const at = this.frames.length * stride;
    if (at + stride > this.registers.length) this.registers = grown(this.registers, new Uint32Array(this.registers.length * 2));
    const { registers } = this;
    const { words } = frame;
    for (let i = 0; i < words.length; i++) registers[at + i] = words[i]!;
    registers[at + stride - 2] = frame.valid;
    registers[at + stride - 1] = frame.validHigh;
    const callBytes = frame.isExact ? 0 : this.callBytes;
    const { pc } = this.walk.file;
    const low = words[pc * 2]!;
    this.frames.push({
      index,
      trust: frame.trust,
      instruction: frame.instruction,
      low: (low - callBytes) >>> 0,
      high: words[pc * 2 + 1]! - (low < callBytes ? 1 : 0),
      moduleIndex: frame.moduleIndex,
      hasSymbols: frame.symbols !== null,
      place,
      why: this.walk.why === null ? null : this.walk.why.take(frame.technique),
    });
  }

  /** What was kept. */
  stack(): ThreadStack {
    const { frames, total, recursion, stopped } = this;
    return { arch: this.walk.file.arch, frames, total, recursion, stopped, registers: this.registers.slice(0, frames.length * this.stride) };
  }
}

/** Addresses that frames were at, by their low bits: what `add` found out about those that are not kept. */
class KnownFrames {
  private addresses: Float64Array | null = null;
  private readonly parameterBytes: number[] = [];

  recall(frame: FrameState): boolean {
    const slot = frame.instruction % KNOWN;
    if (this.addresses === null || this.addresses[slot] !== frame.instruction) return false;
    frame.parameterBytes = this.parameterBytes[slot] ?? 0;
    return true;
  }

  remember(frame: FrameState): void {
    const slot = frame.instruction % KNOWN;
    this.addresses ??= new Float64Array(KNOWN);
    this.addresses[slot] = frame.instruction;
    this.parameterBytes[slot] = frame.parameterBytes;
  }
}

/** Bytes of parameters that a function takes: what its STACK WIN record says, since FUNC records are often wrong there. */
function parameterBytes(symbols: ModuleSymbols, rva: number, place: SourcePlace): number {
  const record = place.isPublic ? null : symbols.winFrame(rva);
  return record === null ? symbols.parameterBytes(rva) : record.parameterBytes;
}

function newPlace(): SourcePlace {
  return { name: "", linkageName: null, start: 0, isPublic: false, file: null, line: 0, lineStart: 0, inlines: [] };
}

function grown<T extends Float64Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
