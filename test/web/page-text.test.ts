// Amounts, times, addresses: the small texts of the page.
import { describe, expect, it } from "vitest";
import { mergeRows } from "../../web/state/merge-rows.ts";
import { type Route, hrefOf, parseRoute } from "../../web/state/route.ts";
import { formatAgo, formatBytes, formatCount, formatUntil, formatUtc, lastDays, plural, shortDay } from "../../web/text/amounts.ts";
import { curlCommand, readDsn } from "../../web/text/upload-address.ts";

const now = Date.parse("2026-11-23T12:00:00Z");
const ago = (seconds: number) => formatAgo(new Date(now - seconds * 1000).toISOString(), now);

describe("amounts", () => {
  it.each([[0, "0"], [9999, "9,999"], [10_000, "10k"], [12_904, "12.9k"], [99_949, "99.9k"], [999_949, "1000k"], [999_950, "1M"], [1_234_567, "1.2M"]])("%d crashes are %s", (count, text) => {
    expect(formatCount(count)).toBe(text);
  });
  it.each([[0, "0 B"], [999, "999 B"], [1000, "1 kB"], [412_904, "413 kB"], [999_600, "1 MB"], [38_412_900, "38.4 MB"], [5e12, "5000 GB"]])("%d bytes are %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
  it("counts one and many", () => {
    expect([plural(1, "crash", "crashes"), plural(0, "crash", "crashes"), plural(2, "file")]).toEqual(["1 crash", "0 crashes", "2 files"]);
  });
});

describe("times", () => {
  it.each([
    [0, "just now"],
    // A server's clock may run a little ahead.
    [-60, "just now"],
    [44, "just now"],
    [45, "1 min ago"],
    [3569, "59 min ago"],
    [3570, "1 h ago"],
    [85_999, "24 h ago"],
    [86_001, "1 d ago"],
    [40 * 86_400, "2026-10-14"],
  ])("%d s before now is %s", (seconds, text) => {
    expect(ago(seconds)).toBe(text);
  });
  it.each([[-1, "now"], [0, "now"], [12, "in 12 s"], [89, "in 89 s"], [90, "in 2 min"], [3 * 3600, "in 3 h"]])("%d s ahead is %s", (seconds, text) => {
    expect(formatUntil(new Date(now + seconds * 1000).toISOString(), now)).toBe(text);
  });
  it("are printed whole in UTC, and as they are when they are none", () => {
    expect([formatUtc("2026-11-23T20:14:03.512+02:00"), formatUtc("soon"), formatAgo("soon", now)]).toEqual(["2026-11-23 18:14:03 UTC", "soon", "soon"]);
  });
  it("counts days back from today", () => {
    expect(lastDays(3, now).map(shortDay)).toEqual(["21 Nov", "22 Nov", "23 Nov"]);
  });
});

describe("addresses of the page", () => {
  const rows: [string, Route][] = [
    ["/", { screen: "home" }],
    ["/sign-in?link=over", { screen: "sign-in", linkOver: true }],
    ["/vault/groups", { screen: "groups", project: "vault", query: "", sort: "last_seen" }],
    ["/vault/groups?q=a+%26+b%3A%3Ac&sort=count", { screen: "groups", project: "vault", query: "a & b::c", sort: "count" }],
    ["/vault/groups/1", { screen: "group", project: "vault", id: "1" }],
    ["/vault/crashes/1", { screen: "crash", project: "vault", id: "1" }],
    ["/vault/ingest", { screen: "ingest", project: "vault", state: "failed" }],
    ["/vault/ingest?state=stored", { screen: "ingest", project: "vault", state: "stored" }],
    ["/vault/symbols", { screen: "symbols", project: "vault" }],
    ["/vault/alerts", { screen: "alerts", project: "vault" }],
    ["/vault/settings", { screen: "settings", project: "vault" }],
  ];
  const parse = (href: string) => {
    const url = new URL(href, "http://page");
    return parseRoute(url.pathname, url.search);
  };
  it.each(rows)("%s", (href, route) => {
    expect(parse(href)).toEqual(route);
    if (route.screen !== "sign-in") expect(hrefOf(route)).toBe(href);
  });
  it("that lead nowhere are known for it, and bad escapes too", () => {
    expect(["/vault/nowhere", "/vault/groups/1/2", "/%E0%A4%A/%E0%A4%A"].map((href) => parse(href).screen)).toEqual(["unknown", "unknown", "unknown"]);
    expect(parse("/vault/groups?sort=drop+table")).toMatchObject({ sort: "last_seen" });
  });
});

describe("refreshed rows", () => {
  const row = (id: string, count: number) => ({ id, count });
  const shown = [row("a", 1), row("b", 1)];

  it("keep their places and say what is new", () => {
    expect(mergeRows(shown, [row("b", 2), row("a", 1)], false).shown).toEqual([row("a", 1), row("b", 2)]);
  });
  it("wait when they are not shown yet", () => {
    expect(mergeRows(shown, [row("c", 1), row("a", 1)], false)).toEqual({ shown, waiting: [row("c", 1)] });
  });
  it("go only when the list came whole without them", () => {
    expect(mergeRows(shown, [row("a", 1)], true).shown).toEqual([row("a", 1)]);
    expect(mergeRows(shown, [row("a", 1)], false).shown).toEqual(shown);
  });
});

describe("a DSN", () => {
  it("says where minidumps go", () => {
    const address = readDsn("https://k3y@crashes.example.com:8443/7");
    expect(address).toEqual({ key: "k3y", minidumpUrl: "https://crashes.example.com:8443/api/7/minidump/?sentry_key=k3y" });
    expect(address && curlCommand(address)).toBe("curl -F prod=MyPlugin -F ver=1.0.0 -F upload_file_minidump=@crash.dmp 'https://crashes.example.com:8443/api/7/minidump/?sentry_key=k3y'");
  });
  it("may stand below a path", () => {
    expect(readDsn("https://k@h/deadair/7")?.minidumpUrl).toBe("https://h/deadair/api/7/minidump/?sentry_key=k");
  });
  it("is refused when it is none", () => {
    expect([readDsn(""), readDsn("https://h/7"), readDsn("https://k@h/")]).toEqual([null, null, null]);
  });
});
