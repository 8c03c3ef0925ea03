// Collects what `--why` shows: for the caller that is being looked for, the
// candidates that were turned down and the rule that was used. A walk without
// `--why` has no log, and each technique then skips the work.
import type { FrameWhy, Rejection, TechniqueName } from "./thread-stack.ts";

/** Rejections kept of one frame; a scan of a full window has up to 160. */
const REJECTIONS_MAX = 16;

/** The log of one thread. */
export class WhyLog {
  private rejected: Rejection[] = [];
  private more = 0;
  private rule = "";
  private row: number | null = null;

  /** Notes a candidate that was turned down; see Rejection for the parameters. */
  reject(technique: TechniqueName, at: number | null, address: number | null, reason: string): void {
    if (this.rejected.length < REJECTIONS_MAX) this.rejected.push({ technique, at, address, reason });
    else this.more++;
  }

  /** Notes how the caller was computed; see FrameWhy for the parameters. */
  use(rule: string, row: number | null): void {
    this.rule = rule;
    this.row = row;
  }

  /** What was noted since the last call. */
  take(technique: TechniqueName): FrameWhy {
    const why: FrameWhy = { technique, rule: this.rule, row: this.row, rejected: this.rejected, rejectedMore: this.more };
    this.rejected = [];
    this.more = 0;
    this.rule = "";
    this.row = null;
    return why;
  }
}
