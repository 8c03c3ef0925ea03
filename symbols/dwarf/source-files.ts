// Paths of a unit's source files: the folder that the unit was compiled in, the
// file's folder and its name, put together as far as they are relative. Paths
// keep the spelling of the machine that compiled, Windows' or POSIX'; only
// `./`, which says nothing, goes.
import type { ModuleBuilder } from "../cache/module-builder.ts";
import { form } from "./codes.ts";
import type { DwarfStrings } from "./dwarf-strings.ts";
import type { LineHeader } from "./line-header.ts";
import type { Unit } from "./unit.ts";

/** The files of one unit. */
export class SourceFiles {
  private readonly builder: ModuleBuilder;
  private readonly strings: DwarfStrings;
  private readonly line: Uint8Array;
  private readonly unit: Unit;
  private readonly header: LineHeader;
  /** By folder: its path, once it was asked for. */
  private readonly folders: (string | undefined)[] = [];
  /** By file: its number in the builder, once it was asked for. */
  private readonly numbers: (number | undefined)[] = [];

  constructor(builder: ModuleBuilder, strings: DwarfStrings, line: Uint8Array, unit: Unit, header: LineHeader) {
    this.builder = builder;
    this.strings = strings;
    this.line = line;
    this.unit = unit;
    this.header = header;
  }

  /** The builder's number of a file by its index; 0 when there is no such file. */
  numberOf(index: number): number {
    const known = this.numbers[index];
    if (known !== undefined) return known;
    const { files, fileFolders } = this.header;
    if (!(index < files.forms.length)) return 0;
    const name = this.strings.text(this.unit, files.forms[index]!, files.values[index]!, this.line);
    const path = name === "" ? "" : joinPath(this.folder(fileFolders[index]!), name);
    // Many files may lie in one folder of a long name.
    const number = path === "" || !this.strings.pay(path) ? 0 : this.builder.fileOf(this.builder.strings.takeText(path));
    this.numbers[index] = number;
    return number;
  }

  /** A folder's path. Folder 0 is the one that the unit was compiled in, which version 5 has in its list. */
  private folder(index: number): string {
    const known = this.folders[index];
    if (known !== undefined) return known;
    const { folders, version } = this.header;
    if (!(index < folders.forms.length)) return "";
    const isListed = index > 0 || (version >= 5 && folders.forms[0] !== 0);
    let path = isListed ? this.strings.text(this.unit, folders.forms[index]!, folders.values[index]!, this.line) : this.compDir();
    if (index > 0) path = joinPath(this.compDir(), path);
    this.folders[index] = path;
    return path;
  }

  private compDir(): string {
    return this.unit.compDirForm === form.string || this.unit.compDirForm !== 0 ? this.strings.text(this.unit, this.unit.compDirForm, this.unit.compDir) : "";
  }
}

/** A path seen from a folder. */
export function joinPath(folder: string, name: string): string {
  const isAbsolute = /^(?:[/\\]|[A-Za-z]:[/\\])/.test(name);
  const path = isAbsolute || folder === "" ? name : `${folder}${/[/\\]$/.test(folder) ? "" : separatorOf(folder)}${name.replace(/^(?:\.[/\\]+)+/, "")}`;
  return /[/\\]\.(?:[/\\]|$)/.test(path) ? path.replaceAll(/(?<=[/\\])\.[/\\]+/g, "").replace(/[/\\]\.$/, "") : path;
}

/** What a folder's own parts are separated by. */
function separatorOf(folder: string): string {
  return folder.includes("\\") && !folder.includes("/") ? "\\" : "/";
}
