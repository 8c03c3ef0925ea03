// Crashes as a real project has them: a Windows plugin in a host, with inlined
// frames, a frame without symbols, a guess by scan, an unloaded module and a
// pool of workers that wait at the same place.
import type { Signature } from "../../../signature/signature.ts";
import type { CrashDetail } from "../../../services/triage/schema.ts";
import type { Frame, Module, Report, SymbolState, Thread, Trust } from "../../../stackwalk/report.ts";

type FrameFacts = {
  readonly at: string;
  readonly module?: string;
  readonly offset?: string;
  readonly name?: string;
  readonly source?: readonly [string, number];
  readonly inlines?: Frame["inlines"];
  readonly missing?: boolean;
  readonly unloaded?: Frame["unloaded_modules"];
  readonly trust?: Trust;
};

function frames(rows: readonly FrameFacts[]): readonly Frame[] {
  return rows.map((row, index) => ({
    frame: index,
    offset: row.at,
    module: row.module ?? null,
    module_offset: row.offset ?? null,
    function: row.name ?? null,
    function_offset: row.name === undefined ? null : "0x2c",
    file: row.source?.[0] ?? null,
    line: row.source?.[1] ?? null,
    inlines: row.inlines ?? null,
    unloaded_modules: row.unloaded ?? null,
    missing_symbols: row.missing ?? false,
    trust: row.trust ?? (index === 0 ? "context" : "cfi"),
  }));
}

function thread(id: number, name: string | null, rows: readonly FrameFacts[]): Thread {
  return { thread_id: id, thread_name: name, last_error_value: null, frame_count: rows.length, frames: frames(rows) };
}

function module(filename: string, base: string, end: string, state: SymbolState, debugId: string | null, version: string | null): Module {
  return {
    filename,
    code_file: `C:\\Program Files\\Common Files\\${filename}`,
    base_addr: base,
    end_addr: end,
    debug_file: debugId === null ? null : filename.replace(/\.\w+$/, ".pdb"),
    debug_id: debugId,
    code_id: "65a1b2c31f000",
    version,
    loaded_symbols: state === "loaded",
    missing_symbols: state === "missing",
    corrupt_symbols: state === "corrupt",
    symbol_state: state,
  };
}

const source = "D:\\build\\vaultsynth\\src\\";

const audioStack: readonly FrameFacts[] = [
  {
    at: "0x00007ff8a1b2114c",
    module: "VaultSynth.vst3",
    offset: "0x0000114c",
    name: "vault::dsp::Engine::process(float*, int)",
    source: [`${source}engine.cpp`, 6],
    inlines: [
      { function: "vault::dsp::RingBuffer<float, 64>::push(float)", file: `${source}dsp.h`, line: 17 },
      { function: "vault::dsp::LowPass::tick(float, vault::dsp::RingBuffer<float, 64>*)", file: `${source}dsp.h`, line: 31 },
    ],
  },
  { at: "0x00007ff8a1b21310", module: "VaultSynth.vst3", offset: "0x00001310", name: "vault::render_block(vault::dsp::Engine&, float*, int)::`lambda_1'::operator()(int) const", source: [`${source}voices.cpp`, 11] },
  { at: "0x00007ff8a1b21288", module: "VaultSynth.vst3", offset: "0x00001288", name: "vault::render_block(vault::dsp::Engine&, float*, int)", source: [`${source}voices.cpp`, 9] },
  { at: "0x00007ff8a1b21044", module: "VaultSynth.vst3", offset: "0x00001044", name: "vault_process", source: [`${source}plugin.cpp`, 8] },
  { at: "0x00007ff6c0412f90", module: "reaper.exe", offset: "0x00412f90", missing: true },
  { at: "0x00007ff6c03ff021", module: "reaper.exe", offset: "0x003ff021", missing: true, trust: "scan" },
  { at: "0x00007ff8a9981200", unloaded: [{ module: "OldCompressor.vst3", offsets: ["0x1200"] }], trust: "scan" },
  { at: "0x00007ff8f4a7257d", module: "kernel32.dll", offset: "0x0001257d", name: "BaseThreadInitThunk" },
  { at: "0x00007ff8f5fcaf28", module: "ntdll.dll", offset: "0x0004af28", name: "RtlUserThreadStart" },
];

