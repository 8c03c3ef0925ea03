// What is said of a crash beyond its code: the address that was meant, flipped
// bits, contradictions, a stack that ran out. Each row is a crash made by hand.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { analyseCrash } from "../../../stackwalk/crash/crash.ts";
import { likelyGuardPage } from "../../../stackwalk/crash/guard-page.ts";
import { lastError } from "../../../stackwalk/crash/last-error.ts";
import { fakeDump, fakeSpace, type FakeCrash, type FakeMapping } from "./fake-dump.ts";

const code = 0x400000;
const text: FakeMapping = [code, 0x1000, "r-x", "/opt/plugin.so"];
const heap: FakeMapping = [0x7000_0000, 0x10000, "rw-"];

/** A SIGSEGV of amd64 in front of these instruction bytes. */
function fault(bytes: string, crash: FakeCrash = {}): FakeCrash {
  const counter = crash.arch === "arm64" ? "pc" : "rip";
  return { code: 11, flags: 1, ...crash, registers: { [counter]: BigInt(code), ...crash.registers }, memory: { [code]: bytes, ...crash.memory } };
}

describe("the address", () => {
  it.each<readonly [string, FakeCrash, string]>([
    ["parameter 1 of an access violation", { os: "windows", code: 0xc0000005, address: 0x1000n, parameters: [0n, 0x45n] }, "0x0000000000000045"],
    ["the instruction when that parameter is missing", { os: "windows", code: 0xc0000005, address: 0x1000n, parameters: [0n] }, "0x0000000000001000"],
    ["parameter 1 of an in-page error", { os: "windows", code: 0xc0000006, address: 0x1000n, parameters: [0n, 0x45n, 0xc0000185n] }, "0x0000000000000045"],
    ["the instruction for other exceptions, whatever their parameters", { os: "windows", code: 0xe06d7363, address: 0x1000n, parameters: [1n, 2n] }, "0x0000000000001000"],
    ["not parameter 1 elsewhere", { os: "linux", code: 0xc0000005, address: 0x1000n, parameters: [0n, 0x45n] }, "0x0000000000001000"],
    ["cut where a 32-bit one was extended", { os: "windows", arch: "x86", code: 0xc0000005, parameters: [0n, 0xffff_ffff_8000_0045n] }, "0x80000045"],
    ["whole on 64-bit", { os: "mac", code: 1, flags: 1, address: 0xffff_8000_0000_0045n }, "0xffff800000000045"],
  ])("is %s", (_, crash, address) => {
    expect(analyseCrash(fakeDump(crash)).address).toBe(address);
  });

  const wild = 0x8000_dead_beef_0000n;
  it.each<readonly [string, FakeCrash, unknown]>([
    ["a null pointer behind a small address", fault("8b4718", { registers: { rdi: 0n } }), { kind: "null-pointer", offset: "0x0000000000000018" }], // mov eax, [rdi+0x18]
    ["a null pointer behind a large one", fault("8b0cb7", { registers: { rdi: 0n, rsi: 0x1234_5678n } }), { kind: "null-pointer", offset: "0x0000000048d159e0" }], // mov ecx, [rdi+rsi*4]
    ["no null pointer where the address is a number", fault("c704254500000005000000"), null], // mov dword [0x45], 5
    ["no null pointer that is only computed", fault("488d4718", { registers: { rdi: 0n } }), null], // lea rax, [rdi+0x18]
    ["a jump to null", fault("ffe0", { registers: { rax: 0n } }), { kind: "null-pointer", offset: "0x0000000000000000" }], // jmp rax
    ["a non-canonical address on Linux", fault("8b07", { flags: 0x80, registers: { rdi: wild } }), { kind: "non-canonical", address: "0x8000deadbeef0000" }],
    ["the same as a bus error", fault("8b07", { code: 7, flags: 0x80, registers: { rdi: wild } }), { kind: "non-canonical", address: "0x8000deadbeef0000" }],
    ["a non-canonical address on a Mac", fault("8b07", { os: "mac", code: 1, flags: 13, registers: { rdi: wild } }), { kind: "non-canonical", address: "0x8000deadbeef0000" }],
    ["a non-canonical address on Windows", fault("8b07", { os: "windows", code: 0xc0000005, parameters: [0n, 0xffff_ffff_ffff_ffffn], registers: { rdi: wild } }), { kind: "non-canonical", address: "0x8000deadbeef0000" }],
    ["none where the system told the address", fault("8b07", { flags: 1, registers: { rdi: wild } }), null],
    ["none for a write on Windows", fault("8907", { os: "windows", code: 0xc0000005, parameters: [1n, 0xffff_ffff_ffff_ffffn], registers: { rdi: wild } }), null],
    ["none on arm64, which has no such addresses", fault("000040f9", { arch: "arm64", flags: 0x80, registers: { x0: wild } }), null],
  ])("may stand for another: %s", (_, crash, adjusted) => {
    expect(analyseCrash(fakeDump(crash)).adjusted_address).toEqual(adjusted);
  });
});

