// A time, relative for the eye and whole (UTC) in its title and for programs.
import { now } from "../state/poll.ts";
import { formatAgo, formatUtc } from "../text/amounts.ts";

/** A moment, such as `5 min ago`. */
export function When(props: { readonly at: string }) {
  return (
    <time dateTime={props.at} title={formatUtc(props.at)}>
      {formatAgo(props.at, now.value)}
    </time>
  );
}
