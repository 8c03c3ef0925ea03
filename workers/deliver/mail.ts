// Alerts by mail: plain text, through the operator's SMTP server.
//
// The Message-ID is made of the delivery, so that a copy (a connection that
// broke after the server had taken the message) is the same message to mail
// programs that fold copies; List-Id names the project, to filter by. A server
// that answers 5xx to the recipient or the text means it for good (RFC 5321
// section 4.2.1); one that refuses our sign-in is somebody changing a password,
// and is asked again.
import { createTransport } from "nodemailer";
import { type Message, type Outcome, factsOf, failed, impossible, oneLine } from "./message.ts";
import { describeError } from "./post.ts";

/** The SMTP server and how long it may take. */
export type MailOptions = {
  /** `smtp://USER:PASS@HOST:PORT`; undefined when the operator has set none. */
  readonly smtpUrl: string | undefined;
  /** Sender's address. */
  readonly from: string;
  readonly timeLimitMs: number;
};

/** Sends one mail; every failure is a value. */
export async function sendMail(message: Message, options: MailOptions): Promise<Outcome> {
  if (options.smtpUrl === undefined) return impossible("mail_not_configured: This server has no way to send mail. Set SMTP_URL to smtp://USER:PASS@HOST:PORT and start it again, then retry.");
  const deadline = AbortSignal.timeout(options.timeLimitMs);
  // Longer than the deadline, which ends whatever hangs: its answer names the limit, the library's own do not.
  const timeout = options.timeLimitMs + 1000;
  const transport = createTransport({ url: options.smtpUrl, connectionTimeout: timeout, greetingTimeout: timeout, socketTimeout: timeout, dnsTimeout: timeout });
  try {
    const domain = options.from.match(/@([a-z0-9.-]+)>?\s*$/i)?.[1] ?? "localhost";
    const info = await transport.sendMail({
      from: options.from,
      // As an object: a string would be read as a list of addresses.
      to: { name: "", address: message.target },
      subject: `[${message.project}] ${oneLine(message.title, 300)}`,
      text: mailText(message),
      messageId: `<${message.delivery}@${domain}>`,
      date: message.firedAt,
      list: { id: { url: `alerts.${message.project}.${domain}`, comment: `Deadair alerts of ${message.project}` } },
      // RFC 3834: nobody's out-of-office shall answer.
      headers: { "Auto-Submitted": "auto-generated" },
      disableFileAccess: true,
      disableUrlAccess: true,
      signal: deadline,
    });
    return { delivered: true, status: Number(info.response.match(/^\d{3}/)?.[0] ?? 250), answer: info.response };
  } catch (error) {
    if (deadline.aborted) return failed(`No answer within ${options.timeLimitMs / 1000} s (limit DELIVERY_SECONDS).`);
    return judge(error);
  } finally {
    transport.close();
  }
}

/** The text of the mail. */
export function mailText(message: Message): string {
  const lines = [oneLine(message.title, 300), "", ...factsOf(message.body).map(([label, value]) => `${`${label}:`.padEnd(12)}${value}`), `${"Project:".padEnd(12)}${message.project}`];
  if (message.url !== null) lines.push("", message.url);
  lines.push("", "--", `Deadair sends this because ${message.target} is a destination of the project ${message.project}.`);
  return `${lines.join("\n")}\n`;
}

function judge(error: unknown): Outcome {
  const { responseCode, response, code } = error as { responseCode?: number; response?: string; code?: string };
  const details = { ...(responseCode === undefined ? {} : { status: responseCode }), answer: response ?? null };
  const aboutMessage = code === "EENVELOPE" || code === "EMESSAGE";
  // Without a code nobody was asked: the address itself cannot be used.
  const final = aboutMessage && (responseCode === undefined || responseCode >= 500);
  return final ? impossible(`The message cannot be sent: ${describeError(error)}`, details) : failed(describeError(error), details);
}
