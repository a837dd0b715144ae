// Page 4: who waits for whom, as a picture and as the same table.

import { get } from "./api.js";
import { el, honest, lockLink, name, ownerLink, panel, put, shape, text } from "./dom.js";
import { count, duration, plural } from "./format.js";
import { isBackup, tellNobodyWaits } from "./overview.js";
import { go, link } from "./router.js";
import { Table } from "./table.js";

const EVERY_MS = 4_000;
const HOT = 12;
const CYCLES = 10; // that are listed, until more are wanted
const SENTENCE = 6; // waits of a cycle that are written out
const WAITS = 30; // that are drawn, until more are wanted

export function waits(page, params) {
  const focus = { lock: params.get("lock") ?? "", owner: params.get("owner") ?? "" };
  const focused = focus.lock !== "" || focus.owner !== "";
  page.add(form(focus));
  deadlocks(page);
  if (focused) picture(page, focus);
  else choose(page);
}

function form(focus) {
  const kind = focus.owner ? "owner" : "lock";
  const radio = (value, label) => el("label", null, el("input", { type: "radio", name: "kind", value, checked: kind === value }), el("span", null, label));
  const node = el("form", { class: "filters", "aria-label": "Around what", onsubmit(event) {
    event.preventDefault();
    const values = new FormData(node);
    go("waits", { [values.get("kind")]: values.get("what") });
  } }, el("fieldset", { class: "segments" }, el("legend", { class: "vh" }, "Around"), radio("lock", "Lock"), radio("owner", "Service")),
  el("label", { class: "field grow" }, el("span", null, "Name"), el("input", { class: "name", name: "what", value: focus.owner || focus.lock, autocomplete: "off", spellcheck: "false", autocapitalize: "off" })),
  el("button", { type: "submit" }, "Show"));
  return node;
}

function deadlocks(page) {
  const note = el("span", { class: "note" });
  const body = el("div", { class: "cycles" });
  const rest = more(page, CYCLES, "cycle");
  page.add(panel("Deadlocks", { note }, body, rest.node));
  page.every(EVERY_MS, async (signal) => {
    const view = await get("deadlocks", null, { signal });
    const cycles = group(view.rows);
    rest.of(cycles.size);
    put(body, cycles.size ? [...cycles].slice(0, rest.most).map(([number, edges]) => cycle(number, edges)) : el("p", { class: "empty" }, view.truncated ? "None among the waits that were looked at. There are more." : isBackup() ? "A backup does not know who waits." : "No services wait for each other in a circle."));
    text(note, view.truncated ? "not all waits were looked at" : "");
  });
}

function group(rows) {
  const all = new Map();
  for (const row of rows) all.set(row.cycle, [...(all.get(row.cycle) ?? []), row]);
  return all;
}

// more bounds what a list shows, and tells how much it leaves out. Its button shows four times as
// much.
function more(page, most, what) {
  const words = el("span");
  const button = el("button", { type: "button", hidden: true, onclick: () => { rest.most *= 4; page.refresh(); } }, "Show more");
  const rest = { most, node: el("div", { class: "more" }, words, " ", button), of(all) {
    button.hidden = all <= rest.most;
    text(words, `and ${plural(all - rest.most, `more ${what}`)}`);
  } };
  return rest;
}

// cycle writes a deadlock as a sentence, from one lock to the next and back.
function cycle(number, all) {
  const since = Math.min(...all.map((e) => e.waited_ms));
  const edges = all.length > SENTENCE ? all.slice(0, SENTENCE - 1) : all;
  const left = all.length - edges.length;
  return el("div", { class: "cycle" }, el("span", { class: "kind bad" }, `cycle ${number}`), el("span", { class: "what" }, edges.map((e, i) => [i ? " · " : "", ownerLink(e.service), " waits for ", lockLink(e.lock), " of ", ownerLink(e.holder)]).flat(), left > 0 && ` · and ${count(left)} more waits, back to `, left > 0 && ownerLink(all[0].service)), el("span", { class: "note" }, `for ${duration(since)}`));
}

