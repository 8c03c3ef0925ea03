// What came with the crash besides the stack: annotations, attachments, and
// what the pipeline noted.
import type { CrashDetail } from "../../services/triage/schema.ts";
import { CodeName } from "../parts/code-name.tsx";
import { formatBytes } from "../text/amounts.ts";

/** Annotations, attachments and notes; nothing when there are none. */
export function ExtrasPanel(props: { readonly crash: CrashDetail }) {
  const { crash } = props;
  const annotations: (readonly [string, string])[] = [
    ...Object.entries(crash.annotations).map(([key, value]) => [key, annotationText(value)] as const),
    ...Object.entries(crash.report?.annotations ?? {}),
  ].sort((a, b) => a[0].localeCompare(b[0], "en"));
  return (
    <>
      {crash.notes.length > 0 && (
        <section aria-labelledby="notes">
          <h2 id="notes">Notes</h2>
          <ul class="notes">
            {crash.notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </section>
      )}
      {annotations.length > 0 && (
        <section aria-labelledby="annotations">
          <h2 id="annotations">Annotations</h2>
          <dl class="pairs">
            {annotations.map(([key, value], index) => (
              <div key={`${key} ${index}`}>
                <dt>
                  <CodeName name={key} />
                </dt>
                <dd>
                  <CodeName name={value} />
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
    </>
  );
}

/** An annotation's value as text: text as it is, all else as JSON. */
function annotationText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