const waitStack: readonly FrameFacts[] = [
  { at: "0x00007ff8f5fed764", module: "ntdll.dll", offset: "0x0006d764", name: "ZwWaitForAlertByThreadId" },
  { at: "0x00007ff8f5fa5de9", module: "ntdll.dll", offset: "0x00025de9", name: "RtlSleepConditionVariableSRW" },
  { at: "0x00007ff8f3d6b2a9", module: "KERNELBASE.dll", offset: "0x0006b2a9", name: "SleepConditionVariableSRW" },
  { at: "0x00007ff6c0501aa0", module: "reaper.exe", offset: "0x00501aa0", missing: true },
  { at: "0x00007ff8f5fcaf28", module: "ntdll.dll", offset: "0x0004af28", name: "RtlUserThreadStart" },
];

/** The report of the crash in VaultSynth. */
export const vaultReport: Report = {
  status: "OK",
  walker: "breakpad 0.26.0",
  pid: 9120,
  crash_info: { type: "EXCEPTION_ACCESS_VIOLATION_WRITE", address: "0x0000000000000018", crashing_thread: 3, assertion: null },
  system_info: { os: "Windows NT", os_ver: "10.0.22631 3810", cpu_arch: "amd64", cpu_info: "family 25 model 97 stepping 2", cpu_count: 16 },
  process_uptime: 1843,
  main_module: 0,
  modules: [
    module("reaper.exe", "0x00007ff6c0000000", "0x00007ff6c1200000", "missing", "9C1F5E0E3B0A4A7C8F24D1B7E6A5C3D21", "7.27.0.0"),
    module("VaultSynth.vst3", "0x00007ff8a1b20000", "0x00007ff8a1c40000", "loaded", "3FA85F6457174562B3FC2C963F66AFA61", "1.2.5.0"),
    module("ntdll.dll", "0x00007ff8f5f80000", "0x00007ff8f6197000", "loaded", "180BF1B90AA75697D0EFEA5E5630AC4B1", "10.0.22631.3810"),
    module("kernel32.dll", "0x00007ff8f4a60000", "0x00007ff8f4b24000", "loaded", "5A2B1C0D3E4F5061728394A5B6C7D8E91", "10.0.22631.3810"),
    module("KERNELBASE.dll", "0x00007ff8f3d00000", "0x00007ff8f40a7000", "loaded", "C5F0D1E2B3A49586776859403122130F1", "10.0.22631.3810"),
    module("LoudMaximizer.vst3", "0x00007ff8a0100000", "0x00007ff8a0460000", "unused", "77AA11BB22CC33DD44EE55FF66007788A", "3.1.0.0"),
    module("d2d1.dll", "0x00007ff8eb000000", "0x00007ff8eb61a000", "unused", "8B1D6C2E4F3A5B7C9D0E1F2A3B4C5D6E1", "10.0.22621.3733"),
    module("user32.dll", "0x00007ff8f5000000", "0x00007ff8f51ae000", "unused", "1E2D3C4B5A69788796A5B4C3D2E1F0011", "10.0.22621.3733"),
    module("iLokHelper.dll", "0x00007ff8e0000000", "0x00007ff8e0080000", "no_debug_id", null, null),
  ],
  unloaded_modules: [{ filename: "OldCompressor.vst3", base_addr: "0x00007ff8a9980000", end_addr: "0x00007ff8a9a00000", code_id: "60c1d2e380000" }],
  thread_count: 10,
  threads: [
    thread(9124, "reaper main", [
      { at: "0x00007ff8f50a1534", module: "user32.dll", offset: "0x000a1534", name: "NtUserGetMessage" },
      { at: "0x00007ff6c0100214", module: "reaper.exe", offset: "0x00100214", missing: true },
      { at: "0x00007ff8f4a7257d", module: "kernel32.dll", offset: "0x0001257d", name: "BaseThreadInitThunk" },
    ]),
    ...[9140, 9144].map((id) => thread(id, null, waitStack)),
    thread(9168, "REAPER audio 0", audioStack),
    ...[9172, 9176, 9180, 9184].map((id) => thread(id, null, waitStack)),
    thread(9201, "VaultSynth loader", [
      { at: "0x00007ff8f5fec3b4", module: "ntdll.dll", offset: "0x0006c3b4", name: "ZwReadFile" },
      { at: "0x00007ff8f3d2dbd3", module: "KERNELBASE.dll", offset: "0x0002dbd3", name: "ReadFile" },
      { at: "0x00007ff8a1b38812", module: "VaultSynth.vst3", offset: "0x00018812", name: "vault::content::SampleStream::fill(std::span<std::byte>)", source: [`${source}sample-stream.cpp`, 88] },
      { at: "0x00007ff8a1b38a40", module: "VaultSynth.vst3", offset: "0x00018a40", name: "vault::content::Loader::run()", source: [`${source}loader.cpp`, 41] },
    ]),
    thread(9210, null, []),
  ],
  annotations: { "crashpad_info: ptype": "plugin-host", format: "CLAP", thread: "audio" },
};

