// Page 1: six numbers with their last ten minutes, the locks that are waited for most, and what
// has happened.

import { spark } from "./chart.js";
import { el, lockLink, ownerLink, panel, text } from "./dom.js";
import { Events } from "./events.js";
import { clock, count, duration, percent, short } from "./format.js";
import { lease } from "./lease.js";
import { now, RING, store } from "./store.js";
import { Table } from "./table.js";
import { command } from "./command.js";

const per = (n) => (n >= 10_000 ? short(n) : count(Math.round(n)));

// sumOf adds the samples of the minute that ends at an index.
function minute(name, at) {
  const column = store.history.columns[name] ?? [];
  const end = column.length - (RING - 1 - at);
  return column.slice(Math.max(0, end - 59), end + 1).reduce((a, b) => a + (b ?? 0), 0);
}

// value of a column at an index of the ring, undefined where there was no sample.
function sample(name, at) {
  const column = store.history.columns[name] ?? [];
  return column[column.length - RING + at];
}

const full = (name, limit) => {
  const part = percent(store.frame?.now[name], store.server?.limits?.[limit]);
  return part >= 80 ? `${Math.floor(part)} % of the limit` : "";
};

// tiles of the strip: value and second line at an index of the ring.
const tiles = [
  { label: "Held", lines: [["locks_held", "k1", true]], value: (i) => short(sample("locks_held", i)), under: (i) => full("locks_held", "locks") || `${short(sample("locks_contended", i))} contended`, help: "Locks that are held" },
  { label: "Waiting", lines: [["waiters", "k1", true]], value: (i) => short(sample("waiters", i)), under: (i) => full("waiters", "waiters") || `longest ${duration(sample("longest_wait_ms", i) || null)}`, help: "Requests in queues" },
  { label: "Commands / s", lines: [["commands_per_s", "k1", true]], value: (i) => per(sample("commands_per_s", i)), under: (i) => `${per(sample("errors_per_s", i))} refused`, help: "Commands answered in a second" },
  { label: "Wait p50", lines: [["wait_p99_ms", "k2", false], ["wait_p50_ms", "k1", true]], value: (i) => duration(sample("wait_p50_ms", i) || null), under: (i) => `p99 ${duration(sample("wait_p99_ms", i) || null)}`, help: "How long waits lasted that ended in the last 10 seconds" },
  { label: "Expired / min", lines: [["expiries_per_s", "k3", true]], value: (i) => per(minute("expiries_per_s", i)), under: (i) => `${per(minute("forced_per_s", i))} forced`, help: "Leases that ended because no heartbeat came", bad: (i) => minute("expiries_per_s", i) > 0 },
  { label: "Connections", lines: [["connections", "k1", true]], value: (i) => short(sample("connections", i)), under: (i) => full("connections", "connections") || `${per(sample("accepted_per_s", i))} new / s`, help: "Open connections of lock clients" },
];

export function overview(page) {
  const strip = el("section", { class: "strip", "aria-label": "Now, and the last ten minutes" });
  const caption = el("p", { class: "strip-note" });
  let pointed = null;
  const shown = tiles.map((tile) => {
    const value = el("dd", { class: "value" });
    const under = el("dd", { class: "under" });
    const chart = spark(tile.lines.map(([, colour, area]) => ({ colour, area })), (i) => point(i));
    strip.append(el("dl", { class: "tile", title: tile.help }, el("dt", null, tile.label), value, under, chart.node));
    return { tile, value, under, chart };
  });
  const numbers = () => {
    if (!store.frame) return;
    const at = pointed ?? RING - 1;
    for (const { tile, value, under } of shown) {
      text(value, known(at) ? tile.value(at) : "–");
      text(under, known(at) ? tile.under(at) : " ");
      value.classList.toggle("bad", Boolean(tile.bad?.(at)));
    }
    text(caption, pointed === null ? "Last ten minutes" : `At ${clock(store.history.at - (RING - 1 - pointed) * 1000, now())}`);
    strip.classList.toggle("pointed", pointed !== null);
  };
  const known = (at) => sample("locks_held", at) !== undefined;
  const point = (i) => {
    if (i === pointed) return;
    pointed = i;
    for (const { chart } of shown) chart.point(i);
    numbers();
  };

  const hot = new Table({
    label: "Locks that are waited for most", key: (row) => row.lock, empty: "Nobody waits for a lock.",
    columns: [
      { id: "lock", label: "Lock", wide: true, cell: lockAndHolder },
      { id: "waiters", label: "Waiters", num: true, cell: (r) => count(r.waiters) },
      { id: "waited", label: "Longest wait", num: true, cell: (r) => duration(r.waited_ms) },
      { id: "owner", label: "Held by", class: "who-cell", mid: true, cell: holder },
      { id: "held", label: "For", num: true, mid: true, cell: heldFor },
      { id: "lease", label: "Lease left", class: "lease-cell", low: true, cell: leaseOf },
    ],
  });
  const events = new Events({ empty: "Nothing notable has happened since the start." });
  const first = el("div", { class: "first", hidden: true });
  const hotPanel = panel("Hot now", { note: el("span", { class: "note" }, "most waiters first"), tools: el("a", { href: "#/contention" }, "All contention") }, hot.node, first);
  page.add(strip, caption, el("div", { class: "split" }, hotPanel, panel("Events", { class: "events-panel" }, events.node)));

  const draw = () => {
    for (const { tile, chart } of shown) chart.show(tile.lines.map(([name]) => store.history.columns[name] ?? []));
    numbers();
    const rows = store.frame?.hot?.rows ?? [];
    hot.show(rows);
    text(hot.empty, nobodyWaits());
    events.show(store.events.slice(0, 60));
    const nothing = store.frame?.now.locks_held === 0 && !rows.length && !isBackup();
    if (nothing && first.hidden) first.replaceChildren(el("p", null, "No lock is held. Take one:"), command('ACQUIRE report worker-1 0 TTL 60000'));
    first.hidden = !nothing;
    hot.node.hidden = nothing;
  };
  page.on("tick", draw);
  page.on("choice", (key) => key === "zone" && (events.retime(), numbers()));
  if (store.frame) draw();
}

export const isBackup = () => store.frame?.role === "backup";

// nobodyWaits says why a list of waits is empty.
const nobodyWaits = () => (isBackup() ? "A backup knows who holds locks, not who waits. Its primary does." : "Nobody waits for a lock.");

// tellNobodyWaits keeps it in an empty table. The role is known with the first tick.
export function tellNobodyWaits(page, table) {
  const tell = () => text(table.empty, nobodyWaits());
  tell();
  page.on("tick", tell);
}

// heldFor and leaseOf are the cells of a hold. Of several holders each has a lease of its own.
export const heldFor = (r) => (r.mode === "exclusive" ? duration(r.held_ms) : "–");
export const leaseOf = (r, td) => lease(td, r.mode === "exclusive" ? r.lease_ms : undefined, r.ttl_ms);

// lockAndHolder is the cell of a lock. Narrow screens have no column for the holder, so the cell
// names it there.
export function lockAndHolder(row) {
  return el("div", null, lockLink(row.lock), el("div", { class: "sub" }, holder(row)));
}

// holder names who holds a lock, or how many do.
export function holder(row) {
  if (row.owner !== undefined && !(row.holders > 1)) return ownerLink(row.owner);
  if (row.holders > 1) return `${count(row.holders)} holders (${row.mode})`;
  return "nobody";
}
