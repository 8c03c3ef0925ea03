// A walked stack as the frames of a report: addresses become texts, module
// indexes become names.
import { registerFiles } from "../../symbols/registers.ts";
import type { InlinePlace, SourcePlace } from "../../symbols/cache/module-symbols.ts";
import { hex, hexWords } from "../hex.ts";
import { baseName } from "../minidump/module-list.ts";
import type { DumpModule, UnloadedModule } from "../minidump/model.ts";
import type { Frame, InlineFrame } from "../report.ts";
import { frameRegister, type ThreadStack, type WalkedFrame } from "../unwind/thread-stack.ts";

/** What frames are printed with. */
export type FrameScene = {
  readonly modules: readonly DumpModule[];
  /** Base names of `modules`. */
  readonly names: readonly string[];
  readonly unloaded: readonly UnloadedModule[];
  /** Hex digits of an address. */
  readonly digits: number;
};

/** The frames of a stack. The innermost carries its registers. */
export function reportFrames(stack: ThreadStack, scene: FrameScene): Frame[] {
  return stack.frames.map((frame, position) => {
    const made = reportFrame(frame, scene);
    return position === 0 ? { ...made, registers: registersOf(stack, scene.digits) } : made;
  });
}

function reportFrame(walked: WalkedFrame, scene: FrameScene): Frame {
  const { place, moduleIndex, instruction } = walked;
  const { digits } = scene;
  const base = moduleIndex < 0 ? 0 : scene.modules[moduleIndex]!.base;
  const frame = {
    frame: walked.index,
    offset: hexWords(walked.low, walked.high, digits),
    module: moduleIndex < 0 ? null : scene.names[moduleIndex]!,
    module_offset: moduleIndex < 0 ? null : hex(instruction - base, digits),
    function: place === null ? null : place.name,
    function_offset: place === null ? null : hex(instruction - base - place.start, digits),
    file: place === null ? null : place.file,
    // A line record may say line 0, as the peers print it too.
    line: place === null || place.file === null ? null : place.line,
    inlines: place === null || place.inlines.length === 0 ? null : reportInlines(place, instruction - base),
    unloaded_modules: moduleIndex < 0 && scene.unloaded.length > 0 ? unloadedAt(instruction, scene) : null,
    missing_symbols: place === null,
    trust: walked.trust,
  };
  return place === null || place.file === null ? frame : { ...frame, line_offset: hex(instruction - base - place.lineStart, 1) };
}

function reportInlines(place: SourcePlace, rva: number): InlineFrame[] {
  return place.inlines.map((inline: InlinePlace) => ({
    function: inline.name,
    file: inline.file,
    line: inline.line === 0 ? null : inline.line,
    [inline.line === 0 ? "function_offset" : "line_offset"]: hex(rva - inline.start, 1),
  }));
}

/** Modules that were once where no module is now, by name; null when none was. */
function unloadedAt(address: number, { unloaded, digits }: FrameScene): Frame["unloaded_modules"] {
  const found = new Map<string, Set<number>>();
  for (const { codeFile, base, size } of unloaded) {
    if (address < base || address >= base + size) continue;
    const name = baseName(codeFile);
    const offsets = found.get(name) ?? new Set();
    found.set(name, offsets.add(address - base));
  }
  if (found.size === 0) return null;
  // The smallest offset first, and names in order: one text for one set of facts.
  const names = [...found.keys()].sort();
  return names.map((module) => ({ module, offsets: [...found.get(module)!].sort((a, b) => a - b).map((offset) => hex(offset, digits)) }));
}

function registersOf(stack: ThreadStack, digits: number): { [name: string]: string } {
  const registers: { [name: string]: string } = {};
  for (const [number, name] of registerFiles[stack.arch].names.entries()) {
    const value = frameRegister(stack, 0, number);
    if (value !== null) registers[name] = hexWords(value.low, value.high, digits);
  }
  return registers;
}