/** Why the crash in VaultSynth has its signature. */
export const vaultExplanation: Signature = {
  version: 1,
  signature: "vault::dsp::RingBuffer<T>::push | vault::dsp::LowPass::tick | vault::dsp::Engine::process",
  fingerprint: "6f1ed002ab5595859014ebf0951522d9d28f4c1d6cbbc8f2b8a3a1fd2d5a4e10",
  protoSignature: "vault::dsp::RingBuffer<T>::push | vault::dsp::LowPass::tick | vault::dsp::Engine::process | vault::render_block::lambda | vault::render_block | vault_process",
  frames: [
    { frame: 0, inline: 0, name: "vault::dsp::RingBuffer<T>::push", verdict: "prefix", rule: "prefix.txt:17", used: true },
    { frame: 0, inline: 1, name: "vault::dsp::LowPass::tick", verdict: "prefix", rule: "prefix.txt:22", used: true },
    { frame: 0, inline: null, name: "vault::dsp::Engine::process", verdict: "stop", rule: null, used: true },
    { frame: 1, inline: null, name: "vault::render_block::lambda", verdict: "unused", rule: null, used: false },
    { frame: 2, inline: null, name: "vault::render_block", verdict: "unused", rule: null, used: false },
    { frame: 3, inline: null, name: "vault_process", verdict: "unused", rule: null, used: false },
  ],
  notes: ['templates: "vault::dsp::RingBuffer<float, 64>::push(float)" -> "vault::dsp::RingBuffer<T>::push"'],
};

/** The crash in VaultSynth, whole. */
export function vaultCrash(id: string, group: string, receivedAt: string): CrashDetail {
  return {
    id,
    receivedAt,
    state: "grouped",
    code: null,
    reason: null,
    signature: vaultExplanation.signature,
    group,
    product: "VaultSynth",
    version: "1.2.5",
    host: "REAPER 7.27",
    os: "Windows NT",
    osVersion: "10.0.22631",
    arch: "amd64",
    install: "5b0e4c1e-6d2f-4f0b-9c55-1a2f3b4c5d6e",
    crashReason: "EXCEPTION_ACCESS_VIOLATION_WRITE",
    waitingForSymbols: true,
    kind: "minidump",
    revision: 2,
    bytes: 412_904,
    client: "Crashpad/1.0 (Windows)",
    annotations: { format: "VST3", sampleRate: 48000, bufferSize: 64, thread: "audio", preset: { bank: 2, slot: 11 } },
    attachments: [
      { name: "breadcrumbs.json", bytes: 2210 },
      { name: "vaultsynth.log", bytes: 18_412 },
    ],
    notes: ["heap memory was cut out before the dump was stored"],
    explanation: vaultExplanation,
    report: vaultReport,
    sources: ["3FA85F6457174562B3FC2C963F66AFA61"],
  };
}

/** A crash that could not be read. */
export function failedCrash(id: string, receivedAt: string, reason: string): CrashDetail {
  return {
    ...vaultCrash(id, "", receivedAt),
    state: "failed",
    reason,
    signature: null,
    group: null,
    host: null,
    os: null,
    osVersion: null,
    arch: null,
    crashReason: null,
    waitingForSymbols: false,
    revision: 1,
    attachments: [],
    notes: [],
    explanation: null,
    report: null,
    sources: [],
  };
}
