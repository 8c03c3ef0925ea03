// The streams that Breakpad's and Mozilla's writers add on Linux: files of
// /proc and /etc as they were, the auxiliary vector, and the run-time linker's
// list. Each is read when it is asked for; a report wants few of them.
import type { ByteSource } from "./byte-source.ts";
import { heldPart, type Location } from "./directory.ts";
import { countLinuxMaps } from "./linux-maps.ts";
import type { LinuxInfo } from "./model.ts";
import { streamType } from "./stream-types.ts";

/** Bytes read of one text. */
const TEXT_BYTES_MAX = 1024 * 1024;
/** Fields, arguments or variables kept of one text. */
const ITEMS_MAX = 4096;
/** Libraries kept of the linker's list. */
const LIBRARIES_MAX = 4096;

const linuxTypes = [
  streamType.linuxCpuInfo, streamType.linuxProcStatus, streamType.linuxLsbRelease, streamType.linuxCmdLine, streamType.linuxEnviron,
  streamType.linuxAuxv, streamType.linuxMaps, streamType.linuxDsoDebug, streamType.mozLinuxLimits,
];

/** What a Linux dump says; null when it has none of these streams. `wordBytes` is the size of a pointer of the dead process. */
export function linuxInfo(source: ByteSource, streams: ReadonlyMap<number, Location>, wordBytes: 4 | 8): LinuxInfo | null {
  const there = new Map<number, Location>();
  for (const type of linuxTypes) {
    const at = streams.get(type);
    if (at) there.set(type, heldPart(source, at));
  }
  return there.size === 0 ? null : new LinuxStreams(source, there, wordBytes);
}

type Fields = { readonly [key: string]: string };

class LinuxStreams implements LinuxInfo {
  readonly #source: ByteSource;
  readonly #streams: ReadonlyMap<number, Location>;
  readonly #wordBytes: 4 | 8;
  readonly #known = new Map<number, unknown>();

  constructor(source: ByteSource, streams: ReadonlyMap<number, Location>, wordBytes: 4 | 8) {
    this.#source = source;
    this.#streams = streams;
    this.#wordBytes = wordBytes;
  }

  get lsbRelease(): Fields | null {
    return this.#once(streamType.linuxLsbRelease, (at) => fields(this.#lines(at), "="));
  }

  get cpuInfo(): Fields | null {
    return this.#once(streamType.linuxCpuInfo, (at) => {
      const lines = this.#lines(at);
      const blank = lines.findIndex((line) => line.trim() === "");
      return fields(blank < 0 ? lines : lines.slice(0, blank), ":");
    });
  }

  get procStatus(): Fields | null {
    return this.#once(streamType.linuxProcStatus, (at) => fields(this.#lines(at), ":"));
  }

  get commandLine(): readonly string[] | null {
    return this.#once(streamType.linuxCmdLine, (at) => this.#items(at));
  }

  get environment(): readonly string[] | null {
    return this.#once(streamType.linuxEnviron, (at) => this.#items(at));
  }

  get auxv(): LinuxInfo["auxv"] {
    return this.#once(streamType.linuxAuxv, (at) => auxiliaryVector(this.#source, at, this.#wordBytes));
  }

  get dsoDebug(): LinuxInfo["dsoDebug"] {
    return this.#once(streamType.linuxDsoDebug, (at) => dsoDebug(this.#source, at, this.#wordBytes));
  }

  get mapCount(): number | null {
    return this.#once(streamType.linuxMaps, (at) => countLinuxMaps(this.#source, at));
  }

  get limits(): LinuxInfo["limits"] {
    return this.#once(streamType.mozLinuxLimits, (at) => limits(this.#lines(at)));
  }

  /** Reads a stream at most once. */
  #once<T>(type: number, read: (at: Location) => T): T | null {
    const at = this.#streams.get(type);
    if (!at) return null;
    if (!this.#known.has(type)) this.#known.set(type, read(at));
    return this.#known.get(type) as T;
  }

  #text({ rva, size }: Location): string {
    return this.#source.read(rva, Math.min(size, TEXT_BYTES_MAX)).toString("utf8");
  }

  /** Lines up to a NUL, which some writers put behind the text. */
  #lines(at: Location): string[] {
    const text = this.#text(at);
    const end = text.indexOf("\0");
    return (end < 0 ? text : text.slice(0, end)).split("\n", ITEMS_MAX);
  }

  /** Texts that each end in a NUL. */
  #items(at: Location): string[] {
    const items = this.#text(at).split("\0", ITEMS_MAX);
    if (items.at(-1) === "") items.pop();
    return items;
  }
}

/** `key: value` or `KEY="value"` lines; lines of another shape are left out, and the first of a repeated key stands. */
function fields(lines: readonly string[], separator: string): Fields {
  const found = new Map<string, string>();
  for (const line of lines) {
    const at = line.indexOf(separator);
    const key = at < 0 ? "" : bare(line.slice(0, at));
    if (at >= 0 && !found.has(key)) found.set(key, bare(line.slice(at + 1)));
  }
  return Object.fromEntries(found);
}

/** Without surrounding spaces and one pair of quotes. */
function bare(text: string): string {
  const trimmed = text.trim();
  return trimmed.length >= 2 && trimmed.startsWith('"') && trimmed.endsWith('"') ? trimmed.slice(1, -1) : trimmed;
}

/** Pairs of type and value up to AT_NULL (elf.h, Elf32_auxv_t and Elf64_auxv_t). */
function auxiliaryVector(source: ByteSource, { rva, size }: Location, wordBytes: 4 | 8): { type: number; value: number }[] {
  const word = (at: number): number => (wordBytes === 8 ? source.u64(at) : source.u32(at));
  const pairs: { type: number; value: number }[] = [];
  for (let at = rva; at + 2 * wordBytes <= rva + size && pairs.length < ITEMS_MAX; at += 2 * wordBytes) {
    const type = word(at);
    if (type === 0) break;
    pairs.push({ type, value: word(at + wordBytes) });
  }
  return pairs;
}

/** MDRawDebug32 or MDRawDebug64 (minidump_format.h): version, offset and number of link maps, then three addresses. Null when it is not there in full. */
function dsoDebug(source: ByteSource, { rva, size }: Location, wordBytes: 4 | 8): LinuxInfo["dsoDebug"] {
  if (size < 12 + 3 * wordBytes) return null;
  const word = (at: number): number => (wordBytes === 8 ? source.u64(at) : source.u32(at));
  const map = source.u32(rva + 4);
  const linkBytes = 4 + 2 * wordBytes;
  const libraries: { base: number; name: string; dynamic: number }[] = [];
  const count = Math.min(source.u32(rva + 8), LIBRARIES_MAX);
  for (let i = 0; i < count && source.holds(map + i * linkBytes, linkBytes); i++) {
    const at = map + i * linkBytes;
    libraries.push({ base: word(at), name: source.string(source.u32(at + wordBytes)) ?? "", dynamic: word(at + wordBytes + 4) });
  }
  return { version: source.u32(rva), entry: word(rva + 12), base: word(rva + 12 + wordBytes), dynamic: word(rva + 12 + 2 * wordBytes), libraries };
}

/** Rows of /proc/PID/limits, whose columns are set apart by two spaces or more; the first line names them. */
function limits(lines: readonly string[]): NonNullable<LinuxInfo["limits"]> {
  return lines.slice(1).flatMap((line) => {
    const [name, soft, hard, unit] = line.trim().split(/\s{2,}/);
    return name && soft && hard ? [{ name, soft, hard, unit: unit ?? "n/a" }] : [];
  });
}
