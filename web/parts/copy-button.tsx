// Things to copy: a button, and a command or key with its button.
import { useSignal } from "@preact/signals";
import { copyText } from "../state/clipboard.ts";

/** A button that copies; it says "Copied" for a moment. `about` tells readers of many such buttons which one this is. */
export function CopyButton(props: { readonly text: () => string; readonly what: string; readonly label: string; readonly keyHint?: string; readonly about?: string }) {
  const done = useSignal(false);
  const copy = async () => {
    done.value = await copyText(props.text(), props.what);
    setTimeout(() => (done.value = false), 2000);
  };
  return (
    <button type="button" class="button" aria-label={props.about === undefined ? undefined : `${props.label} ${props.about}`} onClick={() => void copy()}>
      {done.value ? "Copied" : props.label}
      {props.keyHint !== undefined && !done.value && <kbd aria-hidden="true">{props.keyHint}</kbd>}
    </button>
  );
}

/** A line to copy: a command, an address, a key. */
export function CopyLine(props: { readonly text: string; readonly what: string }) {
  return (
    <div class="copy-line">
      <code>{props.text}</code>
      <CopyButton text={() => props.text} what={props.what} label="Copy" about={props.what} />
    </div>
  );
}
