// Lists as a project has them after some weeks.
import type { Alert, CrashItem, Destination, GroupDetail, GroupItem, Me, MissingSymbol, SymbolItem } from "../../../services/triage/schema.ts";
import { vaultExplanation } from "./canned-crash.ts";

/** A UUIDv7-like id that is easy to tell apart. */
export function cannedId(kind: string, index: number): string {
  return `019a3c5e-${kind}-7000-8000-${index.toString(16).padStart(12, "0")}`;
}

const minute = 60_000;
const day = 1440 * minute;

/** An ISO time so many minutes before `now`. */
export function before(now: number, minutes: number): string {
  return new Date(now - minutes * minute).toISOString();
}

/** Who is signed in; `projects` of them, with one the page has no switch. */
export function cannedMe(origin: string, projects: 1 | 2): Me {
  const dsnOf = (key: string, id: number) => origin.replace("://", `://${key}@`) + `/${id}`;
  const all: Me["projects"] = [
    { slug: "vaultsynth", name: "VaultSynth", role: "owner", dsn: dsnOf("b7c1e5a09d3f4e21", 1) },
    { slug: "empty", name: "Empty project", role: "owner", dsn: dsnOf("0f9e8d7c6b5a4938", 2) },
  ];
  return { user: { id: cannedId("0001", 1), email: "dana@example.com", name: "Dana" }, projects: all.slice(0, projects) };
}

type GroupFacts = readonly [signature: string, state: string, count: number, installs: number, firstDays: number, lastMinutes: number, versions: readonly string[], trend: readonly number[]];

const groupFacts: readonly GroupFacts[] = [
  [vaultExplanation.signature, "new", 148, 61, 2.2, 3, ["1.2.5"], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 31, 74, 43]],
  ["OOM | large | vault::content::SamplePool::grow", "ongoing", 12_904, 2210, 41, 12, ["1.2.5", "1.2.4", "1.2.3", "1.1.0"], [310, 280, 402, 377, 260, 190, 333, 401, 380, 370, 290, 310, 420, 180]],
  ["vault::ui::PresetBrowser::paintRow | juce::ListBox::ListViewport::paint", "ongoing", 832, 340, 19, 44, ["1.2.4", "1.2.5"], [20, 41, 33, 52, 70, 61, 80, 77, 92, 60, 71, 48, 66, 31]],
  ["std::_Func_impl_no_alloc<vault::midi::MpeZone::retune(vault::midi::Note const&, std::vector<vault::midi::Voice, std::allocator<vault::midi::Voice>> const&)::`lambda_2', void, int>::_Do_call | vault::midi::MpeZone::dispatchPending", "new", 7, 6, 0.4, 71, ["1.2.5"], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 5]],
  ["abort | __assert_fail | vault::state::Migrator::upgrade", "ongoing", 219, 118, 33, 190, ["1.1.0", "1.0.9", "1.2.3"], [4, 8, 2, 9, 11, 7, 6, 3, 0, 5, 4, 2, 7, 1]],
  ["reaper.exe + 0x412f90", "ongoing", 55, 21, 27, 1600, ["1.2.4"], [0, 0, 9, 6, 0, 0, 11, 2, 0, 0, 8, 0, 4, 0]],
  ["stackoverflow | vault::graph::Node::resolve", "ongoing", 31, 14, 60, 9000, ["1.1.0"], [6, 2, 5, 1, 0, 3, 1, 2, 0, 0, 0, 0, 0, 0]],
  ["(unloaded OldCompressor.vst3) | RtlUserThreadStart", "ongoing", 3, 3, 16, 14_000, ["1.2.4"], [0, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]],
];

/** The groups of the project. */
export function cannedGroups(now: number): GroupItem[] {
  return groupFacts.map(([signature, state, count, installs, firstDays, lastMinutes, versions, trend], index) => ({
    id: cannedId("9000", index + 1),
    signature,
    state,
    count,
    installs,
    firstSeen: new Date(now - firstDays * day).toISOString(),
    lastSeen: before(now, lastMinutes),
    versions: versions.map((version, place) => ({ version, count: Math.max(1, Math.round(count / (place + 1.6))) })),
    trend: [...trend],
  }));
}

/** A group with its facets. */
export function cannedGroup(item: GroupItem, latestCrash: string): GroupDetail {
  const share = (value: string, part: number) => ({ value, count: Math.max(1, Math.round(item.count * part)) });
  return {
    ...item,
    latestCrash,
    facets: {
      version: item.versions.map((one) => ({ value: one.version, count: one.count })),
      os: [share("Windows NT 10.0.22631", 0.61), share("Mac OS X 14.6.1", 0.27), share("Windows NT 10.0.19045", 0.12)],
      host: [share("REAPER 7.27", 0.44), share("Ableton Live 12.1", 0.24), share("Cubase 13", 0.12), share("FL Studio 24.1", 0.1), share("Logic Pro 11", 0.05), share("Bitwig Studio 5.2", 0.03), share("Studio One 6", 0.02)],
      arch: [share("amd64", 0.78), share("arm64", 0.22)],
    },
  };
}

