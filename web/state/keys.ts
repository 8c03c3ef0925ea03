// Keys that act. A screen lends its keys while it is on; `?` lists those in
// force. A key never acts inside a field, with a modifier, or when the reader
// has turned single keys off (WCAG 2.1.4: they get in the way of dictation).
import { useEffect } from "preact/hooks";
import { signal } from "@preact/signals";

/** One key and what it does. */
export type KeyBinding = {
  /** The key as the event names it, such as `j` or `?`. */
  readonly key: string;
  /** What it does, for the list of keys. */
  readonly does: string;
  readonly run: () => void;
};

/** The keys in force, the newest screen's last. */
export const bindings = signal<readonly KeyBinding[]>([]);

const storageName = "deadair.keys";

/** Whether single keys act; kept in this browser. */
export const keysOn = signal(true);

/** Turns single keys on or off. */
export function setKeysOn(on: boolean): void {
  keysOn.value = on;
  try {
    localStorage.setItem(storageName, on ? "on" : "off");
  } catch {
    // A browser that keeps nothing still obeys until it is closed.
  }
}

/** Lends keys while the calling component is on screen. `name` must change when what they do changes. */
export function useKeys(name: string, lent: readonly KeyBinding[]): void {
  useEffect(() => {
    bindings.value = [...bindings.peek(), ...lent];
    return () => {
      bindings.value = bindings.peek().filter((binding) => !lent.includes(binding));
    };
  }, [name]);
}

/** Starts to listen. */
export function startKeys(): void {
  try {
    keysOn.value = localStorage.getItem(storageName) !== "off";
  } catch {
    // As above.
  }
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const target = event.target instanceof HTMLElement ? event.target : null;
    if (target?.closest("input, textarea, select, [contenteditable]")) {
      if (event.key === "Escape") target.blur();
      return;
    }
    if (target?.closest("dialog") || !keysOn.value) return;
    const binding = bindings.value.findLast((one) => one.key === event.key);
    if (!binding) return;
    event.preventDefault();
    binding.run();
  });
}

/** Moves the focus by one among the elements that match, from the focused one; the first when none is. */
export function moveFocus(selector: string, step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>(selector)];
  const at = rows.findIndex((row) => row === document.activeElement);
  const next = rows[at === -1 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}
