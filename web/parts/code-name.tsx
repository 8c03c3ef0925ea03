// Names of code: long, without spaces, and to be read whole. They break where
// a reader would: after `::`, a comma, an opening bracket, a path's slash.
import type { ComponentChildren } from "preact";

/** A function's or module's name in mono, broken at its joints. */
export function CodeName(props: { readonly name: string }) {
  return <span class="code">{withBreaks(props.name)}</span>;
}

/** A signature: its frames are told apart by a fainter bar. */
export function SignatureName(props: { readonly signature: string }) {
  const parts = props.signature.split(" | ");
  return (
    <span class="code signature">
      {parts.map((part, index) => (
        <>
          {index > 0 && <span class="signature-bar"> | </span>}
          <span class={index === 0 ? "signature-first" : undefined}>{withBreaks(part)}</span>
        </>
      ))}
    </span>
  );
}

/** A name with the places where it may break. */
export function withBreaks(name: string): ComponentChildren {
  const pieces = name.split(/(?<=::|[,<(/\\_])/);
  return pieces.flatMap((piece, index) => (index === 0 ? [piece] : [<wbr />, piece]));
}
