// The failing instruction: its text, what it touched and where it leads. The
// texts of x86 are yaxpeax-x86's (rust-minidump prints them), those of arm64
// llvm-mc's with hexadecimal numbers.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arm64Instruction } from "../../../stackwalk/crash/arm64-instruction.ts";
import type { Instruction } from "../../../stackwalk/crash/instruction.ts";
import { decodeX86 } from "../../../stackwalk/crash/x86-decoder.ts";
import { x86Instruction } from "../../../stackwalk/crash/x86-instruction.ts";
import type { Arch } from "../../../symbols/registers.ts";
import { fakeContext } from "./fake-dump.ts";

function decode(arch: Arch, bytes: string, registers: { readonly [name: string]: bigint } = {}, lost: readonly string[] = []): Instruction | null {
  const input = {
    bytes: new Uint8Array(Buffer.from(bytes.replaceAll(" ", ""), "hex")),
    context: fakeContext(arch, registers, lost),
    readPointer: (address: bigint) => (address === 0x5000n ? 0x6000n : null),
    segments: { fs: 0x10_0000n, gs: null },
  };
  return arch === "arm64" ? arm64Instruction(input) : x86Instruction(input);
}

/** Accesses as `type size@address`. */
function accesses(instruction: Instruction | null): unknown {
  return instruction?.accesses?.map(({ type, size, address }) => `${type} ${size}@${address.toString(16)}`) ?? null;
}