/** Crashes of a group, newest first. */
export function cannedCrashes(now: number, group: GroupItem, count: number): CrashItem[] {
  const hosts = ["REAPER 7.27", "Ableton Live 12.1", "Cubase 13", null];
  return Array.from({ length: count }, (_, index) => ({
    id: cannedId("c000", index + 1),
    receivedAt: before(now, 3 + index * 47),
    state: "grouped",
    code: null,
    reason: null,
    signature: group.signature,
    group: group.id,
    product: "VaultSynth",
    version: index % 5 === 4 ? "1.2.4" : "1.2.5",
    host: hosts[index % 4] ?? null,
    os: index % 3 === 2 ? "Mac OS X" : "Windows NT",
    osVersion: index % 3 === 2 ? "14.6.1" : "10.0.22631",
    arch: index % 3 === 2 ? "arm64" : "amd64",
    install: cannedId("aaaa", index),
    crashReason: index % 3 === 2 ? "EXC_BAD_ACCESS / KERN_INVALID_ADDRESS" : "EXCEPTION_ACCESS_VIOLATION_WRITE",
    waitingForSymbols: index % 6 === 0,
  }));
}

/** Uploaded symbols: both files of a module, a PDB whose program nobody uploaded, two symbol files, and one that is no good. */
export function cannedSymbols(now: number): SymbolItem[] {
  const held = { functions: true, publics: true, lines: true, inlines: true, unwind: true };
  const row = (index: number, debugFile: string, debugId: string, system: readonly [os: string, arch: string], counts: readonly [bytes: number, functions: number, lines: number, unwindRows: number], more: Partial<SymbolItem> = {}): SymbolItem => ({
    id: cannedId("5000", index),
    kind: "breakpad",
    debugFile,
    debugId,
    codeFile: null,
    codeId: null,
    os: system[0],
    arch: system[1],
    platform: null,
    bytes: counts[0],
    holds: held,
    lacks: [],
    problem: null,
    compiled: true,
    functions: counts[1],
    lines: counts[2],
    unwindRows: counts[3],
    createdAt: before(now, index * 311),
    ...more,
  });
  const unwindInProgram = { code: "unwind_in_program", message: "How to unwind stands in the DLL or EXE itself, not in its PDB; without it callers' frames are guessed from the stack.", hint: "Upload the DLL or EXE too." };
  const noUnwind = { code: "no_unwind", message: "It has no STACK records, so stacks through this module are guessed.", hint: "Give dump_syms the program too, or upload the program beside it." };
  const namesInDsym = { code: "names_in_dsym", message: "Its functions and source lines are in its dSYM (UUID 4C4C44D155553144A1B19A1D2C1A1B3D), if one was made.", hint: "Upload the dSYM: Xcode makes one when DEBUG_INFORMATION_FORMAT is dwarf-with-dsym; elsewhere run dsymutil on what was compiled with -g, before it is stripped." };
  const noSupplement = { code: "no_supplement", message: "Some of its names are in vault.dwz (debug id 0A1E2F30415263748596A7B8C9DAEBFC0), where dwz put what several files share.", hint: "Upload that file too; distributions have it under /usr/lib/debug/.dwz." };
  return [
    row(1, "VaultSynth.pdb", "3FA85F6457174562B3FC2C963F66AFA61", ["windows", "x86_64"], [38_412_900, 21_450, 402_113, 0], { kind: "pdb" }),
    row(2, "VaultSynth.pdb", "3FA85F6457174562B3FC2C963F66AFA61", ["windows", "x86_64"], [9_120_400, 0, 0, 64_220], { kind: "pe", codeFile: "VaultSynth.vst3", codeId: "65A1B2C3D4000" }),
    row(3, "VaultFilter.pdb", "B0C1D2E3F40516273849A0B1C2D3E4F51", ["windows", "x86_64"], [18_204_000, 9870, 171_002, 0], { kind: "pdb", lacks: [unwindInProgram] }),
    row(4, "VaultSynth", "4C4C44C155553144A1B19A1D2C1A1B2C0", ["mac", "arm64"], [22_104_000, 19_870, 388_000, 17_100]),
    row(5, "libVaultSynth.so", "0D1E2F30415263748596A7B8C9DAEBFC0", ["linux", "x86_64"], [912_000, 812, 9120, 0], { lacks: [noUnwind] }),
    row(8, "VaultSynth", "4C4C44C155553144A1B19A1D2C1A1B2C0", ["mac", "arm64"], [9_104_000, 0, 0, 17_100], { kind: "macho", codeFile: "VaultSynth", platform: "macOS 11.0" }),
    row(9, "VaultSynth", "4C4C44C155553144A1B19A1D2C1A1B2C0", ["mac", "arm64"], [61_104_000, 19_870, 388_000, 0], { kind: "dsym", platform: "macOS 11.0" }),
    row(10, "VaultSynth", "4C4C44D155553144A1B19A1D2C1A1B3D0", ["mac", "x86_64"], [9_304_000, 0, 0, 18_020], { kind: "macho", codeFile: "VaultSynth", platform: "macOS 10.13", lacks: [namesInDsym] }),
    row(11, "vault.so", "1F1E2F30415263748596A7B8C9DAEBFC0", ["Linux", "x86_64"], [5_104_000, 0, 0, 9800], { kind: "elf", codeFile: "vault.so" }),
    row(12, "vault.so", "1F1E2F30415263748596A7B8C9DAEBFC0", ["Linux", "x86_64"], [88_104_000, 19_000, 371_000, 0], { kind: "elf-debug", lacks: [noSupplement] }),
    row(13, "vault.so", "2A1E2F30415263748596A7B8C9DAEBFC0", ["Linux", "arm64"], [12_104_000, 18_700, 365_000, 0], { kind: "dwp" }),
    row(14, "vault.so", "1F1E2F30415263748596A7B8C9DAEBFC0", ["Linux", "x86_64"], [812_000, 0, 0, 0], { kind: "sources" }),
    row(6, "VaultOld.pdb", "77E0C2A18D5B4F3A9E1C0B2D4F6A8C0E1", ["windows", "x86"], [4_096_000, 0, 0, 0], { kind: "pdb", problem: "The PDB is damaged: its stream directory lies behind the end of the file." }),
    row(7, "VaultBridge.pdb", "1122334455667788990011223344556671", ["windows", "arm64"], [6_220_000, 0, 0, 0], { kind: "pdb", compiled: false }),
  ];
}

