// One service: what it holds and what it waits for.

import { get } from "./api.js";
import { el, lockLink, name, ownerLink, panel, text } from "./dom.js";
import { count, duration, share, short } from "./format.js";
import { link } from "./router.js";
import { Table } from "./table.js";

const EVERY_MS = 4_000;
const ROWS = 100;
const STEPS = 8; // pages of the server that one reading looks at, until more are wanted

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
  let steps = STEPS;
  const more = el("button", { type: "button", hidden: true, onclick: () => { steps += STEPS; page.refresh(); } }, "Look at more");
  const head = el("div", { class: "title" }, el("h1", null, el("span", { class: "kind-of" }, "Service"), " ", name(service, { title: undefined })),
    el("div", { class: "tools" }, el("a", { class: "button", href: link("waits", { owner: service }) }, "Who waits for whom"), el("a", { class: "button", href: link("locks", { owner: service }) }, "Its locks")));
  page.add(head, el("div", { class: "grid" }, panel("Holds", { note, tools: more, class: "long" }, holds.node), panel("Waits", null, waits.node)));
  page.every(EVERY_MS, async (signal) => {
    let rows = [];
    let cursor = "";
    let part = 0;
    let of = 0;
    for (let step = 0; step < steps; step++) {
      const view = await get("owner", { service, limit: ROWS, cursor }, { signal });
      rows = rows.concat(view.rows);
      ({ cursor, of } = view);
      part = view.progress ?? 0;
      if (!cursor || rows.length >= ROWS) break;
    }
    holds.show(rows.filter((r) => r.kind === "hold"));
    waits.show(rows.filter((r) => r.kind === "wait"));
    const found = (none) => (cursor ? "None so far. There are more records to look at." : none);
    text(holds.empty, found("It holds nothing."));
    text(waits.empty, found("It waits for nothing."));
    more.hidden = !cursor || rows.length >= ROWS;
    text(note, cursor ? `looked at ${share(part)} of ${short(of)}; there may be more` : "");
  });
}