describe("amd64", () => {
  it.each([
    ["c704254500000005000000", "mov dword [0x45], 0x5"],
    ["c744240800000080", "mov dword [rsp + 0x8], -0x80000000"],
    ["b8ffffffff", "mov eax, -0x1"],
    ["48b8ffffffffffffffff", "mov rax, -0x1"],
    ["a1ffffffffffffffff", "mov eax, dword [0xffffffffffffffff]"],
    ["418a84d9ffffff7f", "mov al, byte [r9 + rbx * 8 + 0x7fffffff]"],
    ["8b85f8ffffff", "mov eax, dword [rbp - 0x8]"],
    ["8b0510000000", "mov eax, dword [rip + 0x10]"],
    ["418d040c", "lea eax, dword [r12 + rcx * 1]"],
    ["f3a4", "rep movs byte es:[rdi], byte ds:[rsi]"],
    ["f348ab", "rep stos qword es:[rdi], rax"],
    ["64488b042528000000", "mov rax, qword fs:[0x28]"],
    ["2e3a0c0a", "cmp cl, byte [rdx + rcx * 1]"], // cs means nothing here
    ["f0480fb111", "lock cmpxchg qword [rcx], rdx"],
    ["e893ffffff", "call $-0x6d"],
    ["7405", "jz $+0x5"],
    ["0f9543 04", "setnz byte [rbx + 0x4]"],
    ["410fb6c0", "movzx eax, r8b"],
    ["cd80", "int 0x80"],
    ["6afe", "push -0x2"],
    ["d900", "fld st(0), dword [rax]"],
    ["660f70c0e1", "pshufd xmm0, xmm0, -0x1f"],
    ["62e1fe486f06", "vmovdqu64 zmm16, zmmword [rsi]"],
    ["c4a17e7f4409a0", "vmovdqu ymmword [rcx + r9 * 1 - 0x60], ymm0"],
    ["0f0b", "ud2"],
    ["62f17d48740e", "vpcmpeqb k1, zmm0, zmmword [rsi]"],
    ["62f1fe486f4e02", "vmovdqu64 zmm1, zmmword [rsi + 0x80]"], // a displacement counts whole operands
    ["c4e37d39c801", "vextracti128 xmm0, ymm1, 0x1"],
    ["0f12c8", "movhlps xmm1, xmm0"],
    ["660f6e03", "movd xmm0, dword [rbx]"], // yaxpeax says movq and eight bytes
    ["4898", "cdqe"],
    ["f30f1efa", "endbr64"],
  ])("%s is %s", (bytes, text) => {
    expect(decode("amd64", bytes)?.text).toBe(text);
  });

  it.each<readonly [string, string, { readonly [name: string]: bigint }, unknown]>([
    ["8b03", "a load", { rbx: 0xbadc0ffebadc0ffen }, ["read 4@badc0ffebadc0ffe"]],
    ["488b85 00f8ffff", "a negative offset", { rbp: 0x1000n }, ["read 8@800"]],
    ["4b8b0474", "base and scaled index", { r12: 0x8000n, r14: 0x10000n }, ["read 8@28000"]],
    ["4a8b04ed0000f0ff", "an index alone, which wraps", { r13: 0x1000n }, ["read 8@fffffffffff08000"]],
    ["0103", "an addition to memory", { rbx: 0x10n }, ["readwrite 4@10"]],
    ["8b0510000000", "relative to the next instruction", { rip: 0x400000n }, ["read 4@400016"]],
    ["f30f1106", "a store of a float", { rsi: 0x10n }, ["write 4@10"]],
    ["a4", "a string instruction", { rsi: 0x1000n, rdi: 0x2000n }, ["write 1@2000", "read 1@1000"]],
    ["50", "a push", { rsp: 0x1000n }, ["write 8@ff8"]],
    ["ff30", "a push of memory", { rsp: 0x1000n, rax: 0x10n }, ["read 8@10", "write 8@ff8"]],
    ["58", "a pop", { rsp: 0x1000n }, ["read 8@1000"]],
    ["e800000000", "a call", { rsp: 0x1000n }, ["write 8@ff8"]],
    ["c3", "a return", { rsp: 0x1000n }, ["read 8@1000"]],
    ["488d4718", "an address that is only computed", { rdi: 0x10n }, []],
    ["0f1f4000", "a nop with an operand", {}, []],
    ["4839d8", "registers only", {}, []],
    ["64488b042528000000", "a segment that is known", {}, ["read 8@100028"]],
    ["65488b042528000000", "a segment that is not", {}, null],
    ["678b03", "an address of 32 bits", { rbx: 0xffff_ffff_0000_0010n }, ["read 4@10"]],
  ])("%s touches memory: %s", (bytes, _, registers, expected) => {
    expect(accesses(decode("amd64", bytes, registers))).toEqual(expected);
  });

  it("cannot tell an address whose register was not kept", () => {
    const instruction = decode("amd64", "8b03", {}, ["rbx"]);
    expect([instruction?.text, instruction?.accesses]).toEqual(["mov eax, dword [rbx]", null]);
  });

  it.each<readonly [string, { readonly [name: string]: bigint }, unknown]>([
    ["ffe0", { rax: 0x1234n }, { address: 0x1234n, nullBase: false }], // jmp rax
    ["ff10", { rax: 0x5000n }, { address: 0x6000n, nullBase: false }], // call [rax]
    ["ff10", { rax: 0x7000n }, null], // call [rax], not in the dump
    ["c3", { rsp: 0x5000n }, { address: 0x6000n, nullBase: false }],
    ["e800000000", {}, null],
    ["7405", {}, null],
    ["90", {}, "next"],
  ])("%s leads somewhere", (bytes, registers, target) => {
    expect(decode("amd64", bytes, registers)?.target).toEqual(target);
  });

  it.each(["", "48", "c7042545", "06", "c4e2"])("is null for bytes that are no instruction, or not all of one: %s", (bytes) => {
    expect(decode("amd64", bytes)).toBeNull();
  });
});

describe("any bytes", () => {
  const starts = fc.constantFrom([], [0x0f], [0x66, 0x0f], [0xf3, 0x0f], [0x0f, 0x38], [0x0f, 0x3a], [0xc4], [0xc5], [0x62], [0x67], [0xd9]);
  it("are an instruction that lies within them, or none", () => {
    fc.assert(
      fc.property(starts, fc.uint8Array({ maxLength: 20 }), fc.constantFrom(32 as const, 64 as const), (start, rest, bits) => {
        const bytes = new Uint8Array([...start, ...rest]);
        const decoded = decodeX86(bytes, bits);
        if (!decoded) return;
        expect(decoded.length).toBeGreaterThan(0);
        expect(decoded.length).toBeLessThanOrEqual(Math.min(15, bytes.length));
        // The same instruction alone is the same; without its last byte it is none, or was shorter.
        expect(decodeX86(bytes.subarray(0, decoded.length), bits)).toEqual(decoded);
        expect(decodeX86(bytes.subarray(0, decoded.length - 1), bits)).toBeNull();
      }),
      { numRuns: 20_000 },
    );
  });

  it("are nothing when they are prefixes only", () => {
    expect(decodeX86(new Uint8Array(40).fill(0x66), 64)).toBeNull();
  });
});

