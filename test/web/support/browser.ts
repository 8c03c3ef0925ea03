// A real browser over the built page: Debian's Chromium, driven by
// playwright-core. Everything that the page logs as an error, or asks of
// another host, is kept for the test to look at.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { type Browser, type Page, chromium } from "playwright-core";

/** Where Chromium is; DEADAIR_CHROMIUM names another one. */
export const chromiumPath = process.env["DEADAIR_CHROMIUM"] ?? "/usr/bin/chromium";

/** True where a browser is installed. */
export const hasChromium = existsSync(chromiumPath);

const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** Starts the browser. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath, args });
}

/** A page with what went wrong on it. */
export type WatchedPage = {
  readonly page: Page;
  /** Errors of scripts, of the console (a CSP breach is one), and requests to other hosts. */
  readonly troubles: string[];
  readonly close: () => Promise<void>;
};

/** Opens a page of its own session at `origin`. */
export async function openPage(browser: Browser, origin: string, look: { readonly scheme?: "light" | "dark"; readonly width?: number } = {}): Promise<WatchedPage> {
  const context = await browser.newContext({ baseURL: origin, colorScheme: look.scheme ?? "light", viewport: { width: look.width ?? 1280, height: 800 }, reducedMotion: "reduce" });
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const troubles: string[] = [];
  page.on("pageerror", (error) => troubles.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // Chromium logs each refused request; a 401 is how the page learns that nobody is signed in.
    if (message.type() === "error" && !/the server responded with a status of 4\d\d/.test(message.text())) troubles.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== origin) troubles.push(`request to another host: ${request.url()}`);
  });
  return { page, troubles, close: () => context.close() };
}

type AxeViolation = { readonly id: string; readonly help: string; readonly nodes: readonly { readonly html: string }[] };

let axeSource: Promise<string> | undefined;

/** What axe-core finds wrong with the page as it is, as lines; none when all is well. */
export async function axe(page: Page): Promise<readonly string[]> {
  axeSource ??= readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  await page.evaluate(await axeSource);
  const violations = (await page.evaluate("axe.run(document).then((result) => result.violations)")) as readonly AxeViolation[];
  return violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html.slice(0, 160)).join(" ; ")}`);
}
