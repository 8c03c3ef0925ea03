// The page in a real browser, over a fake of the API that answers the real
// API's types under the real CSP.
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { crashToMarkdown } from "../../web/crash/crash-text.ts";
import { type BuiltPage, buildPage } from "./support/built-page.ts";
import { type WatchedPage, axe, chromiumPath, hasChromium, openBrowser, openPage } from "./support/browser.ts";
import { vaultCrash } from "./support/canned-crash.ts";
import { agreeingOpinion, failedOpinion, shortOpinion } from "./support/canned-opinion.ts";
import { cannedGroups, cannedId } from "./support/canned-lists.ts";
import { type FakeApi, fakePassword, startFakeApi } from "./support/fake-api.ts";

let built: BuiltPage;
let browser: Browser;
const open: { close(): Promise<void> }[] = [];

const crashId = cannedId("c000", 1);
const groupId = cannedId("9000", 1);
const at = { groups: "/vaultsynth/groups", group: `/vaultsynth/groups/${groupId}`, crash: `/vaultsynth/crashes/${crashId}`, failed: `/vaultsynth/crashes/${cannedId("f000", 1)}` };

async function start(options: { readonly signedIn?: boolean; readonly projects?: 1 | 2; readonly scheme?: "light" | "dark"; readonly width?: number } = {}): Promise<WatchedPage & { readonly fake: FakeApi }> {
  const fake = await startFakeApi({ dist: built.dist, signedIn: options.signedIn ?? true, projects: options.projects ?? 1 });
  const watched = await openPage(browser, fake.url, options);
  open.push(watched, fake);
  return { ...watched, fake };
}

const focusedText = (page: Page) => page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");
const copied = (page: Page) => page.evaluate(() => navigator.clipboard.readText());

