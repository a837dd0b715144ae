// One service: what it holds and what it waits for.

import { get } from "./api.js";
import { el, lockLink, name, ownerLink, panel, text } from "./dom.js";
import { count, duration, share, short } from "./format.js";
import { link } from "./router.js";
import { Table } from "./table.js";

const EVERY_MS = 4_000;
const STEPS = 8;

export function owner(page, params) {
  const service = params.get("service") ?? "";
  const holds = new Table({
    label: "Holds", key: (r) => r.lock, empty: "It holds nothing.",
    columns: [
      { id: "lock", label: "Lock", wide: true, cell: (r) => lockLink(r.lock) },
      { id: "held", label: "For", num: true, cell: (r) => duration(r.held_ms) },
      { id: "lease", label: "Lease left", num: true, cell: (r) => duration(r.lease_ms) },
      { id: "waiters", label: "Waiters", num: true, cell: (r) => count(r.waiters) },
      { id: "count", label: "Count", num: true, low: true, cell: (r) => count(r.count) },
      { id: "token", label: "Token", num: true, low: true, cell: (r) => String(r.token) },
    ],
  });
  const waits = new Table({
    label: "Waits", key: (r) => `${r.lock} ${r.position}`, empty: "It waits for nothing.",
    columns: [
      { id: "lock", label: "Lock", wide: true, cell: (r) => lockLink(r.lock) },
      { id: "holder", label: "Held by", mid: true, cell: (r) => (r.holder === undefined ? "–" : ownerLink(r.holder)) },
      { id: "position", label: "Position", num: true, cell: (r) => (r.position ? count(r.position) : "over 250") },
      { id: "waited", label: "Has waited", num: true, cell: (r) => duration(r.waited_ms) },
      { id: "left", label: "Gives up in", num: true, low: true, cell: (r) => duration(r.left_ms) },
    ],
  });
  const note = el("span", { class: "note" });
  const head = el("div", { class: "title" }, el("h1", null, el("span", { class: "kind-of" }, "Service"), " ", name(service, { title: undefined })),
    el("div", { class: "tools" }, el("a", { class: "button", href: link("waits", { owner: service }) }, "Who waits for whom"), el("a", { class: "button", href: link("locks", { owner: service }) }, "Its locks")));
  page.add(head, el("div", { class: "grid" }, panel("Holds", { note, class: "long" }, holds.node), panel("Waits", null, waits.node)));
  page.every(EVERY_MS, async (signal) => {
    let rows = [];
    let cursor = "";
    let part = 0;
    let of = 0;
    for (let step = 0; step < STEPS; step++) {
      const view = await get("owner", { service, limit: 100, cursor }, { signal });
      rows = rows.concat(view.rows);
      ({ cursor, of } = view);
      part = view.progress ?? 0;
      if (!cursor || rows.length >= 100) break;
    }
    holds.show(rows.filter((r) => r.kind === "hold"));
    waits.show(rows.filter((r) => r.kind === "wait"));
    text(note, cursor ? `looked at ${share(part)} of ${short(of)}; there may be more` : "");
  });
}
