// The list of keys, opened by `?` or its button.
import { useEffect, useRef } from "preact/hooks";
import { signal } from "@preact/signals";
import { bindings, keysOn, setKeysOn } from "../state/keys.ts";

/** Whether the list is open. */
export const keyHelpOpen = signal(false);

/** The dialog with the keys in force. */
export function KeyHelp() {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = keyHelpOpen.value;
  useEffect(() => {
    if (open && dialog.current?.open === false) dialog.current.showModal();
    if (!open) dialog.current?.close();
  }, [open]);
  return (
    <dialog ref={dialog} class="keys" aria-labelledby="keys-title" onClose={() => (keyHelpOpen.value = false)}>
      <h2 id="keys-title">Keys</h2>
      <dl>
        {bindings.value.toReversed().map((binding) => (
          <div key={`${binding.key} ${binding.does}`}>
            <dt>
              <kbd>{binding.key}</kbd>
            </dt>
            <dd>{binding.does}</dd>
          </div>
        ))}
      </dl>
      <label class="keys-switch">
        <input type="checkbox" checked={keysOn.value} onChange={(event) => setKeysOn(event.currentTarget.checked)} />
        Single keys act
      </label>
      <form method="dialog">
        <button type="submit" class="button" autofocus>
          Close
        </button>
      </form>
    </dialog>
  );
}
