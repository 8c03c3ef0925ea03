// The heading of a screen. It names the tab, and takes the focus after a
// navigation, so that a screen reader starts where the new screen starts. On a
// list that the reader comes back to, the row that was opened takes it.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { navigations, openedRow } from "../state/router.ts";

/** The screen's `h1`; `title` goes to the tab, the children (or the title) to the page. */
export function Heading(props: { readonly title: string; readonly children?: ComponentChildren; readonly hidden?: boolean }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${props.title} · Deadair`;
  }, [props.title]);
  useEffect(() => {
    if (navigations.peek() === 0) return;
    const row = openedRow();
    const link = row === null ? null : document.querySelector<HTMLElement>(`[data-row="${CSS.escape(row)}"] .row-link`);
    if (link) link.focus();
    else heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <h1 ref={heading} tabIndex={-1} class={props.hidden === true ? "offscreen" : undefined}>
      {props.children ?? props.title}
    </h1>
  );
}
