// The debug files that a person means by a path. It may be a file with one in
// it; a universal binary of Apple's systems, which has one for each
// architecture; or a folder that is one thing to people: a dSYM, a plugin's
// bundle, a framework.
//
// In a folder, files are told by their first bytes, and what is no debug file by
// itself, as objects and text are, is passed over. Links to folders are not
// followed, since a framework's lead to what is there anyway; a file that several
// names lead to counts once.
import { closeSync, openSync, readdirSync, readSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { ok, type Problem, refuse, type Result } from "../config/problem.ts";
import { openDebugFile } from "./compile.ts";
import { fileOfPath, openFile, partPath, unreadable } from "./file-bytes.ts";
import { filePartsOf } from "./file-parts.ts";
import { isNativeDebugFile } from "./foreign-format.ts";

/** Folders in folders that are looked into; a framework in an application's bundle is five deep. */
const depthMax = 8;
/** Files looked at in a folder. */
const filesMax = 20_000;
/** Bytes that a file is told by. */
const headBytes = 512;

/** The paths of debug files that a path stands for, for `openFile`; at least one. A file's content is only looked at for its parts. Refuses with `symbol_file_unreadable`, `malformed_macho`, `no_debug_files`, or, for a folder, with what is wrong with the first debug file when none is any good. */
export function debugPathsOf(given: string): Result<readonly string[]> {
  // A part of a file.
  if (given !== fileOfPath(given)) return ok([given]);
  try {
    const found = statSync(given);
    if (found.isFile()) return partsOf(given);
    // To open a pipe waits for its writer, and readers go back and forth.
    if (!found.isDirectory()) return refuse(500, "symbol_file_unreadable", "It is no file, but a pipe or a device.", "Save its content to a file, and name that.");
    const inside = new Folder();
    inside.visit(given, 0);
    if (inside.paths.length > 0) return ok(inside.paths);
    if (inside.problem !== null) return { ok: false, problem: inside.problem };
  } catch (error) {
    return unreadable(error);
  }
  return refuse(400, "no_debug_files", "The folder holds no debug file, and no program.", "Name the file itself, or the folder of a dSYM or of a plugin's bundle.");
}

/** The parts of one file. */
function partsOf(file: string): Result<readonly string[]> {
  const opened = openFile(file);
  if (!opened.ok) return opened;
  try {
    const { bytes } = opened.value;
    const parts = filePartsOf(bytes);
    if (!parts.ok) return parts;
    return ok(parts.value.map(({ offset, size }) => (offset === 0 && size === bytes.size ? file : partPath(file, offset, size))));
  } finally {
    opened.value.close();
  }
}

class Folder {
  readonly paths: string[] = [];
  /** Why the first file that is no good is none. */
  problem: Problem | null = null;
  private left = filesMax;
  private readonly seen = new Set<string>();

  visit(folder: string, depth: number): void {
    const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const at = path.join(folder, entry.name);
      if (entry.isDirectory() && depth < depthMax) this.visit(at, depth + 1);
      else if ((entry.isFile() || entry.isSymbolicLink()) && this.left-- > 0 && isDebugFile(at)) this.take(at);
    }
  }

  private take(at: string): void {
    const real = realpathSync(at);
    if (this.seen.has(real)) return;
    this.seen.add(real);
    const parts = partsOf(at);
    if (this.note(at, parts) && parts.ok) this.paths.push(...parts.value.filter((part) => this.note(at, openable(part))));
  }

  private note(at: string, result: Result<unknown>): boolean {
    if (!result.ok) this.problem ??= { ...result.problem, message: `${at}: ${result.problem.message}` };
    return result.ok;
  }
}

/** Whether a file looks like a debug file from its first bytes; a link to nothing, or to a folder, does not. */
function isDebugFile(at: string): boolean {
  const head = Buffer.alloc(headBytes);
  let descriptor: number;
  try {
    if (!statSync(at).isFile()) return false;
    descriptor = openSync(at, "r");
  } catch {
    return false;
  }
  try {
    return isNativeDebugFile(head.subarray(0, readSync(descriptor, head, 0, headBytes, 0)));
  } catch {
    return false;
  } finally {
    closeSync(descriptor);
  }
}

/** Whether a debug file can be opened, or why not. */
function openable(at: string): Result<unknown> {
  const file = openFile(at);
  if (!file.ok) return file;
  try {
    return openDebugFile(file.value.bytes);
  } finally {
    file.value.close();
  }
}
