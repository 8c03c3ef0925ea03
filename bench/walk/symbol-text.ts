// What planned dumps need of a `.sym`: addresses where a function has inlines,
// a line and a plain unwind rule. Read with no regard for speed: it runs once,
// and it must not share code with the engine that it is used to measure.

/** An unwind rule of the two forms that compilers write most: the CFA is a register plus an offset, the return address lies just below it. */
export type PlainRule = {
  readonly base: "rsp" | "rbp";
  readonly offset: number;
  /** Where the caller's rbp was saved, from the CFA; null where the function has not saved it. */
  readonly savedRbp: number | null;
  /** Bytes below the CFA that hold saved registers and the return address. */
  readonly savedBytes: number;
};

/** An address that a frame can stand at. */
export type FramePlace = {
  /** Relative to the module. */
  readonly rva: number;
  readonly name: string;
  /** Functions inlined there. */
  readonly inlines: number;
  readonly rule: PlainRule;
};

/** Facts of a `.sym`. */
export type SymbolText = {
  readonly debugId: string;
  readonly name: string;
  /** Past the last function. */
  readonly end: number;
  /** At most one place for each function, in the order of the file. */
  readonly places: readonly FramePlace[];
};

type Inline = { readonly depth: number; readonly start: number; readonly size: number };

/** Reads a `.sym` as dump_syms writes it for amd64. */
export function readSymbolText(text: string): SymbolText {
  const lines = text.split("\n");
  const [, , , debugId = "", ...name] = (lines[0] ?? "").split(" ");
  const rules = readRules(lines);
  const places: FramePlace[] = [];
  let end = 0;
  let at = 0;
  while (at < lines.length) {
    const header = lines[at++] ?? "";
    if (!header.startsWith("FUNC ")) continue;
    const [, start = "", size = "", , ...words] = header.replace(/^FUNC m /, "FUNC ").split(" ");
    const first = hex(start);
    end = Math.max(end, first + hex(size));
    const inlines: Inline[] = [];
    const rows: { start: number; size: number }[] = [];
    for (; at < lines.length && /^(INLINE |[0-9a-f])/.test(lines[at] ?? ""); at++) {
      const parts = (lines[at] ?? "").split(" ");
      if (parts[0] !== "INLINE") rows.push({ start: hex(parts[0]), size: hex(parts[1]) });
      else for (let i = 5; i + 1 < parts.length; i += 2) inlines.push({ depth: Number(parts[1]), start: hex(parts[i]), size: hex(parts[i + 1]) });
    }
    const place = choosePlace(inlines, rows, rules);
    if (place !== null) places.push({ ...place, name: words.join(" ") });
  }
  return { debugId, name: name.join(" "), end, places };
}

/** The middle of the function's deepest inline that has a line and a rule; null when the function has none. */
function choosePlace(inlines: readonly Inline[], rows: readonly { start: number; size: number }[], rules: Rules): Omit<FramePlace, "name"> | null {
  for (const inline of inlines.toSorted((a, b) => b.depth - a.depth || a.start - b.start)) {
    const rva = inline.start + (inline.size >> 1);
    const depth = inlines.filter(({ start, size }) => start <= rva && rva < start + size).length;
    const rule = rules.at(rva);
    // A place where two inlines of one depth meet would be read in two ways.
    if (depth === inline.depth + 1 && rule !== null && rows.some(({ start, size }) => start <= rva && rva < start + size)) return { rva, inlines: depth, rule };
  }
  return null;
}

type Rules = { at(rva: number): PlainRule | null };

function readRules(lines: readonly string[]): Rules {
  const starts: number[] = [];
  const texts: ReadonlyMap<string, string>[] = [];
  let ends: number[] = [];
  let current = new Map<string, string>();
  let end = 0;
  for (const line of lines) {
    if (!line.startsWith("STACK CFI ")) continue;
    const parts = line.split(" ");
    const isFirst = parts[2] === "INIT";
    if (isFirst) end = hex(parts[3]) + hex(parts[4]);
    current = new Map(isFirst ? [] : current);
    for (const [register, expression] of definitions(parts.slice(isFirst ? 5 : 3))) current.set(register, expression);
    starts.push(hex(isFirst ? parts[3] : parts[2]));
    texts.push(current);
    ends.push(end);
  }
  const order = starts.map((_, i) => i).sort((a, b) => starts[a]! - starts[b]!);
  const sorted = order.map((i) => starts[i]!);
  return {
    at(rva) {
      let low = 0;
      for (let high = sorted.length; low < high; ) {
        const middle = (low + high) >> 1;
        if (sorted[middle]! <= rva) low = middle + 1;
        else high = middle;
      }
      const row = order[low - 1];
      return row === undefined || rva >= ends[row]! ? null : plainRule(texts[row]!);
    },
  };
}

/** `.cfa: $rsp 8 + .ra: .cfa -8 + ^` as pairs of register and expression. */
function definitions(tokens: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (const token of tokens) {
    if (token.endsWith(":")) found.push([token.slice(0, -1), ""]);
    else found.at(-1)![1] += `${token} `;
  }
  return found;
}

function plainRule(rule: ReadonlyMap<string, string>): PlainRule | null {
  const cfa = /^\$(rsp|rbp) (\d+) \+ $/.exec(rule.get(".cfa") ?? "");
  if (cfa === null || rule.get(".ra") !== ".cfa -8 + ^ ") return null;
  let savedBytes = 8;
  let savedRbp: number | null = null;
  for (const [register, expression] of rule) {
    if (register === ".cfa" || register === ".ra") continue;
    const saved = /^\.cfa -(\d+) \+ \^ $/.exec(expression);
    if (saved === null) return null;
    savedBytes = Math.max(savedBytes, Number(saved[1]));
    if (register === "$rbp") savedRbp = -Number(saved[1]);
  }
  const base = cfa[1] === "rsp" ? "rsp" : "rbp";
  // A function that uses rbp has saved its caller's.
  return base === "rbp" && savedRbp === null ? null : { base, offset: Number(cfa[2]), savedRbp, savedBytes };
}

const hex = (text: string | undefined): number => Number.parseInt(text ?? "", 16);
