// Small labels for states. The word always says it; colour only repeats it.

/** How a badge is painted. */
export type BadgeTone = "plain" | "accent" | "good" | "warn" | "bad";

/** A small label. */
export function Badge(props: { readonly tone: BadgeTone; readonly text: string; readonly title?: string }) {
  return (
    <span class={`badge ${props.tone}`} title={props.title}>
      {props.text}
    </span>
  );
}

/** The state of a group; `ongoing` is the usual one and has no badge. */
export function GroupState(props: { readonly state: string }) {
  if (props.state === "ongoing") return null;
  return <Badge tone={props.state === "new" ? "accent" : props.state === "resolved" ? "good" : "plain"} text={props.state} />;
}

/** The state of a crash. */
export function CrashState(props: { readonly state: string; readonly waitingForSymbols: boolean }) {
  if (props.state === "failed") return <Badge tone="bad" text="failed" title="The pipeline gave up on this crash; its dump is kept" />;
  if (props.state === "stored") return <Badge tone="warn" text="waiting" title="Stored, and not yet symbolicated" />;
  if (props.waitingForSymbols) return <Badge tone="warn" text="symbols missing" title="Frames of this crash have no names: symbols were not uploaded" />;
  return null;
}