describe("guard pages", () => {
  const space = fakeSpace([
    [0x1000, 0x1000, "---"],
    [0x2000, 0x4000, "rw-"],
    [0x10000, 0x9000, "---"],
    [0x19000, 0x1000, "r--"],
    [0x20000, 0x1000, "---"],
    [0x30000, 0x1000, "rw-g"],
  ]);
  it.each([
    [0x1800, true], // right below memory
    [0x2000, false], // accessible
    [0x10000, false], // too large
    [0x20000, false], // alone
    [0x30000, true], // Windows says so
    [0x50000, false], // nothing is there
  ])("%d: %s", (address, guard) => {
    expect(likelyGuardPage(space, address)).toBe(guard);
  });

  it("mark accesses", () => {
    const crash = fault("c607ff", { address: 0x6fff_fff8n, registers: { rdi: 0x6fff_fff8n }, mappings: [text, [0x6fff_f000, 0x1000, "---"], heap] });
    expect(analyseCrash(fakeDump(crash)).memory_accesses).toEqual([{ address: "0x000000006ffffff8", size: 1, is_likely_guard_page: true, access_type: "write" }]);
  });
});

describe("bit flips", () => {
  const flips = (crash: FakeCrash): unknown => analyseCrash(fakeDump(crash)).possible_bit_flips?.map(({ address, source_register, confidence }) => [address, source_register, confidence]) ?? null;
  const mappings = [text, heap];

  it("of the address and of the register that held it", () => {
    const bad = 0x7000_0008n ^ (1n << 40n);
    expect(flips(fault("8b07", { address: bad, registers: { rdi: bad }, mappings }))).toEqual([
      ["0x0000000070000008", null, 0.25],
      ["0x0000000070000008", "rdi", 0.25],
    ]);
  });

  it("are likelier with registers nearby, and less with poison in one", () => {
    const bad = 0x7000_0008n ^ (1n << 40n);
    expect(flips({ code: 11, flags: 1, address: bad, registers: { rbx: 0x7000_0100n }, mappings })).toEqual([["0x0000000070000008", null, 0.625]]);
    // 1 - 0.75 * 0.45, in floats of 32 bits
    expect(flips({ code: 11, flags: 1, address: bad, registers: { rbx: 0x7000_0100n, r8: 0x7000_0200n }, mappings })).toEqual([["0x0000000070000008", null, 0.6625000238418579]]);
    expect(flips({ code: 11, flags: 1, address: bad, registers: { rbx: 0xe5e5_e5e5_e5e5_e5e5n }, mappings })).toEqual([["0x0000000070000008", null, 0.125]]);
  });

  it("of a non-canonical address are in its upper bits", () => {
    const bad = 0x7000_0008n ^ (1n << 50n);
    expect(flips(fault("8b07", { flags: 0x80, registers: { rdi: bad }, mappings }))).toEqual([
      ["0x0000000070000008", null, 0.9249999523162842],
      ["0x0000000070000008", "rdi", 0.9249999523162842],
    ]);
  });

  it.each<readonly [string, FakeCrash]>([
    ["a null pointer in disguise", fault("8b4708", { address: 8n, registers: { rdi: 0n }, mappings })],
    ["an address that is mapped", { code: 11, flags: 1, address: 0x7000_0008n, mappings }],
    ["an index that is one too high", fault("8b07", { address: 0x7001_0000n, registers: { rdi: 0x7001_0000n }, mappings })],
    ["a 32-bit program", { arch: "x86", code: 11, flags: 1, address: 0x7000_0008n ^ (1n << 30n), mappings }],
    ["arm64 without its instruction", { arch: "arm64", code: 11, flags: 1, address: 0x7000_0008n ^ (1n << 40n), mappings }],
  ])("are not looked for: %s", (_, crash) => {
    expect(flips(crash)).toBeNull();
  });

  it("must allow what was tried", () => {
    const bad = 0x40_0010n ^ (1n << 40n);
    const crash = (kind: bigint): FakeCrash => ({ os: "windows", code: 0xc0000005, parameters: [kind, bad], mappings });
    expect([flips(crash(0n)), flips(crash(1n)), flips(crash(8n))]).toEqual([[["0x0000000000400010", null, 0.25]], null, [["0x0000000000400010", null, 0.25]]]);
  });
});

