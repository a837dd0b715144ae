// One lock: its holders, its queue, and what has happened to it.

import { get } from "./api.js";
import { copyable } from "./command.js";
import { el, honest, name, ownerLink, panel, put, text } from "./dom.js";
import { Events } from "./events.js";
import { disconnectDialog, forceDialog, openDialog } from "./act.js";
import { clock, count, duration, instant, plural } from "./format.js";
import { lease } from "./lease.js";
import { now } from "./store.js";
import { facts, Table } from "./table.js";
import { link } from "./router.js";

const EVERY_MS = 1_000;

export function lock(page, params) {
  const wanted = params.get("name") ?? "";
  let view = null;
  const forceButton = el("button", { type: "button", class: "danger", hidden: true, onclick: () => forceDialog(view, page) }, "Force release…");
  const head = el("div", { class: "title" }, el("h1", null, el("span", { class: "kind-of" }, "Lock"), " ", name(wanted, { title: undefined })),
    el("div", { class: "tools" }, el("a", { class: "button", href: link("waits", { lock: wanted }) }, "Who waits for whom"), el("button", { type: "button", onclick: () => commandsDialog(view ?? { lock: wanted }) }, "As commands…"), forceButton));
  const state = el("div", { class: "lock-state" });
  const queueNote = el("span", { class: "note" });
  const queue = new Table({
    label: "Queue", key: (r) => `${r.position} ${r.service}`, empty: "Nobody waits for it.",
    columns: [
      { id: "position", label: "", hidden: "Position", num: true, class: "position", cell: (r) => count(r.position) },
      { id: "service", label: "Service", wide: true, cell: (r) => ownerLink(r.service) },
      { id: "waited", label: "Has waited", num: true, cell: (r) => duration(r.waited_ms) },
      { id: "left", label: "Gives up in", num: true, cell: (r) => duration(r.left_ms) },
      { id: "mode", label: "Mode", low: true, cell: (r) => r.mode },
      { id: "meta", label: "Meta", low: true, class: "meta-cell", cell: (r) => (r.meta ? name(r.meta) : "") },
      { id: "client", label: "Client", num: true, low: true, cell: (r) => (r.client ? el("button", { type: "button", class: "plain", onclick: () => disconnectDialog({ client: r.client }, page) }, String(r.client)) : "") },
    ],
  });
  const forceHolder = (token) => {
    const hold = view.holds.find((h) => h.token === token);
    if (hold) forceDialog({ ...view, ...hold, owner: hold.service }, page);
  };
  const holdersNote = el("span", { class: "note" });
  const holders = new Table({
    label: "Holders", key: (r) => r.token, empty: "",
    columns: [
      { id: "service", label: "Service", wide: true, cell: (r) => ownerLink(r.service) },
      { id: "held", label: "For", num: true, mid: true, cell: (r) => duration(r.held_ms) },
      { id: "lease", label: "Lease left", class: "lease-cell", low: true, cell: (r, td) => lease(td, r.lease_ms, r.ttl_ms) },
      { id: "count", label: "Count", num: true, low: true, help: "How often the holder has acquired it", cell: (r) => count(r.count) },
      { id: "token", label: "Fencing token", num: true, low: true, cell: (r) => String(r.token) },
      { id: "meta", label: "Meta", low: true, class: "meta-cell", cell: (r) => (r.meta ? name(r.meta) : "") },
      { id: "act", label: "", num: true, cell: (r, td) => {
        if (!td.firstChild) td.append(el("button", { type: "button", class: "quiet", "aria-label": `Force release of ${honest(r.service)}…`, onclick: () => forceHolder(r.token) }, "Force release…"));
      } },
    ],
  });
  const holdersPanel = panel("Holders", { note: holdersNote, hidden: true, class: "long" }, holders.node);
  const events = new Events({ withLock: false, empty: "Nothing notable is remembered of it." });
  page.add(head, state, holdersPanel, el("div", { class: "split" }, panel("Queue", { note: queueNote }, queue.node), panel("Events", { class: "events-panel" }, events.node)));
  const draw = holderFacts(state);
  page.every(EVERY_MS, async (signal) => {
    view = await get("lock", { name: wanted }, { signal });
    draw(view);
    const several = view.state === "held" && view.mode !== "exclusive"; // each holder has its own token, lease and button
    forceButton.hidden = view.state !== "held" || several;
    holdersPanel.hidden = !several;
    holders.table.classList.toggle("no-meta", !view.holds.some((h) => h.meta));
    holders.show(several ? view.holds : []);
    text(holdersNote, view.holders > view.holds.length ? `first ${count(view.holds.length)} of ${count(view.holders)}` : "");
    queue.table.classList.toggle("no-client", !view.queue.some((w) => w.client));
    queue.table.classList.toggle("no-meta", !view.queue.some((w) => w.meta));
    queue.show(view.queue);
    text(queueNote, view.waiters > view.queue.length ? `first ${count(view.queue.length)} of ${count(view.waiters)}` : view.waiters ? plural(view.waiters, "request") : "");
    events.show(view.events);
  });
  page.on("choice", (key) => key === "zone" && (events.retime(), view && draw(view)));
}

