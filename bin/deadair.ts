// The command line. Each command is a module of bin/commands that takes its
// arguments and returns its exit code; it is loaded only when it is called.
import { registerHooks } from "node:module";
import process from "node:process";

// Our own imports say exactly where a file lies. Node would look for each of them
// link by link, and for the package it belongs to; over the engine's eighty files
// that is a fifth of a whole walk.
registerHooks({
  resolve(specifier, { parentURL }, next) {
    const isOurs = parentURL !== undefined && specifier.startsWith(".") && specifier.endsWith(".ts");
    return isOurs ? { url: new URL(specifier, parentURL).href, format: "module-typescript", shortCircuit: true } : next(specifier);
  },
});

const help = `deadair COMMAND [options]     (deadair COMMAND --help for its options)

  run it
    up                    everything in one process tree: database, server, workers
    serve                 only what listens; needs DATABASE_URL
    work                  only what runs behind; needs DATABASE_URL
    sign-in               print a new sign-in link
    doctor                check this machine and say what is wrong
    demo                  start, send our own plugin's crashes and symbols, show the result

  use it
    symbols upload PATH…  send symbol files, skip what the server has
    symbols inspect FILE… say what symbol files hold and lack
    symbols lookup FILE   name addresses with a symbol file
    symbols dump FILE…    write a module's symbols as a Breakpad .sym file
    crash send FILE…      send a minidump
    walk DUMP             walk a minidump here, without a server
    signature explain     say why a report has the signature it has
`;

type Command = (args: string[]) => Promise<number>;

async function find(args: string[]): Promise<{ run: Command; rest: string[] } | undefined> {
  const [first = "", ...rest] = args;
  switch (first) {
    case "up":
      return { run: (await import("./commands/up.ts")).up, rest };
    case "serve":
      return { run: (await import("./commands/serve.ts")).serve, rest };
    case "work":
      return { run: (await import("./commands/serve.ts")).work, rest };
    case "sign-in":
      return { run: (await import("./commands/sign-in.ts")).signIn, rest };
    case "demo":
      return { run: (await import("./commands/demo.ts")).demo, rest };
    case "doctor":
      return { run: (await import("./commands/doctor.ts")).doctor, rest };
    case "walk":
      return { run: (await import("./commands/walk.ts")).walk, rest };
    case "symbols":
      return { run: (await import("./commands/symbols.ts")).symbols, rest };
    case "crash":
      return { run: (await import("./commands/crash.ts")).crash, rest };
    case "signature":
      if (rest[0] === "explain") return { run: (await import("./commands/signature-explain.ts")).signatureExplain, rest: rest.slice(1) };
      return undefined;
    default:
      return undefined;
  }
}

async function main(args: string[]): Promise<number> {
  if (args.length === 0 || ["help", "--help", "-h"].includes(args[0]!)) {
    process.stdout.write(help);
    return args.length === 0 ? 2 : 0;
  }
  const command = await find(args);
  if (command === undefined) {
    process.stderr.write(`deadair: there is no command "${args.join(" ").slice(0, 80)}".\n\n${help}`);
    return 2;
  }
  return command.run(command.rest);
}

/** Ends the process once all that was printed has left it: to a pipe, Node writes when the reader is ready, and `exit` would drop the rest. */
async function leave(code: number): Promise<never> {
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise<void>((resolve) => stream.write("", () => resolve()))));
  process.exit(code);
}

// A reader that has seen enough, as `| head` has, is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  process.stderr.write(`deadair: the output cannot be written: ${error.message}\n`);
  process.exit(1);
});

try {
  await leave(await main(process.argv.slice(2)));
} catch (error) {
  // A sentence for what a person can mend; the stack only for those who debug.
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`deadair: ${message}\n`);
  if (process.env["LOG_LEVEL"] === "debug" && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  await leave(error instanceof Error && (error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS") ? 2 : 1);
}
