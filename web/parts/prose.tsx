// Sentences of the server's messages and hints. They name commands between
// backticks, as Markdown does; nothing else of them is read as markup.

/** A sentence with its commands in mono. */
export function Prose(props: { readonly text: string }) {
  const pieces = props.text.split(/`([^`]+)`/);
  return <>{pieces.map((piece, index) => (index % 2 === 1 ? <code key={index}>{piece}</code> : piece))}</>;
}
