// A mail server for tests: speaks enough SMTP (RFC 5321) to take a message, and keeps it.
import net, { type AddressInfo } from "node:net";

/** A message that arrived: the envelope, and the text with its headers. */
export type Mail = { readonly from: string; readonly to: readonly string[]; readonly data: string };

export type SmtpSink = {
  /** `smtp://127.0.0.1:PORT`. */
  readonly url: string;
  readonly mails: Mail[];
  /** Answers to say instead of the usual ones, by command: `{ RCPT: "550 nobody here" }`; `hang` says nothing, `drip` never comes to an end of it. */
  replies: { [command: string]: string };
  close(): Promise<void>;
};

/** Starts a mail server on a free port. */
export async function startSmtpSink(): Promise<SmtpSink> {
  const sockets = new Set<net.Socket>();
  const drips = new Set<NodeJS.Timeout>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    const say = (command: string, usual: string) => {
      const text = sink.replies[command] ?? usual;
      if (text === "drip") drips.add(setInterval(() => socket.write("250-and\r\n"), 20));
      else if (text !== "hang") socket.write(`${text}\r\n`);
    };
    let buffer = "";
    let from = "";
    let to: string[] = [];
    let inData = false;
    say("CONNECT", "220 sink");
    socket.on("data", (chunk) => {
      buffer += chunk.toString("utf8");
      for (;;) {
        const end = buffer.indexOf(inData ? "\r\n.\r\n" : "\r\n");
        if (end < 0) return;
        const line = buffer.slice(0, end);
        buffer = buffer.slice(end + (inData ? 5 : 2));
        if (inData) {
          inData = false;
          sink.mails.push({ from, to, data: line.replace(/\r\n\.\./g, "\r\n.") });
          say(".", "250 kept");
          continue;
        }
        const command = line.slice(0, 4).toUpperCase();
        const address = line.match(/<(.*?)>/)?.[1] ?? "";
        if (command === "MAIL") [from, to] = [address, []];
        if (command === "RCPT") to.push(address);
        if (command === "DATA") inData = true;
        if (command === "QUIT") socket.end("221 bye\r\n");
        else say(command, command === "DATA" ? "354 go on" : "250 ok");
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const sink: SmtpSink = {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mails: [],
    replies: {},
    async close() {
      for (const drip of drips) clearInterval(drip);
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return sink;
}
