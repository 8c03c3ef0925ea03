// Split DWARF of one module as a debug file of its own. Compilers that are told
// to split (`-gsplit-dwarf`) leave most of each unit in a `.dwo` file beside its
// object file, so that linkers need not copy it; `dwp` gathers those of a
// program into one package.
//
// What: `.dwp` packages, by GNU's index of version 2 and DWARF 5's, and bundles
// of `.dwo` files and packages, which `deadair symbols upload` makes where no
// package is (dwo-bundle.ts). Why bundles: a `.dwo` file does not say of which
// module it is, and neither does a package, while a bundle does; and a module has
// one file of each kind.
//
// Such a file adds nothing by itself. It gives units by their ids to the file
// that has their skeletons (`split`, split-files.ts). It is said to hold
// functions, since with it the program has them; lines are in the program.
//
// Limits: files of ELF only; MinGW's compilers split too, and nobody ships that.
// What is read of a file is bounded by a multiple of its size, however often it
// is asked for a unit. Sections that are compressed have up to 1 GiB inflated.
import { ok, type Result } from "../../config/problem.ts";
import type { ModuleBuilder } from "../cache/module-builder.ts";
import type { DebugFile, DebugFileLack } from "../debug-file.ts";
import { machine } from "../elf/codes.ts";
import { type ElfImage, readElfImage } from "../elf/image.ts";
import { type FileBytes, partOf } from "../file-bytes.ts";
import type { Arch } from "../registers.ts";
import type { SplitDwarf, SplitUnitSections } from "./companions.ts";
import { type DwoBundle, readDwoBundle } from "./dwo-bundle.ts";
import { DwoFile } from "./dwo-file.ts";
import { WorkBudget } from "./work-budget.ts";

/** What reading all may take in times of the file's bytes, since some of it may be compressed. */
const inflatedTimes = 4;
/** What opening a file costs beside its sections, in bytes. */
const fileCost = 1024;

/** Opens a package, which is an ELF file with `.debug_cu_index`. */
export function openDwp(image: ElfImage): DebugFile {
  return dwpFile(image.bytes, image, { debugId: null, debugFile: null, members: [{ offset: 0, size: image.bytes.size }] });
}

/** Opens a bundle of split DWARF. Refuses with `malformed_dwo_bundle`. */
export function openDwoBundle(bytes: FileBytes): Result<DebugFile> {
  const bundle = readDwoBundle(bytes);
  if (!bundle.ok) return bundle;
  const first = bundle.value.members[0];
  const image = first === undefined ? null : imageOf(bytes, first);
  return ok(dwpFile(bytes, image, bundle.value));
}

type Members = Pick<DwoBundle, "members"> & { readonly debugId: string | null; readonly debugFile: string | null };

function dwpFile(bytes: FileBytes, first: ElfImage | null, { debugId, debugFile, members }: Members): DebugFile {
  const [archName, arch] = archOf(first?.headers.machine ?? 0);
  const isBroken = members.length === 0 || first === null;
  return {
    facts: {
      kind: "dwp",
      os: "Linux",
      archName,
      arch,
      debugId,
      debugFile,
      codeId: null,
      codeFile: null,
      generator: null,
      holds: { functions: !isBroken, publics: false, lines: false, inlines: !isBroken, unwind: false },
      lacks: [...(debugId === null ? [noId] : []), ...(isBroken ? [noUnits] : [])],
    },
    addNames: () => ok(null),
    addUnwind: () => ok(null),
    split: (builder) => ok(new SplitUnits(bytes, members, builder)),
  };
}

const noId: DebugFileLack = {
  code: "no_id",
  message: "It is split DWARF, which does not say of which program it is.",
  hint: "Upload the program with `deadair symbols upload`: that finds the .dwp file or the .dwo files beside it, and says whose they are.",
};

const noUnits: DebugFileLack = {
  code: "no_functions",
  message: "It has no file of split DWARF that can be read.",
  hint: "Upload the program again with `deadair symbols upload`, where its .dwo or .dwp files are.",
};

function archOf(itsMachine: number): [name: string, arch: Arch | null] {
  switch (itsMachine) {
    case machine.x86:
      return ["x86", "x86"];
    case machine.amd64:
      return ["x86_64", "amd64"];
    case machine.arm:
      return ["arm", "arm"];
    case machine.arm64:
      return ["arm64", "arm64"];
    default:
      return ["unknown", null];
  }
}

function imageOf(bytes: FileBytes, { offset, size }: Members["members"][number]): ElfImage | null {
  const image = readElfImage(partOf(bytes, offset, size)!);
  return image.ok ? image.value : null;
}

/** The units of several files. Each is opened when a unit is asked for that none before it has, so that files in the order of a program's units are read once. */
class SplitUnits implements SplitDwarf {
  readonly bytes: number;
  private readonly file: FileBytes;
  private readonly members: Members["members"];
  private readonly builder: ModuleBuilder;
  private readonly budget: WorkBudget;
  /** By id: number of the file. */
  private readonly places = new Map<string, number>();
  /** Files before this one have their units in `places`. */
  private next = 0;
  private lastNumber = -1;
  private last: DwoFile | null = null;

  constructor(file: FileBytes, members: Members["members"], builder: ModuleBuilder) {
    this.bytes = file.size * inflatedTimes;
    this.budget = new WorkBudget(this.bytes);
    this.file = file;
    this.members = members;
    this.builder = builder;
  }

  has(id: string): boolean {
    return this.placeOf(id) >= 0;
  }

  find(id: string): SplitUnitSections | null {
    const place = this.placeOf(id);
    return place < 0 ? null : (this.open(place)?.find(id) ?? null);
  }

  /** Number of the file that has a unit; -1 when none has. */
  private placeOf(id: string): number {
    const known = this.places.get(id);
    if (known !== undefined) return known;
    while (this.next < this.members.length) {
      const number = this.next++;
      for (const its of this.open(number)?.ids ?? []) if (!this.places.has(its)) this.places.set(its, number);
      if (this.places.get(id) === number) return number;
    }
    return -1;
  }

  private open(number: number): DwoFile | null {
    if (number === this.lastNumber) return this.last;
    const image = this.budget.spend(fileCost) ? imageOf(this.file, this.members[number]!) : null;
    if (image === null) this.builder.warn("unreadableDwo");
    this.lastNumber = number;
    this.last = image === null ? null : new DwoFile(image, this.budget, this.builder);
    return this.last;
  }
}

