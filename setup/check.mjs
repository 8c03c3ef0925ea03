// npm run check: types and lint, a few seconds.
import { prepare } from "./prepare.mjs";
import { SetupError } from "./paths.mjs";
import { runStaticChecks } from "./static-checks.mjs";

try {
  await prepare({ page: false, tools: true });
  const { failed } = await runStaticChecks();
  process.exitCode = failed.length === 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`deadair: ${error.message}\n`);
  process.exitCode = 1;
}
