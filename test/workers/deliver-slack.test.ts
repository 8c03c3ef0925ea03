import { describe, expect, it } from "vitest";
import type { Message } from "../../workers/deliver/message.ts";
import { escapeSlack, slackBody } from "../../workers/deliver/slack.ts";

const message = (change: Partial<Message> = {}): Message => ({
  delivery: "d",
  id: "a-b",
  type: "group.created",
  title: "New crash: Reverb::process<float>",
  firedAt: new Date("2026-11-23T12:00:00Z"),
  project: "hall",
  body: { project: "hall", group: { firstSeen: "2026-11-23T12:00:00.000Z" }, crash: { product: "Hall", version: "1.4.2", host: "REAPER", os: "windows", arch: "x86_64", reason: "EXCEPTION_ACCESS_VIOLATION_READ" } },
  url: "https://deadair.example/hall/groups/1",
  target: "",
  secret: null,
  ...change,
});
const textOf = (change: Partial<Message>) => (JSON.parse(slackBody(message(change))) as { text: string }).text;

describe("slackBody", () => {
  it("reads like this", () => {
    expect(JSON.parse(slackBody(message()))).toEqual({
      text: [
        "*New crash: `Reverb::process&lt;float&gt;`*",
        "Reason: `EXCEPTION_ACCESS_VIOLATION_READ`",
        "Product: `Hall 1.4.2`",
        "Host: `REAPER`",
        "System: `windows x86_64`",
        "First seen: `2026-11-23T12:00:00.000Z`",
        "Project: `hall` · <https://deadair.example/hall/groups/1|Open in Deadair>",
      ].join("\n"),
    });
  });

  it("leaves out what is not known", () => {
    expect(textOf({ body: { project: "hall", crash: { product: "Hall", version: null, host: null } }, url: null })).toBe("*New crash: `Reverb::process&lt;float&gt;`*\nProduct: `Hall`\nProject: `hall`");
  });

  it("says a test in one line and the project", () => {
    expect(textOf({ title: "Test alert", type: "test", body: { project: "hall" }, url: null })).toBe("*Test alert*\nProject: `hall`");
  });

  it.each([
    // Slack's own mentions, and a link that lies about where it goes.
    ["<!channel>", "&lt;!channel&gt;"],
    ["<https://evil.example|Open>", "&lt;https://evil.example|Open&gt;"],
    ["a & b", "a &amp; b"],
    // Plain mentions of Discord and Mattermost.
    ["@everyone", "@\u200beveryone"],
    ["@Channel", "@\u200bChannel"],
    // What would end the code span, or the line.
    ["a`b", "a'b"],
    ["a\r\nProject: `x`", "a Project: 'x'"],
    ["a\u2028b\u0000c", "a b c"],
  ])("takes the power from %j", (host, shown) => {
    expect(textOf({ body: { crash: { host } } })).toContain(`Host: \`${shown}\`\n`);
  });

  it("fits into Discord's 2000 characters whatever a client says", () => {
    const host = "&".repeat(10_000);
    const text = textOf({ title: `New crash: ${"x".repeat(255)}`, body: { crash: { product: host, host, reason: host, os: host } } });
    expect(text.length).toBeLessThanOrEqual(2000);
    expect(text).toContain("Open in Deadair");
  });
});

describe("escapeSlack", () => {
  it("escapes the three characters once each", () => {
    expect(escapeSlack("<a href=\"x\">&amp;</a>")).toBe("&lt;a href=\"x\"&gt;&amp;amp;&lt;/a&gt;");
  });
});
