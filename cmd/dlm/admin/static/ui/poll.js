// Frames for a page that gets no stream: it asks every five seconds, and tries the stream again
// after a minute.

import { get } from "./api.js";

const EVERY_MS = 5_000;
const TRIES = 12;

// poll calls onFrame with frames like those of the stream, until the signal aborts it or it is time
// to try the stream. nextEvent returns the number of the first event that the page does not have.
export async function poll(signal, nextEvent, onFrame) {
  for (let n = 0; n < TRIES && !signal.aborted; n++) {
    const [history, server, hot, events] = await Promise.all([get("history", { last: 1 }, { signal }), get("server", null, { signal }), get("top", { by: "waiters", limit: 10 }, { signal }), get("events", { since: nextEvent() }, { signal })]);
    const now = Object.fromEntries(Object.entries(history.columns).map(([name, column]) => [name, column[0]]));
    const { uptime_ms, role, ready, durability, warnings } = server;
    onFrame({ at_ms: history.at_ms, uptime_ms, role, ready, image_age_ms: durability?.image_age_ms, now, hot, events: events.rows, next: events.next, warnings: warnings ?? [] });
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, EVERY_MS);
      signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
    });
  }
}
