// Slack's incoming webhooks (api.slack.com/messaging/webhooks), and those who
// take the same JSON: Mattermost, and Discord under its `/slack` address.
//
// Everything is in `text`, since Discord and Mattermost ignore Slack's blocks.
// Text from a crash is text from a stranger: `&`, `<` and `>` are escaped as
// Slack asks, which takes away its links and `<!channel>`; it stands in code
// spans, so that `*` and `_` of a C++ name stay themselves; and an `@everyone`
// loses its power in those that read plain ones.
import { type Message, factsOf, oneLine } from "./message.ts";

/** Characters of a text. Discord refuses more than 2000; Slack and Mattermost take more than anybody reads. */
const textChars = 2000;

/** The JSON body of a message to a Slack-compatible hook. Facts that do not fit are left out, the last ones first. */
export function slackBody(message: Message): string {
  const first = `*${headline(message)}*`;
  const last = message.url === null ? `Project: ${code(message.project)}` : `Project: ${code(message.project)} · <${message.url}|Open in Deadair>`;
  const facts = factsOf(message.body).map(([label, value]) => `${label}: ${code(value)}`);
  const text = () => [first, ...facts, last].join("\n");
  while (facts.length > 0 && text().length > textChars) facts.pop();
  return JSON.stringify({ text: text() });
}

/** Escapes what Slack reads as markup (api.slack.com/reference/surfaces/formatting#escaping). */
export function escapeSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

// A title is `New crash: <signature>`: the words before the colon are ours, what follows is not.
function headline(message: Message): string {
  const colon = message.title.indexOf(": ");
  if (colon < 0) return plain(message.title);
  return `${plain(message.title.slice(0, colon))}: ${code(message.title.slice(colon + 2))}`;
}

function code(text: string): string {
  return `\`${plain(text).replaceAll("`", "'")}\``;
}

function plain(text: string): string {
  // A zero-width space takes a mention apart without changing how it looks.
  return escapeSlack(oneLine(text, 300).replace(/@(?=everyone|here|channel|all)/gi, "@\u200b"));
}
