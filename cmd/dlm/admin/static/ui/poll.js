// Frames for a page that gets no stream, because the server serves as many as it can: the page asks
// every five seconds, and tries the stream again after a minute.

import { get } from "./api.js";

const EVERY_MS = 5_000;
const TRIES = 12;

// poll calls onFrame with frames like those of the stream, until the signal aborts it or it is time
// to try the stream.
export async function poll(signal, onFrame) {
  let before = null;
  for (let n = 0; n < TRIES && !signal.aborted; n++) {
    const [stats, server, hot] = await Promise.all([get("stats", null, { signal }), get("server", null, { signal }), get("top", { by: "waiters", limit: 10 }, { signal }).catch(() => ({ rows: [] }))]);
    onFrame(frameOf(stats, before, server, hot));
    before = stats;
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, EVERY_MS);
      signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
    });
  }
}

const commands = (stats, wanted) => Object.values(stats.commands ?? {}).reduce((sum, codes) => sum + Object.entries(codes).reduce((s, [code, n]) => s + (wanted(code) ? n : 0), 0), 0);

// frameOf makes rates from two answers to /stats.
function frameOf(stats, before, server, hot) {
  const rate = (of) => (before ? Math.max(0, of(stats) - of(before)) / ((stats.at_ms - before.at_ms) / 1000) : 0);
  const { locks_held, locks_contended, waiters, connections, longest_wait_ms } = stats;
  return {
    at_ms: stats.at_ms, uptime_ms: stats.uptime_ms, role: server.role, ready: server.ready, image_age_ms: server.durability?.image_age_ms,
    now: {
      locks_held, locks_contended, waiters, connections, longest_wait_ms,
      commands_per_s: rate((s) => commands(s, () => true)),
      errors_per_s: rate((s) => commands(s, (code) => code !== "ok")),
      expiries_per_s: rate((s) => s.expiries),
      forced_per_s: rate((s) => s.forced_releases),
      accepted_per_s: rate((s) => s.accepted_connections),
    },
    hot, events: [], warnings: server.warnings ?? [],
  };
}
