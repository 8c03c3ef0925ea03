// What happened, said once: a line at the foot of the page for the eye, a live
// region for a screen reader.
import { signal } from "@preact/signals";

/** The sentence to show; empty for none. */
export const announcement = signal("");

let timer: ReturnType<typeof setTimeout> | undefined;

/** Says a sentence for 4 s. */
export function announce(text: string): void {
  clearTimeout(timer);
  announcement.value = text;
  timer = setTimeout(() => (announcement.value = ""), 4000);
}
