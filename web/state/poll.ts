// The quiet refresh: every list and page on screen asks again every 5 s, but
// only while the tab can be seen, and never twice at once.
import { useEffect } from "preact/hooks";
import { signal } from "@preact/signals";

/** Time between two quiet refreshes. */
const pollMilliseconds = 5000;

/** The present moment as the page prints it: relative times are counted from it and move together. */
export const now = signal(Date.now());

/** Calls `refresh` at once, then every 5 s while the page can be seen and `key` stays the same. */
export function usePoll(key: string, refresh: () => Promise<void>): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let ended = false;
    let busy = false;
    const turn = async () => {
      clearTimeout(timer);
      if (ended || busy) return;
      if (!document.hidden) {
        busy = true;
        await refresh();
        busy = false;
        now.value = Date.now();
      }
      if (!ended) timer = setTimeout(turn, pollMilliseconds);
    };
    const wake = () => {
      if (!document.hidden) void turn();
    };
    void turn();
    document.addEventListener("visibilitychange", wake);
    return () => {
      ended = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", wake);
    };
  }, [key]);
}
