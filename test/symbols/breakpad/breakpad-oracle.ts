// Asks Breakpad's own minidump_stackwalk (from the npm package `minidump`) what
// it says of single addresses: a made-up dump has one thread per address, with
// nothing on its stack, so that each thread's stack is the answer to one
// question. Works for any symbol file and any address below 4 GiB.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { storePath } from "../../../symbols/breakpad/store-path.ts";

const walker = path.resolve(import.meta.dirname, "../../../node_modules/minidump/bin", `${process.platform}-${process.arch}`, "minidump_stackwalk");

/** Whether Breakpad's walker is there for this machine. */
export const canAskBreakpad = existsSync(walker);

/** One line of minidump_stackwalk -m: `function|file|line`, or "" where it has no name. Innermost first, the physical function last. */
export type OracleStack = readonly string[];

const moduleBase = 0x1_0000_0000n;
/** Breakpad refuses dumps with more than 4096. */
const threadsPerDump = 500;
const contextBytes = 1232;

/** What minidump_stackwalk prints for each address of a module with this symbol file. */
export async function askBreakpad(symbolFile: string, debugFile: string, debugId: string, addresses: readonly number[]): Promise<OracleStack[]> {
  const folder = await mkdtemp(path.join(tmpdir(), "deadair-oracle-"));
  try {
    const relative = storePath(debugFile, debugId);
    if (!relative.ok) throw new Error(relative.problem.message);
    const target = path.join(folder, "store", relative.value);
    await mkdir(path.dirname(target), { recursive: true });
    await cp(symbolFile, target);
    const answers: OracleStack[] = [];
    for (let start = 0; start < addresses.length; start += threadsPerDump) {
      const part = addresses.slice(start, start + threadsPerDump);
      const dump = path.join(folder, "asked.dmp");
      await writeFile(dump, makeDump(debugFile, debugId, part));
      const { stdout } = await promisify(execFile)(walker, ["-m", dump, path.join(folder, "store")], { encoding: "utf8", maxBuffer: 1 << 30 });
      answers.push(...readAnswers(stdout, part.length));
    }
    return answers;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function readAnswers(stdout: string, count: number): OracleStack[] {
  const stacks: string[][] = Array.from({ length: count }, () => []);
  const body = stdout.slice(stdout.indexOf("\n\n") + 2);
  for (const line of body.split("\n")) {
    if (line === "") continue;
    const [thread = "", , , name = "", file = "", sourceLine = ""] = line.split("|");
    stacks[Number(thread)]?.push(name === "" ? "" : `${name}|${file}|${sourceLine}`);
  }
  return stacks;
}

function makeDump(debugFile: string, debugId: string, addresses: readonly number[]): Buffer {
  const name = Buffer.from(debugFile, "utf16le");
  const codeView = Buffer.concat([Buffer.from("RSDS"), guid(debugId), u32(Number.parseInt(debugId.slice(32), 16)), Buffer.from(`${debugFile}\0`)]);
  const threadsAt = 32 + 3 * 12;
  const systemAt = threadsAt + 4 + addresses.length * 48;
  const modulesAt = systemAt + 56;
  const emptyTextAt = modulesAt + 4 + 108;
  const nameAt = emptyTextAt + 8;
  const codeViewAt = nameAt + 4 + name.length + 2;
  const contextsAt = (codeViewAt + codeView.length + 15) & ~15;
  const dump = Buffer.alloc(contextsAt + addresses.length * contextBytes);

  dump.write("MDMP", 0);
  dump.writeUInt32LE(0xa793, 4);
  dump.writeUInt32LE(3, 8);
  dump.writeUInt32LE(32, 12);
  for (const [i, [type, size, at]] of ([[3, 4 + addresses.length * 48, threadsAt], [7, 56, systemAt], [4, 4 + 108, modulesAt]] as const).entries()) {
    dump.writeUInt32LE(type, 32 + i * 12);
    dump.writeUInt32LE(size, 36 + i * 12);
    dump.writeUInt32LE(at, 40 + i * 12);
  }
  dump.writeUInt16LE(9, systemAt); // AMD64
  dump.writeUInt32LE(0x8201, systemAt + 20); // Linux
  dump.writeUInt32LE(emptyTextAt, systemAt + 24);

  dump.writeUInt32LE(1, modulesAt);
  dump.writeBigUInt64LE(moduleBase, modulesAt + 4);
  dump.writeUInt32LE(0xfffffff0, modulesAt + 12);
  dump.writeUInt32LE(nameAt, modulesAt + 24);
  dump.writeUInt32LE(codeView.length, modulesAt + 4 + 76);
  dump.writeUInt32LE(codeViewAt, modulesAt + 4 + 80);
  dump.writeUInt32LE(name.length, nameAt);
  name.copy(dump, nameAt + 4);
  codeView.copy(dump, codeViewAt);

  dump.writeUInt32LE(addresses.length, threadsAt);
  for (const [i, address] of addresses.entries()) {
    const thread = threadsAt + 4 + i * 48;
    const context = contextsAt + i * contextBytes;
    dump.writeUInt32LE(i + 1, thread);
    dump.writeUInt32LE(contextBytes, thread + 40);
    dump.writeUInt32LE(context, thread + 44);
    dump.writeUInt32LE(0x10000f, context + 0x30); // CONTEXT_AMD64_FULL
    dump.writeBigUInt64LE(moduleBase + BigInt(address), context + 0xf8); // rip
  }
  return dump;
}

function guid(debugId: string): Buffer {
  const bytes = Buffer.from(debugId.slice(0, 32), "hex");
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