describe("contradictions", () => {
  const violation = (kind: bigint, address: bigint): FakeCrash => ({ os: "windows", code: 0xc0000005, parameters: [kind, address] });
  it.each<readonly [string, FakeCrash, readonly string[]]>([
    ["a division that is none", fault("90", { code: 8, flags: 1 }), ["int_div_by_zero_not_possible"]],
    ["a division", fault("f7f1", { code: 8, flags: 1 }), []],
    ["a division without its instruction", { code: 8, flags: 1 }, []],
    ["a privileged instruction that is none", fault("90", { os: "windows", code: 0xc0000096 }), ["priv_instruction_crash_without_priv_instruction"]],
    ["a privileged instruction", fault("f4", { os: "windows", code: 0xc0000096 }), []],
    ["an access that the instruction does not make", fault("8b07", { ...violation(0n, 0x999n), registers: { rdi: 0x1000n } }), ["crashing_access_not_found_in_memory_accesses"]],
    ["an access to its last byte", fault("8b07", { ...violation(0n, 0x1003n), registers: { rdi: 0x1000n } }), []],
    ["a read that is called a write", fault("8b07", { ...violation(1n, 0x1000n), registers: { rdi: 0x1000n } }), ["crashing_access_not_found_in_memory_accesses"]],
    ["an instruction whose implied accesses are not all known", fault("0fa2", violation(0n, 0x999n)), []], // cpuid
    ["an access that is allowed", fault("8b07", { ...violation(0n, 0x7000_0000n), registers: { rdi: 0x7000_0000n }, mappings: [text, heap] }), ["access_violation_when_access_allowed"]],
    ["an execution elsewhere", fault("90", violation(8n, 0x999n)), ["crashing_access_not_found_in_memory_accesses"]],
    ["a protection fault with canonical addresses only", fault("8b07", { ...violation(0n, 0xffff_ffff_ffff_ffffn), registers: { rdi: 0x1000n } }), ["non_canonical_address_falsely_reported"]],
    ["a protection fault that alignment explains", fault("0f2807", { ...violation(0n, 0xffff_ffff_ffff_ffffn), registers: { rdi: 0x1000n } }), []], // movaps
  ])("%s", (_, crash, found) => {
    expect(analyseCrash(fakeDump(crash)).crash_inconsistencies).toEqual(found);
  });
});

describe("a stack that ran out", () => {
  const base = 0x7f00_0000_0000;
  const stack: FakeMapping = [base, 0x10000, "rw-", "[stack]"];
  const guard: FakeMapping = [base - 0x1000, 0x1000, "---"];
  const sp = BigInt(base);
  const touch = (address: bigint, crash: FakeCrash): FakeCrash => ({ code: 11, flags: 2, address, registers: { rsp: sp }, ...crash });
  it.each<readonly [string, FakeCrash, string | null]>([
    ["the code says so", { os: "windows", code: 0xc00000fd }, "code"],
    ["a push into the guard page", touch(sp - 8n, { mappings: [guard, stack] }), "guard_page"],
    ["a large guard", touch(sp - 8n, { mappings: [[base - 0x100000, 0x100000, "---"], stack] }), "guard_page"],
    ["a push below a stack that cannot grow", touch(sp - 8n, { mappings: [stack] }), "below_stack"],
    ["a frame that reaches through the guard page", touch(sp - 0x4000n + 0x10n, { registers: { rsp: sp - 0x4000n }, mappings: [stack] }), "below_stack"],
    ["the kept stack without a map, on a Mac", touch(sp - 8n, { os: "mac", code: 1, stack: [base, 0x4000] }), "below_stack"],
    ["a wild pointer into the guard page of a stack with room", touch(sp - 8n, { registers: { rsp: sp + 0x8000n }, mappings: [guard, stack] }), null],
    ["a wild pointer elsewhere", touch(0x1234n, { mappings: [guard, stack] }), null],
    ["a stack pointer that is wild itself", touch(0x1234n, { registers: { rsp: 0x1238n }, mappings: [guard, stack] }), null],
    ["a write to the stack itself", touch(sp + 8n, { mappings: [guard, stack] }), null],
    ["a guard below something that is no stack", touch(sp - 8n, { mappings: [guard, [base, 0x1000, "r-x"]] }), null],
    ["no map and no kept stack", touch(sp - 8n, {}), null],
    ["no registers", touch(sp - 8n, { registers: null, mappings: [guard, stack] }), null],
    ["a signal that somebody sent", touch(sp - 8n, { code: 6, flags: -6, mappings: [guard, stack] }), null],
  ])("%s", (_, crash, cause) => {
    expect(analyseCrash(fakeDump(crash)).stack_overflow?.cause ?? null).toBe(cause);
  });
});

