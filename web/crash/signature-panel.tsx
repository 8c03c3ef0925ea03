// "Why this signature?": the crashed thread again, as the signature rules saw
// it. Each frame with its verdict and the list line that decided; then what
// the rules changed.
import type { Signature } from "./report.ts";
import { CodeName, SignatureName } from "../parts/code-name.tsx";
import { verdictText } from "./verdicts.ts";

/** The reasons for a signature. */
export function SignaturePanel(props: { readonly explanation: Signature | null }) {
  const { explanation } = props;
  if (explanation === null) return null;
  const known = explanation.frames.filter((frame) => frame.verdict !== "unused");
  const after = explanation.frames.length - known.length;
  return (
    <details class="panel" id="why">
      <summary>
        <h2>Why this signature?</h2>
      </summary>
      <p class="panel-signature">
        <SignatureName signature={explanation.signature} />
      </p>
      <p class="faint">
        The rules read the crashed thread from the top. Frames marked with a bar make up the signature; the last column names the list and line that decided. Signature rules, version {explanation.version}.
      </p>
      <table class="verdicts" role="table">
        <caption class="offscreen">Verdict on each frame of the crashed thread</caption>
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader" scope="col">
              #
            </th>
            <th role="columnheader" scope="col">
              Verdict
            </th>
            <th role="columnheader" scope="col">
              Name, as the rules see it
            </th>
            <th role="columnheader" scope="col">
              Decided by
            </th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          {known.map((frame) => {
            const text = verdictText(frame.verdict);
            return (
              <tr role="row" key={`${frame.frame}.${frame.inline ?? ""}`} class={frame.used ? "in-signature" : "left-out"}>
                <td role="cell" class="stack-number">
                  {frame.frame}
                  {frame.inline !== null && <abbr title="inlined"> i</abbr>}
                </td>
                <td role="cell">
                  <span class={`verdict ${frame.verdict}`} title={text.explains}>
                    {text.label}
                  </span>
                </td>
                <td role="cell">{frame.name === "" ? <span class="faint">no name</span> : <CodeName name={frame.name} />}</td>
                <td role="cell">{frame.rule === null ? <span class="faint">no list</span> : <code>{frame.rule}</code>}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {after > 0 && <p class="faint">{after} more frames come after the signature's end.</p>}
      {explanation.notes.length > 0 && (
        <>
          <h3>What the rules changed</h3>
          <ul class="notes">
            {explanation.notes.map((note) => (
              <li key={note}>
                <code>{note}</code>
              </li>
            ))}
          </ul>
        </>
      )}
      <p class="faint fingerprint">
        Fingerprint <code>{explanation.fingerprint}</code>
      </p>
    </details>
  );
}
