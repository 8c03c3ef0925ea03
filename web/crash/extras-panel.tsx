// What came with the crash besides the stack: annotations, attachments, what
// the pipeline and the walk noted, and what of the dump nobody read.
import type { CrashDetail } from "../../services/triage/schema.ts";
import { CodeName } from "../parts/code-name.tsx";
import { formatBytes } from "../text/amounts.ts";

/** Annotations, attachments and notes; nothing when there are none. */
export function ExtrasPanel(props: { readonly crash: CrashDetail }) {
  const { crash } = props;
  const sent = Object.entries(crash.annotations).map(([key, value]) => [key, annotationText(value), ""] as const);
  // Crashpad sends what it writes into the dump too: the same word twice says nothing, another word needs its source.
  const written = Object.entries(crash.report?.annotations ?? {})
    .filter(([key, value]) => !sent.some((one) => one[0] === key && one[1] === value))
    .map(([key, value]) => [key, value, sent.some((one) => one[0] === key) ? "in the dump" : ""] as const);
  const annotations = [...sent, ...written].sort((a, b) => a[0].localeCompare(b[0], "en"));
  const notes = [...crash.notes, ...(crash.report?.notes ?? [])];
  const unread = crash.report?.unread_streams ?? [];
  return (
    <>
      {notes.length > 0 && (
        <section aria-labelledby="notes">
          <h2 id="notes">Notes</h2>
          <ul class="notes">
            {notes.map((note, index) => (
              <li key={`${note} ${index}`}>{note}</li>
            ))}
          </ul>
        </section>
      )}
      {annotations.length > 0 && (
        <section aria-labelledby="annotations">
          <h2 id="annotations">Annotations</h2>
          <dl class="pairs">
            {annotations.map(([key, value, source], index) => (
              <div key={`${key} ${index}`}>
                <dt>
                  <CodeName name={key} />
                </dt>
                <dd>
                  <CodeName name={value} /> {source !== "" && <span class="faint">{source}</span>}
                </dd>
              </div>
            ))}
          </dl>
        </section>
      )}
      {crash.attachments.length > 0 && (
        <section aria-labelledby="attachments">
          <h2 id="attachments">Attachments</h2>
          <ul class="plain-list">
            {crash.attachments.map((one) => (
              <li key={one.name}>
                <CodeName name={one.name} /> <span class="faint">{formatBytes(one.bytes)}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {unread.length > 0 && (
        <details class="panel">
          <summary>{unread.length === 1 ? "1 stream of the dump was not read" : `${unread.length} streams of the dump were not read`}</summary>
          <ul class="plain-list">
            {unread.map(({ type, name, status }, index) => (
              <li key={`${type} ${index}`}>
                <code>{type}</code> {name !== null && <CodeName name={name} />} <span class="faint">{status}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

/** An annotation's value as text: text as it is, all else as JSON. */
function annotationText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