// choose offers the queues of now, if the address names none.
function choose(page) {
  const table = new Table({ label: "Queues", key: (r) => r.lock, columns: [
    { id: "lock", label: "Lock", wide: true, cell: (r) => el("a", { class: "name", href: link("waits", { lock: r.lock }) }, el("bdi", null, honest(r.lock))) },
    { id: "waiters", label: "Waiters", num: true, cell: (r) => count(r.waiters) },
    { id: "waited", label: "Longest wait", num: true, cell: (r) => duration(r.waited_ms) },
    { id: "owner", label: "Held by", class: "who-cell", mid: true, cell: (r) => (r.owner === undefined ? "nobody" : el("a", { class: "name", href: link("waits", { owner: r.owner }) }, el("bdi", null, honest(r.owner)))) },
  ] });
  page.add(panel("Draw around a queue", null, table.node));
  page.every(EVERY_MS, async (signal) => table.show((await get("top", { by: "waiters", limit: HOT }, { signal })).rows));
  tellNobodyWaits(page, table);
}

function picture(page, focus) {
  const box = el("div", { class: "graph" });
  const note = el("span", { class: "note" });
  const table = new Table({ label: "Who waits for whom", key: (e) => `${e.from} ${e.to} ${e.lock}`, empty: "Nobody waits here.", columns: [
    { id: "from", label: "Waits", class: "third", cell: (e) => ownerLink(e.from) },
    { id: "lock", label: "For lock", class: "third", cell: (e) => lockLink(e.lock) },
    { id: "to", label: "Held by", class: "third", cell: (e) => ownerLink(e.to) },
    { id: "waited", label: "Has waited", num: true, mid: true, cell: (e) => duration(e.waited_ms) },
    { id: "cycle", label: "Cycle", num: true, cell: (e) => (e.cycle ? el("span", { class: "kind bad" }, String(e.cycle)) : "") },
  ] });
  const subject = focus.owner ? ["around service ", name(focus.owner)] : ["around lock ", name(focus.lock)];
  const rest = more(page, WAITS, "wait");
  page.add(panel("Who waits for whom", { note: el("span", { class: "note" }, subject, " ", note) }, box, table.node, rest.node));
  let drawn = "";
  page.every(EVERY_MS, async (signal) => {
    const view = await get("graph", focus.owner ? { owner: focus.owner } : { lock: focus.lock }, { signal });
    rest.of(view.edges.length);
    const shown = few(view, rest.most);
    const shownAs = JSON.stringify([shown.nodes.map((n) => n.id), shown.edges.map((e) => [e.from, e.to, e.lock, e.cycle])]);
    if (shownAs !== drawn) put(box, shown.edges.length ? draw(shown) : "");
    drawn = shownAs;
    table.show(shown.edges);
    const part = shown.edges.length < view.edges.length;
    const waits = part ? `${count(shown.edges.length)} of ${view.truncated ? "more than " : ""}${count(view.edges.length)} waits` : `${plural(view.edges.length, "wait")}${view.truncated ? ", there are more" : ""}`;
    text(note, `· ${waits}${view.hidden ? `, ${count(view.hidden)} hidden from this token` : ""}`);
  });
}

// few leaves so many waits, and their services. Each service keeps its first ones, since a part of
// all shows more than all of a few.
function few({ nodes, edges }, most) {
  if (edges.length <= most) return { nodes, edges };
  const lists = new Map(nodes.map((n) => [n.id, []]));
  for (const e of edges) lists.get(e.from).push(e);
  const kept = [];
  for (let round = 0; kept.length < most; round++) kept.push(...[...lists.values()].filter((list) => round < list.length).map((list) => list[round]));
  kept.length = most;
  const there = new Set(kept.flatMap((e) => [e.from, e.to]));
  return { nodes: nodes.filter((n) => there.has(n.id)), edges: kept };
}

const ROW = 34;
const BOX = 26;
const small = matchMedia("(max-width: 600px)"); // two columns have to fit

// sizes returns the width of a box, that of the gap to the next column, and how many letters a box
// has room for.
const sizes = () => (small.matches ? { wide: 132, gap: 48, letters: 15 } : { wide: 170, gap: 150, letters: 21 });

// layers gives each service a column: holders that wait for nobody stand right, and each waiter one
// column left of what it waits for. Services of a cycle share the column that they reach first.
function layers(nodes, edges) {
  const waitsFor = new Map(nodes.map((n) => [n.id, []]));
  for (const e of edges) if (!e.cycle) waitsFor.get(e.from).push(e.to);
  const level = new Map();
  const depth = (id) => {
    if (!level.has(id)) {
      level.set(id, 0); // who waits for a service that is on the way here stands beside it
      level.set(id, Math.max(0, ...waitsFor.get(id).map((to) => depth(to) + 1)));
    }
    return level.get(id);
  };
  for (const n of nodes) depth(n.id);
  return level;
}