describe("x86", () => {
  it.each<readonly [string, { readonly [name: string]: bigint }, string, unknown]>([
    ["8b4014", { eax: 0x1000n }, "mov eax, dword [eax + 0x14]", ["read 4@1014"]],
    ["c7054500000005000000", {}, "mov dword [0x45], 0x5", ["write 4@45"]],
    ["50", { esp: 0x1000n }, "push eax", ["write 4@ffc"]],
    ["c57d7f442420", {}, "", null], // lds, which is a vector instruction on amd64 only
    ["c5fe6f00", { eax: 0x1000n }, "vmovdqu ymm0, ymmword [eax]", ["read 32@1000"]],
    ["40", {}, "inc eax", []],
    ["8b80f0ffffff", { eax: 8n }, "mov eax, dword [eax - 0x10]", ["read 4@fffffff8"]], // wraps at 32 bits
    ["64a100000000", {}, "mov eax, dword fs:[0x0]", ["read 4@100000"]],
  ])("%s", (bytes, registers, text, expected) => {
    const instruction = decode("x86", bytes, registers);
    expect([instruction?.text ?? "", accesses(instruction)]).toEqual([text, expected]);
  });
});

describe("arm64", () => {
  const registers = { x0: 0x1000n, x1: 0x20n, sp: 0x8000n, pc: 0x400000n };
  it.each<readonly [string, string, unknown]>([
    ["000840f9", "ldr x0, [x0, #0x10]", ["read 8@1010"]],
    ["00005ff8", "ldur x0, [x0, #-0x10]", ["read 8@ff0"]],
    ["008440f8", "ldr x0, [x0], #0x8", ["read 8@1000"]], // changes x0 afterwards
    ["fd7bbfa9", "stp x29, x30, [sp, #-0x10]!", ["write 16@7ff0"]],
    ["00786178", "ldrh w0, [x0, x1, lsl #1]", ["read 2@1040"]],
    ["00d861b8", "ldr w0, [x0, w1, sxtw #2]", ["read 4@1080"]],
    ["80000058", "ldr x0, #0x10", ["read 8@400010"]],
    ["0000c03d", "ldr q0, [x0]", ["read 16@1000"]],
    ["007c5fc8", "ldxr x0, [x0]", ["read 8@1000"]],
    ["0100e1f8", "ldaddal x1, x1, [x0]", ["readwrite 8@1000"]],
    ["0070404c", "ld1 { v0.16b }, [x0]", ["read 16@1000"]],
    ["000080f9", "prfm pldl1keep, [x0]", []], // cannot fail
    ["200020d4", "brk #0x1", []],
    ["00000000", "udf #0x0", []],
    ["fdffff97", "bl #-0xc", []],
    ["1f2003d5", "nop", []],
  ])("%s is %s", (bytes, text, expected) => {
    const instruction = decode("arm64", bytes, registers);
    expect([instruction?.text, accesses(instruction)]).toEqual([text, expected]);
  });

  it.each<readonly [string, string, unknown]>([
    ["00003fd6", "blr x0", { address: 0x1000n, nullBase: false }],
    ["c0035fd6", "ret", { address: 0n, nullBase: true }],
  ])("%s leads somewhere", (bytes, text, target) => {
    const instruction = decode("arm64", bytes, { x0: 0x1000n });
    expect([instruction?.text, instruction?.target]).toEqual([text, target]);
  });

  it("marks what was reached through a null pointer", () => {
    expect(decode("arm64", "000840f9", { x0: 0n })?.accesses).toEqual([{ address: 0x10n, nullBase: true, size: 8, type: "read" }]);
  });

  it.each(["", "000840", "00008052"])("has no text for what it does not know or what is cut: %s", (bytes) => {
    expect(decode("arm64", bytes)).toBeNull();
  });
});
