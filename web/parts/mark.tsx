// Deadair's mark: a waveform that drops dead.

/** The mark, drawn in the text's colour; decoration, so hidden from readers. */
export function Mark(props: { readonly size: number }) {
  return (
    <svg class="mark" width={props.size} height={props.size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path d="M1 20h4L8.5 8l4.5 19L17.5 4 21 20h10" fill="none" stroke="currentColor" stroke-width="2.6" stroke-linejoin="round" stroke-linecap="round" />
    </svg>
  );
}
