// npm run bench -- NAME [args]: runs bench/NAME.ts under Node 24; without a name, lists what there is.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { prepare } from "./prepare.mjs";
import { inRoot, SetupError } from "./paths.mjs";
import { runScript } from "./run.mjs";

const [name, ...args] = process.argv.slice(2);
try {
  process.exitCode = await bench();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`deadair: ${error.message}\n`);
  process.exitCode = 1;
}

async function bench() {
  if (name === undefined) {
    list();
    return 0;
  }
  if (!/^[a-z0-9-]+$/.test(name) || !existsSync(inRoot("bench", `${name}.ts`))) {
    process.stderr.write(`deadair: there is no bench/${name}.ts\n`);
    list();
    return 1;
  }
  await prepare({ page: true, tools: true });
  return runScript(`bench/${name}.ts`, args);
}

function list() {
  console.log("npm run bench -- NAME [args]");
  for (const file of existsSync(inRoot("bench")) ? readdirSync(inRoot("bench")).toSorted() : []) {
    const text = file.endsWith(".ts") ? readFileSync(inRoot("bench", file), "utf8") : "";
    // A benchmark is a file that runs by itself; its helpers only export.
    if (text !== "" && !/^export /m.test(text)) console.log(`  ${file.slice(0, -3).padEnd(16)} ${/^\/\/ (.*)/.exec(text)?.[1] ?? ""}`);
  }
}