describe("the built page", () => {
  beforeAll(async () => {
    built = await buildPage();
  });
  afterAll(() => built.remove());

  it("is small: 45 kB gzip before the chart, 120 kB with it", () => {
    const assets = built.assets();
    const sum = (some: typeof assets) => some.reduce((bytes, one) => bytes + one.gzipBytes, 0);
    expect(sum(assets.filter(({ name }) => !name.startsWith("trend-canvas")))).toBeLessThan(45_000);
    expect(sum(assets)).toBeLessThan(120_000);
  });

  describe.skipIf(!hasChromium)(hasChromium ? "in Chromium" : `in Chromium (skipped: ${chromiumPath} is not there)`, () => {
    beforeAll(async () => {
      browser = await openBrowser();
    });
    afterEach(async () => {
      for (const one of open.splice(0)) await one.close();
    });
    afterAll(() => browser.close());

    it("signs in, and opens the address that was asked for", async () => {
      const { page, troubles } = await start({ signedIn: false });
      await page.goto(at.crash);
      await page.getByLabel("E-mail").fill("dana@example.com");
      await page.getByLabel("Password").fill("wrong");
      await page.keyboard.press("Enter");
      await page.getByText("The e-mail or the password is wrong.").waitFor();
      await page.getByLabel("Password").fill(fakePassword);
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "EXCEPTION_ACCESS_VIOLATION_WRITE at 0x18" }).waitFor();
      expect(new URL(page.url()).pathname).toBe(at.crash);
      expect(await page.title()).toBe("EXCEPTION_ACCESS_VIOLATION_WRITE at 0x18 · Deadair");
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByRole("heading", { name: "Sign in to Deadair" }).waitFor();
      expect(troubles).toEqual([]);
    });

    it("says what a sign-in link that works no more means", async () => {
      const { page } = await start({ signedIn: false });
      await page.goto("/sign-in?link=over");
      await page.getByText("This sign-in link works no more.").waitFor();
    });

    it("goes from the list to a group to a crash and back by keys alone", async () => {
      const { page, troubles } = await start();
      await page.goto("/");
      await page.locator("[data-row]").first().waitFor();
      expect(new URL(page.url()).pathname).toBe(at.groups);
      await page.keyboard.press("j");
      await page.keyboard.press("j");
      expect(await focusedText(page)).toContain("OOM | large");
      await page.keyboard.press("k");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Crashes, newest first" }).waitFor();
      expect(new URL(page.url()).pathname).toBe(at.group);
      expect(await focusedText(page)).toContain("vault::dsp::RingBuffer<T>::push");
      await page.getByText("Crashes, newest first").waitFor();
      await page.locator("[data-row]").first().waitFor();
      await page.keyboard.press("j");
      await page.keyboard.press("o");
      await page.getByRole("heading", { name: "REAPER audio 0 crashed" }).waitFor();
      expect(new URL(page.url()).pathname).toBe(at.crash);
      await page.keyboard.press("u");
      await page.getByRole("heading", { name: "Where it happens" }).waitFor();
      await page.keyboard.press("u");
      await page.getByRole("searchbox").waitFor();
      // The row that was opened has the focus again.
      expect(await focusedText(page)).toContain("vault::dsp::RingBuffer<T>::push");
      expect(troubles).toEqual([]);
    });

    it("opens the newest crash of a group by n", async () => {
      const { page } = await start();
      await page.goto(at.group);
      await page.getByRole("link", { name: "Open newest crash" }).waitFor();
      await page.keyboard.press("n");
      await page.getByRole("heading", { name: "REAPER audio 0 crashed" }).waitFor();
      expect(new URL(page.url()).pathname).toBe(at.crash);
    });

    it("keeps search and sort in the address", async () => {
      const { page } = await start();
      await page.goto(at.groups);
      await page.locator("[data-row]").first().waitFor();
      await page.keyboard.press("/");
      await page.keyboard.type("vault::midi");
      await page.waitForURL("**/groups?q=vault%3A%3Amidi");
      await expect.poll(() => page.locator("[data-row]").count()).toBe(1);
      await page.getByLabel("Sort by").selectOption("count");
      await page.waitForURL("**/groups?q=vault%3A%3Amidi&sort=count");
      await page.reload();
      expect(await page.getByRole("searchbox").inputValue()).toBe("vault::midi");
      await expect.poll(() => page.locator("[data-row]").count()).toBe(1);
      await page.getByRole("searchbox").fill("no such name");
      await page.getByText("No signature holds “no such name”.").waitFor();
    });

    it("shows groups that are new behind a bar, and moves no row before it is asked to", { timeout: 30_000 }, async () => {
      const { page, fake } = await start();
      await page.goto(at.groups);
      await page.locator("[data-row]").first().waitFor();
      await page.keyboard.press("j");
      const [template] = cannedGroups(Date.now());
      if (!template) throw new Error("no canned groups");
      for (const index of [50, 51]) fake.groups.push({ ...template, id: cannedId("9000", index), signature: `fresh${index}`, lastSeen: new Date().toISOString() });
      fake.groups[0] = { ...template, count: 149 };
      const bar = page.getByRole("button", { name: "2 new groups: show" });
      await bar.waitFor();
      expect(await page.locator("[data-row]").count()).toBe(cannedGroups(0).length);
      expect(await page.locator("[data-row] td.strong").first().textContent()).toBe("149");
      expect(await focusedText(page)).toContain("vault::dsp::RingBuffer<T>::push");
      await bar.click();
      await expect.poll(() => page.locator("[data-row] a").first().textContent()).toMatch(/^fresh/);
    });

    it("says the next command to run when nothing has arrived", async () => {
      const { page } = await start({ projects: 2 });
      await page.goto("/empty/groups");
      await page.getByText("npm run demo").waitFor();
      await page.getByText(/^curl -F .*\/api\/2\/minidump\/\?sentry_key=0f9e8d7c6b5a4938'$/).waitFor();
    });

    it("pages a group's crashes", async () => {
      const { page } = await start();
      await page.goto(at.group);
      await page.getByRole("button", { name: "More" }).click();
      await expect.poll(() => page.locator("[data-row]").count()).toBe(100);
      await page.getByRole("button", { name: "More" }).click();
      await expect.poll(() => page.locator("[data-row]").count()).toBe(120);
      await expect.poll(() => page.getByRole("button", { name: "More" }).count()).toBe(0);
    });

    it("copies a crash as Markdown by c, its link by y", async () => {
      const { page, fake } = await start();
      await page.goto(at.crash);
      await page.getByRole("heading", { name: "REAPER audio 0 crashed" }).waitFor();
      await page.keyboard.press("c");
      await page.getByText("Markdown copied").waitFor();
      expect(await copied(page)).toBe(crashToMarkdown(vaultCrash(crashId, groupId, "2026-11-23T20:14:03.512Z"), fake.url + at.crash));
      await page.keyboard.press("y");
      await page.getByText("Link copied").waitFor();
      expect(await copied(page)).toBe(fake.url + at.crash);
    });

    it("shows the crashed thread first, inlined frames, missing symbols and folded threads", async () => {
      const { page } = await start();
      await page.goto(at.crash);
      const stack = page.getByRole("table", { name: "Stack of the crashed Thread 3 REAPER audio 0" });
      await stack.waitFor();
      const rows = await stack.getByRole("row").allInnerTexts();
      const flat = rows.map((row) => row.replaceAll(/\s+/g, " ").trim());
      expect(flat.slice(1, 4)).toEqual([
        "inlined into 0 vault::dsp::RingBuffer<float, 64>::push(float) inlined dsp.h:17",
        "inlined into 0 vault::dsp::LowPass::tick(float, vault::dsp::RingBuffer<float, 64>*) inlined dsp.h:31",
        "0 vault::dsp::Engine::process(float*, int) engine.cpp:6 VaultSynth.vst3 context",
      ]);
      expect(flat[7]).toBe("4 reaper.exe + 0x412f90 no symbols for reaper.pdb 9C1F5E0E3B0A4A7C8F24D1B7E6A5C3D21 reaper.exe cfi");
      expect(flat[8]).toBe("5 reaper.exe + 0x3ff021 no symbols reaper.exe scan");
      expect(flat[9]).toBe("6 0x00007ff8a9981200 unloaded: OldCompressor.vst3 + 0x1200 scan");
      const workers = page.locator("details.thread", { hasText: "×6" });
      expect(await workers.count()).toBe(1);
      await page.keyboard.press("e");
      await expect.poll(() => page.locator("details.thread[open]").count()).toBe(4);
      await page.getByRole("heading", { name: "Why this signature?" }).click();
      await page.getByRole("table", { name: "Verdict on each frame" }).waitFor();
      const verdicts = await page.getByRole("table", { name: "Verdict on each frame" }).getByRole("row").allInnerTexts();
      expect(verdicts.map((row) => row.replaceAll(/\s+/g, " ").trim())[1]).toBe("0 i prefix vault::dsp::RingBuffer<T>::push prefix.txt:17");
    });

    it("opens a frame on its source lines, by click and by keys, and closes it", async () => {
      const { page, fake, troubles } = await start();
      await page.goto(at.crash);
      const stack = page.getByRole("table", { name: "Stack of the crashed Thread 3 REAPER audio 0" });
      const source = stack.getByRole("button", { name: "dsp.h:17" });
      await source.waitFor();
      // Only frames with a line, of modules whose sources are there.
      expect(await stack.getByRole("button").allInnerTexts()).toEqual(["dsp.h:17", "dsp.h:31", "engine.cpp:6", "voices.cpp:11", "voices.cpp:9", "plugin.cpp:8"]);
      expect(await source.getAttribute("aria-expanded")).toBe("false");
      const widths = () => stack.locator("thead th").evaluateAll((cells) => cells.map((cell) => cell.getBoundingClientRect().width));
      const before = await widths();
      await source.click();
      const lines = stack.getByRole("group", { name: "dsp.h:17, lines 10 to 24" });
      await lines.waitFor();
      expect(await source.getAttribute("aria-expanded")).toBe("true");
      expect(await lines.locator(".source-line").count()).toBe(15);
      expect(await lines.locator("[aria-current=location]").textContent()).toBe("17template <typename T, size_t N>\n");
      // A long line scrolls inside; no column gives way.
      expect(await widths()).toEqual(before);
      expect(await lines.evaluate((pre) => pre.scrollWidth > pre.clientWidth)).toBe(true);
      await page.keyboard.press("Enter");
      await lines.waitFor({ state: "detached" });
      expect(await focusedText(page)).toBe("dsp.h:17");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Space");
      await stack.getByRole("group", { name: "dsp.h:31, lines 24 to 38" }).waitFor();
      await stack.getByRole("button", { name: "plugin.cpp:8" }).click();
      await stack.getByText("The sources of VaultSynth.vst3 do not have D:\\build\\vaultsynth\\src\\plugin.cpp. Only files").waitFor();
      expect(fake.requests.filter((one) => one.endsWith("/source"))).toHaveLength(3);
      // What is copied is the code, without the numbers.
      await page.evaluate(() => getSelection()?.selectAllChildren(document.querySelector(".source-lines")!));
      expect((await page.evaluate(() => String(getSelection()))).split("\n").slice(2, 7)).toEqual(["\t\tif (count == N) drop();", expect.stringContaining("A comment"), "\t\tdata[(start + count++) % N] = sample;", "\t}", ""]);
      expect(troubles).toEqual([]);
    });

    it("says what came twice once, and where a second word for it is from", async () => {
      const { page } = await start();
      await page.goto(at.crash);
      const rows = page.getByRole("region", { name: "Annotations" }).locator("dl > div");
      await expect.poll(async () => (await rows.allInnerTexts()).map((row) => row.replaceAll(/\s+/g, " ").trim())).toEqual(["bufferSize 64", "crashpad_info: ptype plugin-host", "format VST3", "format CLAP in the dump", 'preset {"bank":2,"slot":11}', "sampleRate 48000", "thread audio"]);
    });

    it("retries a failed crash", async () => {
      const { page, fake } = await start();
      await page.goto("/vaultsynth/ingest");
      await page.getByText("WALK_SECONDS: the walk took longer than 60 s").waitFor();
      await page.keyboard.press("j");
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: "Retry" }).click();
      await page.getByText("The dump is stored and not read yet.").waitFor();
      expect(fake.requests).toContain(`POST /api/v1${at.failed}/retry`);
    });

    it("reads a crash again whose symbols were missing", async () => {
      const { page, fake } = await start();
      await page.goto(at.crash);
      await page.getByRole("button", { name: "Read again" }).click();
      await page.getByText("The crash is queued again").waitFor();
      expect(fake.requests).toContain(`POST /api/v1${at.crash}/retry`);
    });

    it("walks a crash with Breakpad too, by keys, and lays what differs side by side", async () => {
      const { page, fake, troubles } = await start();
      const gate = Promise.withResolvers<void>();
      fake.opinion.ready = gate.promise;
      await page.goto(at.crash);
      await page.getByRole("button", { name: "Walk with Breakpad too" }).focus();
      await page.keyboard.press("Enter");
      const status = page.locator(".opinion").getByRole("status");
      await expect.poll(() => status.textContent()).toBe("Both walkers read the dump now. That takes seconds, or minutes for a large one.");
      // Pressed twice, asked once; and the focus stays where it was.
      await page.keyboard.press("Enter");
      expect(await focusedText(page)).toBe("Walking…");
      // Going away and coming back does not lose it.
      await page.getByRole("link", { name: "Symbols", exact: true }).click();
      await page.locator("table.symbols").waitFor();
      await page.goBack();
      await page.getByRole("button", { name: "Walking…" }).waitFor();
      gate.resolve();
      await expect.poll(() => status.textContent()).toBe("280 of 527 frames agree; 242 differ, 4 only Deadair found, 1 only Breakpad found.");
      expect(fake.requests.filter((one) => one.startsWith("POST"))).toEqual([`POST /api/v1${at.crash}/second-opinion`]);
      await page.getByText("Deadair reads the crash as EXCEPTION_ACCESS_VIOLATION_WRITE at 0x18, Breakpad as EXCEPTION_ACCESS_VIOLATION_READ at 0x18.").waitFor();
      await page.getByText("deadair 1 took 12 ms, breakpad 0.26.0 1,640 ms.").waitFor();
      const flat = async (name: string) => (await page.getByRole("table", { name }).getByRole("row").allInnerTexts()).map((row) => row.replaceAll(/\s+/g, " ").trim());
      const audio = await flat("Thread 3 REAPER audio 0 by both walkers");
      expect(audio[1]).toBe(
        "≠ differ: inlined functions 0 vault::dsp::RingBuffer<float, 64>::push(float) inlined dsp.h:17 vault::dsp::LowPass::tick(float, vault::dsp::RingBuffer<float, 64>*) inlined dsp.h:31 vault::dsp::Engine::process(float*, int) engine.cpp:6 VaultSynth.vst3 0x7ff8a1b2114c context 0 vault::dsp::Engine::process(float*, int) engine.cpp:6 VaultSynth.vst3 0x7ff8a1b2114c context",
      );
      expect(audio.at(-1)).toBe("+ only Breakpad no such frame 9 no name ntdll.dll 0x7ff8f5fcaf99 scan");
      // Long runs on which both agree are folded until they are asked for.
      await page.locator(".opinion summary", { hasText: "parser" }).click();
      const parser = page.getByRole("table", { name: /parser by both walkers/ });
      await expect.poll(() => parser.getByRole("row").count()).toBe(1 + 3 + 1 + 3 + 1 + 3 + 1 + 3);
      await page.getByRole("button", { name: "Show 114 more frames on which both agree" }).click();
      await expect.poll(() => parser.getByRole("row").count()).toBe(1 + 120 + 1 + 3 + 1 + 3);
      // And too many rows come in pages.
      await page.locator(".opinion summary", { hasText: "renderer" }).click();
      await page.getByRole("button", { name: "Show 40 more of 40 rows" }).click();
      await expect.poll(() => page.getByRole("table", { name: /renderer by both walkers/ }).getByRole("row").count()).toBe(241);
      await page.getByText("8 threads agree").click();
      await page.getByText("Thread 0 reaper main").last().waitFor();
      await page.locator(".opinion summary", { hasText: "only Deadair walked it" }).waitFor();
      expect(troubles).toEqual([]);
    });

    it("says why there is no second opinion, and asks again", async () => {
      const { page, fake } = await start();
      fake.opinion.answer = null;
      await page.goto(at.crash);
      await page.getByRole("button", { name: "Walk with Breakpad too" }).click();
      const refused = page.locator(".opinion").getByRole("alert");
      await expect.poll(() => refused.innerText()).toContain("Another second opinion is being made; this server makes one at a time.\n\nAsk again in some seconds.");
      fake.opinion.answer = failedOpinion;
      await refused.getByRole("button", { name: "Try again" }).click();
      await page.getByText("Breakpad did not walk it to the end.").waitFor();
      await page.getByText("The walk took longer than 60000 ms (limit WALK_SECONDS).").waitFor();
      fake.opinion.answer = agreeingOpinion;
      await page.getByRole("button", { name: "Walk again" }).click();
      await page.getByText("Both walkers agree on all 46 frames of 10 threads.").waitFor();
      expect(await page.locator(".opinion table").count()).toBe(0);
    });

    it("adds, tests and deletes a destination, and shows its secret once", async () => {
      const { page, fake } = await start();
      await page.goto("/vaultsynth/alerts");
      const form = page.getByRole("form", { name: "Add a destination" });
      await form.getByLabel("Name").fill("Bug bot");
      await form.getByLabel("Address").fill("http://bot.example.com");
      await form.getByRole("button", { name: "Add" }).click();
      await page.getByText("is not an https address").waitFor();
      await form.getByLabel("Address").fill("https://bot.example.com");
      await form.getByRole("button", { name: "Add" }).click();
      await page.getByRole("button", { name: "Copy Secret" }).click();
      expect(await copied(page)).toMatch(/^whsec_/);
      await page.getByRole("button", { name: "Send test to Bug bot" }).click();
      await page.getByText("A test is on its way to Bug bot").waitFor();
      await page.getByRole("button", { name: "Delete Bug bot" }).click();
      expect(fake.requests.filter((one) => one.startsWith("DELETE"))).toEqual([]);
      await page.getByRole("button", { name: "Yes" }).click();
      await page.getByText("Bug bot is deleted").waitFor();
      await page.reload();
      await page.getByText("Issue bridge").first().waitFor();
      expect(await page.getByText("whsec_").count()).toBe(0);
    });

    it("shows what each attempt of a delivery met", async () => {
      const { page } = await start();
      await page.goto("/vaultsynth/alerts");
      await page.getByText("2 attempts, 2 failed").click();
      const row = page.getByRole("row", { name: /503/ });
      expect((await row.innerText()).replaceAll(/\s+/g, " ")).toMatch(/ 503 88 ms HTTP 503 upstream is being deployed, try later$/);
    });

    it("makes and revokes a token, and sets a password", async () => {
      const { page, fake } = await start();
      await page.goto("/vaultsynth/settings");
      await page.getByText(`${fake.url.replace("://", "://b7c1e5a09d3f4e21@")}/1`, { exact: true }).waitFor();
      await page.getByRole("form", { name: "Make a token" }).getByLabel("Name").fill("laptop");
      await page.getByLabel("read groups and crashes").check();
      await page.getByRole("button", { name: "Make token" }).click();
      await page.getByText("The token “laptop”. It is shown only now.").waitFor();
      await page.getByRole("button", { name: "Revoke laptop" }).click();
      await page.getByRole("button", { name: "Yes" }).click();
      await page.getByText("laptop is revoked").waitFor();
      await page.getByLabel("New password").fill("a long pass phrase");
      await page.getByRole("button", { name: "Set password" }).click();
      await page.getByText("The password is set").waitFor();
    });

    it("lists the keys, and lets them be turned off", async () => {
      const { page } = await start();
      await page.goto(at.groups);
      await page.locator("[data-row]").first().waitFor();
      await page.keyboard.press("?");
      const dialog = page.getByRole("dialog", { name: "Keys" });
      await dialog.getByText("next row").waitFor();
      await dialog.getByLabel("Single keys act").uncheck();
      await page.keyboard.press("Escape");
      await page.keyboard.press("j");
      expect(await page.locator(".row-link:focus").count()).toBe(0);
      await page.getByRole("button", { name: "Show the keys" }).click();
      await dialog.getByLabel("Single keys act").check();
      await page.keyboard.press("Escape");
      await page.keyboard.press("j");
      expect(await page.locator(".row-link:focus").count()).toBe(1);
    });

    it("keeps what it shows, and says so, while the server is away", { timeout: 30_000 }, async () => {
      const { page, fake } = await start();
      await page.goto(at.groups);
      await page.locator("[data-row]").first().waitFor();
      await fake.close();
      await page.getByText("Not refreshed: The server does not answer.").waitFor();
      expect(await page.locator("[data-row]").count()).toBe(cannedGroups(0).length);
    });

    const screens: [name: string, path: string, ready: string, press?: string][] = [
      ["the groups", at.groups, "[data-row]"],
      ["no groups", "/empty/groups", ".empty"],
      ["a group", at.group, ".uplot"],
      ["a crash", at.crash, "table.stack"],
      ["a crash with source lines", at.crash, ".source-lines", "dsp.h:17"],
      ["a crash walked twice", at.crash, ".opinion .pair", "Walk with Breakpad too"],
      ["a failed crash", at.failed, ".problem"],
      ["failed crashes", "/vaultsynth/ingest", "[data-row]"],
      ["symbols", "/vaultsynth/symbols", "table.symbols"],
      ["alerts", "/vaultsynth/alerts", ".alert"],
      ["settings", "/vaultsynth/settings", ".card"],
      ["an address that leads nowhere", "/vaultsynth/nowhere", ".empty"],
    ];
    for (const scheme of ["light", "dark"] as const)
      for (const width of [1280, 380])
        it(`passes axe and fits on every screen, ${scheme}, ${width} wide`, { timeout: 60_000 }, async () => {
          const { page, fake, troubles } = await start({ scheme, width, projects: 2 });
          fake.opinion.answer = shortOpinion;
          for (const [name, path, ready, press] of screens) {
            await page.goto(path);
            if (press !== undefined) await page.getByRole("button", { name: press }).click();
            await page.locator(ready).first().waitFor();
            for (const summary of await page.locator("main summary").all()) if (await summary.isVisible()) await summary.click();
            expect({ name, found: await axe(page) }).toEqual({ name, found: [] });
            expect({ name, overflow: await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth) }).toEqual({ name, overflow: 0 });
          }
          await page.keyboard.press("?");
          await page.getByRole("dialog").waitFor();
          expect(await axe(page)).toEqual([]);
          await page.keyboard.press("Escape");
          await page.getByRole("button", { name: "Sign out" }).click();
          await page.getByLabel("Password").waitFor();
          expect(await axe(page)).toEqual([]);
          expect(troubles).toEqual([]);
        });
  });
});