function draw({ nodes, edges }) {
  const { wide, gap, letters } = sizes();
  const level = layers(nodes, edges);
  const deepest = Math.max(...level.values());
  const inCycle = new Set(edges.filter((e) => e.cycle).flatMap((e) => [e.from, e.to]));
  const stuckFirst = [...nodes].sort((a, b) => inCycle.has(b.id) - inCycle.has(a.id)); // a long picture shows its upper end
  const columns = Array.from({ length: deepest + 1 }, (_, i) => stuckFirst.filter((n) => level.get(n.id) === deepest - i));
  const tallest = Math.max(...columns.map((c) => c.length));
  const at = new Map();
  const bulge = edges.some((e) => level.get(e.from) === level.get(e.to)) ? 90 : 0;
  columns.forEach((column, i) => column.forEach((n, j) => at.set(n.id, { x: i * (wide + gap), y: (j + (tallest - column.length) / 2) * ROW + 6 })));
  const width = columns.length * wide + (columns.length - 1) * gap + bulge + 8;
  const height = tallest * ROW + 8;
  const marker = (id) => shape("marker", { id, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" }, shape("path", { d: "M0 0L8 4L0 8z" }));
  const label = `${plural(nodes.length, "service")}, ${plural(edges.length, "wait")}${inCycle.size ? `, ${plural(inCycle.size, "service")} in cycles` : ""}. The table below has the same.`;
  const svg = shape("svg", { viewBox: `-4 0 ${width} ${height}`, width, height, role: "group", "aria-label": label }, shape("defs", null, marker("arrow"), marker("arrow-bad")));
  const named = new Set();
  const parts = edges.map((e) => edge(e, at, level, named));
  svg.append(...parts.flatMap((p) => p.lines), ...nodes.map((n) => box(n, at.get(n.id), wide, letters, inCycle.has(n.id))), ...parts.flatMap((p) => p.marks));
  return svg;
}

// edge is a line from a waiter to a holder, and its marks: the name of the lock once per holder and
// the number of the cycle. In one column a line leaves a box above the place where others arrive.
function edge(e, at, level, named) {
  const { wide, gap } = sizes();
  const from = at.get(e.from);
  const to = at.get(e.to);
  const same = level.get(e.from) === level.get(e.to);
  const forward = from.x < to.x;
  const y1 = from.y + BOX * (same ? 0.3 : 0.5);
  const y2 = to.y + BOX * (same ? 0.7 : 0.5);
  const x1 = from.x + wide;
  const x2 = forward ? to.x : to.x + wide;
  const bend = same ? Math.min(110, 26 + Math.abs(y2 - y1) / 3 + (y2 < y1 ? 44 : 0)) : gap / 2;
  const side = forward ? -1 : 1; // of the holder at which the line arrives
  const d = `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 + side * bend} ${y2} ${x2 + side} ${y2}`;
  const lines = [shape("path", { d, class: e.cycle ? "edge bad" : "edge", "marker-end": e.cycle ? "url(#arrow-bad)" : "url(#arrow)" }, shape("title", null, `${honest(e.from)} waits for ${honest(e.lock)} of ${honest(e.to)}`))];
  const marks = [];
  const key = `${e.lock} ${e.to}`;
  if (!same && !small.matches && !named.has(key)) {
    named.add(key);
    marks.push(shape("text", { x: x2 + side * 10, y: y2 - 5, class: "edge-name", "text-anchor": forward ? "end" : "start" }, clip(honest(e.lock), 20)));
  }
  if (e.cycle) {
    const mx = (x1 + x2) / 2 + (3 * (1 + side) * bend) / 8; // the middle of the line
    const my = (y1 + y2) / 2;
    marks.push(shape("circle", { cx: mx, cy: my, r: 8, class: "cycle-mark" }), shape("text", { x: mx, y: my + 3.5, class: "cycle-number", "text-anchor": "middle" }, String(e.cycle)));
  }
  return { lines, marks };
}

function box(n, { x, y }, wide, letters, bad) {
  const href = link("owner", { service: n.id });
  return shape("a", { href, "aria-label": `Service ${honest(n.id)}`, class: bad ? "node bad" : n.waits ? "node" : "node holds" }, shape("title", null, honest(n.id)), shape("rect", { x, y, width: wide, height: BOX, rx: 3 }), shape("text", { x: x + 10, y: y + 17 }, clip(honest(n.id), letters)));
}

const clip = (words, most) => (words.length > most ? `${words.slice(0, most - 1)}…` : words);
