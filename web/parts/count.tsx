// A number of things: short for the eye, whole in its title.
import { formatCount } from "../text/amounts.ts";

/** A count, such as `12.3k`. */
export function Count(props: { readonly value: number }) {
  const short = formatCount(props.value);
  const whole = props.value.toLocaleString("en-US");
  return short === whole ? <span class="num">{short}</span> : <span class="num" title={whole}>{short}</span>;
}