// holderFacts returns a function that shows who holds the lock. It changes texts in place.
function holderFacts(node) {
  let shownFor = null;
  let parts = {};
  return (v) => {
    const kind = `${v.state} ${v.owner} ${v.token} ${v.meta} ${v.mode} ${v.holders} ${v.taken} ${v.reentries_other_conn}`;
    if (kind !== shownFor) {
      shownFor = kind;
      parts = { since: el("span"), lease: el("span", { class: "lease-cell" }), waiters: el("span"), count: el("span"), heat: el("span") };
      put(node, v.state === "held" ? heldFacts(v, parts) : freeFacts(v, parts));
    }
    text(parts.waiters, v.waiters ? plural(v.waiters, "request") : "nobody");
    text(parts.heat, v.heat_ms ? duration(v.heat_ms) : "none");
    if (v.state !== "held") return;
    const since = now() - v.held_ms;
    text(parts.since, `${duration(v.held_ms)}, since ${clock(since, now())}`);
    parts.since.title = instant(since);
    text(parts.count, v.count === 1 ? "once" : `${count(v.count)} times`);
    lease(parts.lease, v.lease_ms, v.ttl_ms);
  };
}

function heldFacts(v, parts) {
  const several = v.mode !== "exclusive"; // each holder has a token and a lease of its own
  const who = several ? plural(v.holders, "holder") : v.owner === undefined ? "a service that this token may not see" : ownerLink(v.owner);
  const mode = v.mode === "permits" && v.permits ? `${count(v.taken)} of ${count(v.permits)} permits` : v.mode;
  return [
    facts([
      ["Held by", who],
      !several && ["For", parts.since],
      !several && ["Lease left", parts.lease],
      !several && ["Acquired", parts.count],
      ["Mode", mode],
      !several && ["Fencing token", el("span", { class: "number" }, String(v.token))],
      ["Waiting", parts.waiters],
      ["Time waited lately", parts.heat],
      v.reentries_other_conn > 0 && ["Re-entries from other connections", `${count(v.reentries_other_conn)}: several processes may share this service id`],
    ]),
    v.meta && meta(v.meta),
  ];
}

// meta shows what the holder says about itself, word by word where it is made of pairs.
function meta(value) {
  const words = honest(value).split(" ");
  const pairs = words.length <= 12 && words.every((w) => /^[\w.-]{1,40}=/.test(w));
  const shown = pairs ? words.map((w) => { const [key, rest] = w.split(/=(.*)/s); return el("span", { class: "pair" }, el("span", null, key), " ", el("bdi", { class: "name" }, rest)); }) : name(value, { title: undefined });
  return el("div", { class: "meta" }, el("span", { class: "label" }, "Meta"), " ", shown);
}

function freeFacts(v, parts) {
  const words = v.state === "recovering" ? "It is being recovered: its holder has not proved its hold yet." : "Nobody holds it.";
  return [el("p", { class: "free" }, words, " ", v.state === "free" && el("a", { href: link("locks", { prefix: v.lock }) }, "Locks whose names begin like this")),
    facts([["Waiting", parts.waiters], ["Time waited lately", parts.heat]])];
}

// commandsDialog shows what to type on the lock port for what the page shows and does.
function commandsDialog(v) {
  const quoted = `"${v.lock}"`;
  const lines = [`STATUS ${quoted}`, v.holders && v.mode !== "exclusive" && `HOLDERS ${quoted}`, `WAITERS ${quoted}`, v.token && `FORCE-RELEASE ${quoted} TOKEN ${v.token} REASON "..."`].filter(Boolean);
  openDialog("As commands", (close) => [
    el("p", null, "On the lock port, one per line:"),
    lines.map((line) => copyable(line)),
    el("div", { class: "actions" }, el("button", { type: "button", onclick: close }, "Close")),
  ]);
}
