// Modules as JSON. A process has hundreds, most of them of the system, and the
// next dump has the same ones at other addresses. So what a module's text says
// besides its addresses is kept, by its path, and used again when every field
// is the same: then a row is four texts put together instead of thirty.
//
// Limits: ROWS_MAX rows of paths of at most PATH_MAX characters; when they are
// full, they are all forgotten. What is kept is only ever text that the same
// fields would give anew.
import { inside, quoted, quotedOrNull } from "./json-text.ts";
import type { Module } from "./report.ts";

/** Rows that are kept: the modules of a few systems and hosts. */
const ROWS_MAX = 4096;
/** Longer paths and names are no file's. */
const PATH_MAX = 1024;

/** The text between and after a module's addresses, and the fields that it says. */
type Row = {
  readonly filename: string;
  readonly debugFile: string | null;
  readonly debugId: string | null;
  readonly codeId: string | null;
  readonly version: string | null;
  readonly state: string;
  readonly flags: number;
  readonly between: string;
  readonly after: string;
};

const rows = new Map<string, Row>();

/** A module as JSON: rust-minidump's keys, then ours. Its addresses are hex by the contract of report.ts and not looked through. */
export function moduleJson(module: Module): string {
  let row = rows.get(module.code_file);
  if (row === undefined || !says(row, module)) {
    row = makeRow(module);
    if (rows.size >= ROWS_MAX) rows.clear();
    if (isShort(module)) rows.set(module.code_file, row);
  }
  return `{"base_addr":"${module.base_addr}${row.between}${module.end_addr}${row.after}`;
}

function says(row: Row, module: Module): boolean {
  return (
    row.debugId === module.debug_id &&
    row.codeId === module.code_id &&
    row.state === module.symbol_state &&
    row.flags === flagsOf(module) &&
    row.version === module.version &&
    row.debugFile === module.debug_file &&
    row.filename === module.filename
  );
}

function flagsOf(module: Module): number {
  return (module.loaded_symbols ? 1 : 0) | (module.missing_symbols ? 2 : 0) | (module.corrupt_symbols ? 4 : 0);
}

function isShort({ code_file: path, filename, debug_file: debugFile, debug_id: debugId, code_id: codeId, version }: Module): boolean {
  return [path, filename, debugFile, debugId, codeId, version].every((text) => text === null || text.length <= PATH_MAX);
}

function makeRow(module: Module): Row {
  const { code_id: codeId, debug_file: debugFile, debug_id: debugId, filename, version, symbol_state: state } = module;
  const between = `","cert_subject":null,"code_id":${quotedOrNull(codeId)},"corrupt_symbols":${module.corrupt_symbols},"debug_file":${quotedOrNull(debugFile)},"debug_id":${quotedOrNull(debugId)},"end_addr":"`;
  const after = `","filename":"${inside(filename)}","loaded_symbols":${module.loaded_symbols},"missing_symbols":${module.missing_symbols},"symbol_url":null,"version":${quotedOrNull(version)},"code_file":${quoted(module.code_file)},"symbol_state":${quoted(state)}}`;
  return { filename, debugFile, debugId, codeId, version, state, flags: flagsOf(module), between: solid(between), after: solid(after) };
}

/** The same text as one piece. What + makes is a rope, and every use of it would visit all its pieces. */
function solid(text: string): string {
  return Buffer.from(text).toString();
}
