// What a command may touch of the process around it. Commands take this as
// their last argument, so that tests see what people see.

/** Where a command reads its environment and writes its words. */
export type Terminal = {
  readonly env: NodeJS.ProcessEnv;
  /** Writes a line of the result; what scripts read. */
  out(line: string): void;
  /** Writes a line about the work, or a complaint. */
  err(line: string): void;
  /** Draws over the current line; absent where nobody watches. */
  readonly redraw?: (line: string) => void;
  /** First pause before a request is tried again; each later one doubles. */
  readonly retryMs: number;
};

/** The terminal of this process. */
export const processTerminal: Terminal = {
  env: process.env,
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  ...redrawing(process.stderr),
  retryMs: 1000,
};

/** How to draw over the current line of a stream, where that is a terminal. */
export function redrawing(stream: NodeJS.WritableStream & { readonly isTTY?: boolean }): Pick<Terminal, "redraw"> {
  return stream.isTTY === true ? { redraw: (line) => void stream.write(`\r\u001b[2K${line}`) } : {};
}

/** Text from a file or a server with nothing in it that a terminal would obey. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\ufffd");
}

/** A size for people, as `12.3 MB`. */
export function megabytes(bytes: number): string {
  return bytes < 100_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** `1 file`, `2 files`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
