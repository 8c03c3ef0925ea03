// A button that asks once more, in place, before it does what cannot be undone.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

/** `label` first; then `question` with "Yes" and "No". `subject` names what it acts on, for screen readers. */
export function ConfirmButton(props: { readonly label: string; readonly question: string; readonly subject: string; readonly act: () => Promise<void> }) {
  const asking = useSignal(false);
  const busy = useSignal(false);
  const no = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (asking.value) no.current?.focus();
  }, [asking.value]);
  if (!asking.value)
    return (
      <button type="button" class="button quiet" aria-label={`${props.label} ${props.subject}`} onClick={() => (asking.value = true)}>
        {props.label}
      </button>
    );
  const act = async () => {
    busy.value = true;
    await props.act();
    busy.value = false;
    asking.value = false;
  };
  return (
    <span class="confirm" role="group" aria-label={`${props.question} ${props.subject}`}>
      <span>{props.question}</span>
      <button type="button" class="button danger" disabled={busy.value} onClick={() => void act()}>
        Yes
      </button>
      <button type="button" class="button" ref={no} onClick={() => (asking.value = false)}>
        No
      </button>
    </span>
  );
}
