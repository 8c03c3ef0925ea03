import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sendMail } from "../../workers/deliver/mail.ts";
import type { Message } from "../../workers/deliver/message.ts";
import { type SmtpSink, startSmtpSink } from "../support/smtp-sink.ts";

let sink: SmtpSink;
beforeEach(async () => {
  sink = await startSmtpSink();
});
afterEach(() => sink.close());

const message = (change: Partial<Message> = {}): Message => ({
  delivery: "0190-d",
  id: "a-b",
  type: "group.created",
  title: "New crash: Reverb::process<float>",
  firedAt: new Date("2026-11-23T12:00:00Z"),
  project: "hall",
  body: { group: { firstSeen: "2026-11-23T12:00:00.000Z" }, crash: { product: "Hall", version: "1.4.2", host: "REAPER" } },
  url: "https://deadair.example/hall/groups/1",
  target: "team@studio.example",
  secret: null,
  ...change,
});
const send = (change: Partial<Message> = {}, timeLimitMs = 5000) => sendMail(message(change), { smtpUrl: sink.url, from: "Deadair <alerts@deadair.example>", timeLimitMs });
const headerOf = (data: string, name: string) => data.match(new RegExp(`^${name}: (.*(?:\\r\\n[ \\t].*)*)`, "im"))?.[1]?.replace(/\r\n\s*/g, " ");

// The body, out of quoted-printable (RFC 2045 section 6.7) when it is in it.
function textOf(data: string): string {
  const body = data.slice(data.indexOf("\r\n\r\n") + 4);
  const plain = headerOf(data, "Content-Transfer-Encoding") === "quoted-printable" ? body.replace(/=\r\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) : body;
  return plain.replaceAll("\r\n", "\n").trimEnd();
}

describe("sendMail", () => {
  it("speaks SMTP to the server and says what happened", async () => {
    expect(await send()).toEqual({ delivered: true, status: 250, answer: "250 kept" });
    const [mail, ...others] = sink.mails;
    expect(others).toEqual([]);
    expect(mail).toMatchObject({ from: "alerts@deadair.example", to: ["team@studio.example"] });
    const data = mail?.data ?? "";
    expect(headerOf(data, "Subject")).toBe("[hall] New crash: Reverb::process<float>");
    expect(headerOf(data, "Message-ID")).toBe("<0190-d@deadair.example>");
    expect(headerOf(data, "List-ID")).toBe('"Deadair alerts of hall" <alerts.hall.deadair.example>');
    expect(headerOf(data, "Auto-Submitted")).toBe("auto-generated");
    expect(headerOf(data, "Content-Type")).toMatch(/^text\/plain/);
    expect(textOf(data)).toBe(
      [
        "New crash: Reverb::process<float>",
        "",
        "Product:    Hall 1.4.2",
        "Host:       REAPER",
        "First seen: 2026-11-23T12:00:00.000Z",
        "Project:    hall",
        "",
        "https://deadair.example/hall/groups/1",
        "",
        "--",
        "Deadair sends this because team@studio.example is a destination of the project hall.",
      ].join("\n"),
    );
  });

  it("is the same message when it is sent again", async () => {
    await send();
    await send();
    const [first, second] = sink.mails.map((mail) => mail.data);
    expect(first).toBe(second);
  });

  it("lets nobody write headers or recipients", async () => {
    await send({ title: "New crash: x\r\nBcc: victim@example.com\r\n\r\nboo", body: { crash: { host: "a\r\n.\r\nMAIL FROM:<x@y>" } } });
    await send({ target: "one@studio.example, two@studio.example" });
    expect(sink.mails.flatMap((mail) => mail.to)).not.toContain("victim@example.com");
    expect(sink.mails.flatMap((mail) => mail.to)).not.toContain("two@studio.example");
    expect(headerOf(sink.mails[0]?.data ?? "", "Bcc")).toBeUndefined();
    expect(textOf(sink.mails[0]?.data ?? "")).toContain("Host:       a . MAIL FROM:<x@y>");
  });

  it("writes a name that is not ASCII so that it can be read", async () => {
    await send({ title: "New crash: Größe::ändern" });
    expect(headerOf(sink.mails[0]?.data ?? "", "Subject")).toMatch(/=\?UTF-8\?/i);
  });

  it.each<[string, { [command: string]: string }, boolean, number | null, RegExp]>([
    // For good: the server knows the address and says no.
    ["an unknown recipient", { RCPT: "550 5.1.1 nobody here" }, true, 550, /cannot be sent: .*550 5\.1\.1 nobody here/],
    ["a text it will not take", { ".": "554 5.7.1 looks like spam" }, true, 554, /looks like spam/],
    // For now: greylisting, a full disk, a server that is going down.
    ["greylisting", { RCPT: "451 4.7.1 come back later" }, false, 451, /come back later/],
    ["a full disk", { ".": "452 4.3.1 no room" }, false, 452, /no room/],
    ["a server on its way down", { CONNECT: "421 4.3.2 closing" }, false, 421, /closing/],
  ])("judges %s", async (_, replies, permanent, status, error) => {
    sink.replies = replies;
    expect(await send()).toMatchObject({ delivered: false, permanent, status, error: expect.stringMatching(error) });
  });

  it.each([
    ["CONNECT", "hang"],
    ["EHLO", "hang"],
    ["RCPT", "hang"],
    [".", "hang"],
    // Never silent for long enough to run into a time limit of its own.
    ["EHLO", "drip"],
    [".", "drip"],
  ])("gives up on a server that at %s starts to %s", async (command, how) => {
    sink.replies = { [command]: how };
    const started = performance.now();
    expect(await send({}, 300)).toMatchObject({ delivered: false, permanent: false, error: expect.stringContaining("DELIVERY_SECONDS") });
    expect(performance.now() - started).toBeLessThan(3000);
  });

  it("says so when no server is there", async () => {
    const { url } = sink;
    await sink.close();
    sink = await startSmtpSink();
    expect(await sendMail(message(), { smtpUrl: url, from: "a@b.example", timeLimitMs: 2000 })).toMatchObject({ delivered: false, permanent: false, error: expect.stringContaining("ECONNREFUSED") });
  });

  it("says which setting is missing", async () => {
    expect(await sendMail(message(), { smtpUrl: undefined, from: "a@b.example", timeLimitMs: 2000 })).toMatchObject({ delivered: false, permanent: true, error: expect.stringMatching(/^mail_not_configured: .*SMTP_URL/) });
  });
});
