// Page 3: locks by prefix, owner and state, and how names are spread.

import { get } from "./api.js";
import { command } from "./command.js";
import { el, name, panel, put, text } from "./dom.js";
import { clock, count, duration, plural, share, short } from "./format.js";
import { heldFor, holder, isBackup, leaseOf, lockAndHolder } from "./overview.js";
import { go, link } from "./router.js";
import { say } from "./say.js";
import { now } from "./store.js";
import { Table } from "./table.js";

const ROWS = 100; // that one reading wants
const STEPS = 8; // pages of the server that one reading looks at
const TREE_MS = 20_000;

const states = [["all", "All"], ["held", "Held"], ["contended", "Waited for"]];

export function locks(page, params) {
  const filter = { prefix: params.get("prefix") ?? "", owner: params.get("owner") ?? "", state: params.get("state") ?? "all" };
  const table = new Table({
    label: "Locks", key: (r) => r.lock,
    columns: [
      { id: "lock", label: "Lock", wide: true, cell: lockAndHolder },
      { id: "owner", label: "Held by", class: "second", mid: true, cell: (r) => (r.state === "recovering" ? "being recovered" : holder(r)) },
      { id: "held", label: "For", num: true, cell: heldFor },
      { id: "waiters", label: "Waiters", num: true, cell: (r) => count(r.waiters) },
      { id: "count", label: "Count", num: true, low: true, help: "How often the holder has acquired it", cell: (r) => (r.mode === "exclusive" ? count(r.count) : "–") },
      { id: "lease", label: "Lease left", class: "lease-cell", low: true, cell: leaseOf },
    ],
  });
  const progress = el("span", { class: "note", id: "progress" });
  const more = el("button", { type: "button", hidden: true, onclick: () => page.try(() => read(page.signal)) }, "Go on");
  let rows = [];
  let cursor = "";
  let hidden = 0;

  const read = async (signal) => {
    more.hidden = true;
    const wanted = rows.length + ROWS;
    let of = 0;
    let part = 0;
    for (let step = 0; step < STEPS && rows.length < wanted; step++) {
      const view = await get("locks", { ...filter, limit: ROWS, cursor }, { signal });
      rows = rows.concat(view.rows);
      cursor = view.cursor;
      hidden += view.hidden ?? 0;
      of = view.of;
      part = view.progress ?? 0;
      text(progress, `looked at ${share(part)} of ${short(of)} …`);
      if (!cursor) break;
    }
    table.show(rows, { still: false });
    more.hidden = !cursor;
    const parts = [plural(rows.length, "lock"), cursor ? `looked at ${share(part)} of ${short(of)}` : `all ${count(of)} were looked at`, hidden ? `${count(hidden)} hidden from this token` : "", `at ${clock(now(), now())}`];
    text(progress, parts.filter(Boolean).join(" · "));
    put(table.empty, rows.length ? "" : nothing(filter, cursor));
  };
  const again = async (signal) => {
    rows = [];
    cursor = "";
    hidden = 0;
    await read(signal);
    say(`${plural(rows.length, "lock")} shown.`);
  };
  page.refreshers.push(() => page.try(again));

  const list = panel("Locks", { note: progress, tools: el("button", { type: "button", onclick: () => page.refresh() }, "Refresh") }, table.node, el("div", { class: "more" }, more));
  page.add(form(filter), el("div", { class: "split tree-first" }, tree(page, filter), list));
  page.try(again);
}

// nothing says why there are no rows, and what to do next.
function nothing(filter, cursor) {
  if (cursor) return el("p", null, "None so far. There are more records to look at.");
  if (!filter.prefix && !filter.owner && filter.state === "all" && !isBackup()) return [el("p", null, "No lock is held. Take one:"), command("ACQUIRE report worker-1 0 TTL 60000")];
  return el("p", null, "No lock matches. ", el("a", { href: "#/locks" }, "Show all locks"));
}

function form(filter) {
  const input = (key, label, placeholder) => el("label", { class: "field" }, el("span", null, label),
    el("input", { class: "name", name: key, value: filter[key], placeholder, autocomplete: "off", spellcheck: "false", autocapitalize: "off" }));
  const radios = el("fieldset", { class: "segments" }, el("legend", { class: "vh" }, "State"), states.map(([value, label]) =>
    el("label", null, el("input", { type: "radio", name: "state", value, checked: filter.state === value, onchange: () => node.requestSubmit() }), el("span", null, label))));
  const node = el("form", { class: "filters", "aria-label": "Which locks", onsubmit(event) {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(node));
    if (values.state === "all") delete values.state;
    go("locks", values);
  } }, input("prefix", "Name begins with", "orders/"), radios, input("owner", "Held by", "service id"), el("button", { type: "submit" }, "Show"));
  return node;
}

// tree shows how names are spread over their first segments.
function tree(page, filter) {
  const list = el("ul", { class: "tree" });
  const note = el("span", { class: "note" });
  page.every(TREE_MS, async (signal) => {
    const view = await get("prefixes", null, { signal });
    const most = Math.max(1, ...view.rows.map((r) => r.locks));
    put(list, view.rows.slice(0, 40).map((row) => {
      const bar = el("i", { "aria-hidden": "true" });
      bar.style.width = `${(100 * row.locks) / most}%`;
      const href = link("locks", { prefix: row.prefix });
      return el("li", null, el("a", { href, title: `${plural(row.locks, "lock")}, ${plural(row.waiters, "waiter")}`, "aria-current": row.prefix === filter.prefix && "true" }, bar, name(row.prefix), el("span", null, short(row.locks), el("span", { class: "vh" }, " locks"))));
    }));
    if (view.others?.locks) list.append(el("li", { class: "rest" }, `${count(view.others.locks)} with other beginnings`));
    if (!view.rows.length) list.append(el("li", { class: "rest" }, "No names yet."));
    text(note, view.age_ms > 1500 ? `${duration(view.age_ms)} old` : "");
  });
  return panel("How names begin", { note, class: "tree-panel" }, list);
}
