// Page 2: where waiting happens and what it costs.

import { get } from "./api.js";
import { histogram, quantile } from "./chart.js";
import { el, panel, text } from "./dom.js";
import { count, duration, plural } from "./format.js";
import { heldFor, holder, leaseOf, lockAndHolder, tellNobodyWaits } from "./overview.js";
import { Table } from "./table.js";

const ROWS = 10;
const EVERY_MS = 4_000;
const CENSUS_MS = 20_000; // a walk over all locks

const lockColumn = { id: "lock", label: "Lock", wide: true, cell: lockAndHolder };
const ownerColumn = { id: "owner", label: "Held by", class: "who-cell", mid: true, cell: holder };
const waiters = { id: "waiters", label: "Waiters", num: true, cell: (r) => count(r.waiters) };
const waited = { id: "waited", label: "Longest wait", num: true, cell: (r) => duration(r.waited_ms) };
const heat = { id: "heat", label: "Time waited", num: true, help: "Waiting that has ended, all requests together, halved each minute", cell: (r) => duration(r.heat_ms) };
const held = { id: "held", label: "Held for", num: true, cell: heldFor };
const left = { id: "lease", label: "Lease left", class: "lease-cell", low: true, cell: leaseOf };
const ending = { id: "ending", label: "Lease left", num: true, cell: (r) => duration(r.lease_ms) };

const lists = [
  { by: "waiters", title: "Most waiters", waits: true, columns: [lockColumn, waiters, waited, ownerColumn] },
  { by: "wait", title: "Longest waits", waits: true, columns: [lockColumn, waited, waiters, ownerColumn] },
  { by: "heat", title: "Most time waited lately", empty: "No wait has ended lately.", columns: [lockColumn, heat, waiters, ownerColumn] },
  { by: "hold", title: "Longest holds", empty: "No lock is held.", columns: [lockColumn, held, ownerColumn, left] },
];

export function contention(page) {
  const grid = el("div", { class: "grid" });
  for (const list of lists) {
    const age = el("span", { class: "note" });
    const table = new Table({ label: list.title, key: (r) => r.lock, columns: list.columns, empty: list.empty });
    grid.append(panel(list.title, { note: age }, table.node));
    if (list.waits) tellNobodyWaits(page, table);
    page.every(EVERY_MS, async (signal) => {
      const view = await get("top", { by: list.by, limit: ROWS }, { signal });
      table.show(view.rows);
      const parts = [view.age_ms > 1500 && `${duration(view.age_ms)} old`, view.hidden && `${count(view.hidden)} hidden from this token`];
      text(age, parts.filter(Boolean).join(" · "));
    });
  }
  const ends = new Table({ label: "Leases that end next", key: (r) => r.lock, columns: [lockColumn, ending, ownerColumn, { ...held, low: true }], empty: "No lock is held." });
  const endsAge = el("span", { class: "note" });
  const ages = histogram("k1");
  const agesNote = el("p", { class: "chart-note" });
  grid.append(panel("Leases that end next", { note: endsAge }, ends.node), panel("How old present holds are", null, ages.node, agesNote));
  page.every(CENSUS_MS, async (signal) => {
    const view = await get("prefixes", { limit: ROWS }, { signal });
    ends.show(view.ends_next);
    text(endsAge, view.age_ms > 1500 ? `${duration(view.age_ms)} old` : "");
    const { le_ms: le, locks } = view.ages;
    const held = ages.update(le, locks);
    text(agesNote, held ? `${plural(held, "hold")}: half up to ${duration(quantile(le, locks, 0.5))} old, 99 of 100 up to ${duration(quantile(le, locks, 0.99))}.` : "No lock is held.");
  });
  const waits = histogram("k1", "k3");
  const holds = histogram("k1");
  const waitNote = el("p", { class: "chart-note" });
  const holdNote = el("p", { class: "chart-note" });
  const key = el("span", { class: "key" }, el("i", { class: "k1", "aria-hidden": "true" }), "granted ", el("i", { class: "k3", "aria-hidden": "true" }), "given up");
  grid.append(panel("How long waits lasted", { note: key }, waits.node, waitNote), panel("How long locks were held", { note: el("span", { class: "note" }, "one release in 16") }, holds.node, holdNote));
  page.every(EVERY_MS, async (signal) => {
    const { histogram: h } = await get("stats", null, { signal });
    if (!h) return;
    const waited = waits.update(h.le_ms, h.wait_granted, h.wait_ended);
    text(waitNote, waited ? `${plural(waited, "wait")} since the start: ${spread(h.le_ms, h.wait_granted.map((n, i) => n + h.wait_ended[i]))}.` : "No wait has ended since the start.");
    const held = holds.update(h.le_ms, h.hold);
    text(holdNote, held ? `${plural(held, "hold")} counted since the start: ${spread(h.le_ms, h.hold)}.` : "No hold has been counted since the start.");
  });
  page.add(grid);
}

// spread says in words what the picture shows.
function spread(le, counts) {
  const at = (part) => duration(quantile(le, counts, part));
  return `half took up to ${at(0.5)}, 99 of 100 up to ${at(0.99)}`;
}