describe("GetLastError", () => {
  it.each<readonly [string, FakeCrash, string | null]>([
    ["amd64", { os: "windows", teb: 0x1000, memory: { [0x1068]: "02000000" } }, "ERROR_FILE_NOT_FOUND"],
    ["x86", { os: "windows", arch: "x86", teb: 0x1000, memory: { [0x1034]: "340000c0" } }, "STATUS_OBJECT_NAME_NOT_FOUND"],
    ["a block whose memory was not kept", { os: "windows", teb: 0x1000 }, null],
    ["a block that is cut", { os: "windows", teb: 0x1000, memory: { [0x1068]: "020000" } }, null],
    ["no block", { os: "windows", memory: { [0x68]: "02000000" } }, null],
    ["a Mac, where the field holds something else", { os: "mac", teb: 0x1000, memory: { [0x1068]: "02000000" } }, null],
  ])("%s", (_, crash, name) => {
    const dump = fakeDump(crash);
    expect(lastError(dump, dump.threads[0]!)).toBe(name);
  });
});

describe("the record", () => {
  it("is told in numbers", () => {
    const { exception } = analyseCrash(fakeDump({ os: "windows", code: 0xc0000005, flags: -1, parameters: [1n, 0xffff_ffff_ffff_ffffn] }));
    expect(exception).toEqual({ code: "0xc0000005", flags: "0xffffffff", parameters: ["0x0000000000000001", "0xffffffffffffffff"] });
  });

  it("is null everywhere in a dump that nothing crashed in", () => {
    const { crash_inconsistencies: contradictions, ...facts } = analyseCrash(fakeDump({ mappings: [text] }));
    expect(contradictions).toEqual([]);
    expect(new Set(Object.values(facts))).toEqual(new Set([null]));
  });

  const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
  it("may hold anything", () => {
    fc.assert(
      fc.property(
        fc.record({
          os: fc.constantFrom("windows", "mac", "ios", "linux", "android", "0x8205"),
          arch: fc.constantFrom("x86", "amd64", "arm", "arm64", "ppc", "0xffff"),
          code: fc.oneof(fc.constantFrom(0xc0000005, 0xc0000006, 0xc0000409, 0xc00000fd, 1, 3, 7, 8, 11, 12), fc.integer()),
          flags: fc.oneof(fc.constantFrom(0x80, 1, 2, 13, -6), fc.integer()),
          address: fc.oneof(u64, fc.constantFrom(0n, 0xffff_ffff_ffff_ffffn)),
          parameters: fc.array(fc.oneof(u64, fc.constantFrom(0n, 1n, 8n)), { maxLength: 15 }),
          bytes: fc.uint8Array({ minLength: 0, maxLength: 24 }),
          values: fc.array(u64, { minLength: 33, maxLength: 33 }),
          mapped: fc.boolean(),
        }),
        ({ bytes, values, mapped, ...crash }) => {
          const registers: { [name: string]: bigint } = {};
          const names = crash.arch === "x86" ? ["eax", "ebx", "esp", "eip"] : crash.arch === "amd64" ? ["rax", "rdi", "rsp", "rip"] : crash.arch === "arm64" ? ["x0", "x1", "sp", "pc"] : [];
          for (const [index, name] of names.entries()) registers[name] = name.endsWith("ip") || name === "pc" ? BigInt(code) : values[index]!;
          const dump = fakeDump({ ...crash, registers, memory: { [code]: Buffer.from(bytes).toString("hex") }, mappings: mapped ? [text, heap] : null });
          const found = analyseCrash(dump);
          expect(found.address).toMatch(/^0x[0-9a-f]{8,16}$/);
          for (const access of found.memory_accesses ?? []) expect(access.address).toMatch(/^0x[0-9a-f]{8,16}$/);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
