// Copying. A page on plain HTTP under a name other than localhost has no
// clipboard API, and that is how many people run this inside a house: the old
// way is the second try.
import { announce } from "./announce.ts";

/** Copies text and says so; `what` names it, such as `Markdown`. */
export async function copyText(text: string, what: string): Promise<boolean> {
  const done = (await copyByApi(text)) || copyBySelection(text);
  announce(done ? `${what} copied` : `${what} could not be copied: the browser refused`);
  return done;
}

async function copyByApi(text: string): Promise<boolean> {
  if (!isSecureContext) return false;
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

function copyBySelection(text: string): boolean {
  const focused = document.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "offscreen";
  field.setAttribute("aria-hidden", "true");
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return done;
}