/** What nobody uploaded. */
export const cannedMissing: MissingSymbol[] = [
  { debugFile: "reaper.pdb", debugId: "9C1F5E0E3B0A4A7C8F24D1B7E6A5C3D21", codeFile: "reaper.exe", codeId: "66F2A1B01234000", lacks: "all", crashes: 203 },
  { debugFile: "VaultFilter.pdb", debugId: "B0C1D2E3F40516273849A0B1C2D3E4F51", codeFile: "VaultFilter.vst3", codeId: "65A1B2C41C000", lacks: "unwind", crashes: 12 },
  { debugFile: null, debugId: null, codeFile: "VaultSynth.vst3", codeId: "65A1B2C3D4000", lacks: "names", crashes: 3 },
];

/** Where alerts go. */
export function cannedDestinations(now: number): Destination[] {
  return [
    { id: cannedId("d000", 1), kind: "slack", name: "#crashes", target: "https://hooks.slack.com/services/T000/B000/XXXX", enabled: true, createdAt: before(now, 40_000) },
    { id: cannedId("d000", 2), kind: "webhook", name: "Issue bridge", target: "https://bridge.example.com/hooks/deadair?team=audio", enabled: true, createdAt: before(now, 20_000) },
  ];
}

/** Alerts that fired: one delivered, one that is being retried. */
export function cannedAlerts(now: number, groups: readonly GroupItem[]): Alert[] {
  const slack = { id: cannedId("d000", 1), kind: "slack", name: "#crashes" };
  const bridge = { id: cannedId("d000", 2), kind: "webhook", name: "Issue bridge" };
  const done = (index: number, destination: typeof slack, minutes: number): Alert["deliveries"][number] => ({ id: cannedId("de11", index), destination, state: "delivered", attempts: [{ at: before(now, minutes), milliseconds: 212, status: 200, error: null, answer: "ok" }], nextAttemptAt: null });
  return [
    {
      id: cannedId("a1e0", 1),
      rule: "new_group",
      title: `New: ${groups[3]?.signature ?? ""}`,
      group: groups[3]?.id ?? null,
      crash: cannedId("c000", 1),
      createdAt: before(now, 9),
      deliveries: [
        done(1, slack, 9),
        {
          id: cannedId("de11", 2),
          destination: bridge,
          state: "pending",
          attempts: [
            { at: before(now, 9), milliseconds: 15_000, status: null, error: "no answer within 15 s", answer: null },
            { at: before(now, 8), milliseconds: 88, status: 503, error: "HTTP 503", answer: "upstream is being deployed, try later" },
          ],
          nextAttemptAt: new Date(now + 4 * minute).toISOString(),
        },
      ],
    },
    { id: cannedId("a1e0", 2), rule: "new_group", title: `New: ${groups[0]?.signature ?? ""}`, group: groups[0]?.id ?? null, crash: null, createdAt: before(now, 3100), deliveries: [done(3, slack, 3100), done(4, bridge, 3100)] },
  ];
}
