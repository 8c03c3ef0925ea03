// The parts of a universal binary as files of their own.
import { createReadStream } from "node:fs";
import type { Spool, SpooledFile } from "../../storage/blobs/spool.ts";
import type { FilePart } from "../../symbols/file-parts.ts";

/** Cuts a spooled file into its parts, in their order; a file that is one part is itself. When the disk fails, nothing is left but the file. */
export async function cutParts(spool: Spool, file: SpooledFile, parts: readonly FilePart[]): Promise<readonly SpooledFile[]> {
  const [first] = parts;
  if (parts.length === 1 && first!.size === file.bytes) return [file];
  const cut: SpooledFile[] = [];
  try {
    for (const part of parts) cut.push(await cutPart(spool, file, part));
    return cut;
  } catch (error) {
    await Promise.all(cut.map((each) => each.discard()));
    throw error;
  }
}

async function cutPart(spool: Spool, file: SpooledFile, { offset, size }: FilePart): Promise<SpooledFile> {
  const sink = await spool.open();
  try {
    for await (const chunk of createReadStream(file.path, { start: offset, end: offset + size - 1, highWaterMark: 1 << 20 })) await sink.write(chunk as Buffer);
    return await sink.finish();
  } catch (error) {
    await sink.abort();
    throw error;
  }
}
