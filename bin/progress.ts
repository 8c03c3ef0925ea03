// How far an upload is: one calm line that is redrawn on a terminal, one line
// per finished file in a build log.
import { type Terminal, megabytes } from "./terminal.ts";

/** Time between two drawings; faster only flickers. */
const drawMs = 250;

/** Shows the progress of a number of files. */
export class Progress {
  private readonly terminal: Terminal;
  private readonly totalFiles: number;
  private readonly totalBytes: number;
  private readonly started = performance.now();
  private files = 0;
  private bytes = 0;
  private drawn = 0;

  constructor(terminal: Terminal, totalFiles: number, totalBytes: number) {
    this.terminal = terminal;
    this.totalFiles = totalFiles;
    this.totalBytes = totalBytes;
  }

  /** Counts bytes that were read for sending; negative when they have to be sent again. */
  add(bytes: number): void {
    this.bytes += bytes;
    const now = performance.now();
    if (this.terminal.redraw === undefined || now - this.drawn < drawMs) return;
    this.drawn = now;
    const seconds = (now - this.started) / 1000;
    this.terminal.redraw(`${this.files} of ${this.totalFiles} files, ${megabytes(this.bytes)} of ${megabytes(this.totalBytes)}, ${megabytes(Math.max(0, this.bytes) / seconds)}/s`);
  }

  /** Says that a file is finished, in a log with `line`. */
  finishFile(line: string): void {
    this.files++;
    if (this.terminal.redraw === undefined) this.terminal.err(line);
  }

  /** Clears the line. */
  end(): void {
    this.terminal.redraw?.("");
  }
}
