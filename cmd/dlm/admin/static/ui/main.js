// The frame around the pages: address, keys, the state of the connection, and signing in.

import { admin, get, token } from "./api.js";
import { openDialog } from "./act.js";
import { clients } from "./clients.js";
import { contention } from "./contention.js";
import { el, honest, name, put, text } from "./dom.js";
import { clock, duration, instant, useUTC } from "./format.js";
import { lock } from "./lock.js";
import { locks } from "./locks.js";
import { note } from "./notices.js";
import { overview } from "./overview.js";
import { owner } from "./owner.js";
import { Page } from "./page.js";
import { address, go, link } from "./router.js";
import { say } from "./say.js";
import { server } from "./server.js";
import { choice, connect, disconnect, emit, fresh, now, on, store } from "./store.js";
import { waits } from "./waits.js";

const $ = (id) => document.getElementById(id);

const pages = {
  overview: { title: "Overview", show: overview, tab: true },
  contention: { title: "Contention", show: contention, tab: true },
  locks: { title: "Locks", show: locks, tab: true },
  waits: { title: "Waits-for", show: waits, tab: true },
  clients: { title: "Clients", show: clients, tab: true },
  server: { title: "Server", show: server, tab: true },
  lock: { title: "Lock", show: lock, under: "locks" },
  owner: { title: "Service", show: owner, under: "locks" },
};
const tabs = Object.keys(pages).filter((key) => pages[key].tab);

let page = null;

// show opens the page that the address names.
function show({ focus = true } = {}) {
  const { page: key, params } = address();
  const known = pages[key] ? key : "overview";
  page?.close();
  page = null;
  const { title, show: open, under } = pages[known];
  const subject = params.get("name") ?? params.get("service") ?? params.get("lock") ?? params.get("prefix");
  document.title = [subject && honest(subject).slice(0, 60), title, "dlm"].filter(Boolean).join(" · ");
  for (const a of $("nav").querySelectorAll("a")) {
    const here = a.dataset.page === (under ?? known);
    if (here) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
    if (here) a.scrollIntoView({ block: "nearest", inline: "center" });
  }
  if (store.link === "login") return signIn();
  page = new Page($("main"));
  page.reopen = () => show();
  if (!document.querySelector("#main h1")) page.add(el("h1", { class: "vh" }, title));
  if (store.me) open(page, params);
  else page.add(el("p", { class: "empty" }, "Connecting …"));
  const h1 = $("main").querySelectorAll("h1");
  if (h1.length > 1) h1[0].remove();
  if (focus) $("main").focus({ preventScroll: true });
  scrollTo(0, 0);
}

// signIn asks for a token.
function signIn(problem) {
  page?.close();
  page = null;
  const input = el("input", { id: "token", type: "password", class: "name", autocomplete: "off", required: true, "aria-describedby": "token-hint token-wrong" });
  const wrong = el("p", { class: "wrong", id: "token-wrong", role: "alert" }, problem ?? "");
  const form = el("form", { class: "sign-in", async onsubmit(event) {
    event.preventDefault();
    const value = input.value.trim();
    if (!value) return;
    token.set(value);
    try {
      store.me = await get("me");
      start();
    } catch (error) {
      token.clear();
      text(wrong, error.code === "NETWORK" ? "The server does not answer." : `Refused: ${error.message}.`);
      input.select();
    }
  } }, el("h1", null, "Sign in"), el("label", { for: "token" }, "Token"), input,
  el("p", { class: "hint", id: "token-hint" }, "A token of the server's token file, with the role read, lock or admin. It is kept in this tab until you close it."), wrong, el("button", { type: "submit", class: "primary" }, "Sign in"));
  put($("main"), form);
  document.title = "Sign in · dlm";
  input.focus();
}

function start() {
  store.link = "wait";
  connect();
}

// The head of the page.

// linkWords says how the page gets its numbers.
const linkWords = { wait: "connecting", live: "live", gone: "no answer", hidden: "asleep", slow: "every 5 s", login: "signed out" };

function drawLink() {
  document.body.classList.toggle("out", store.link === "login");
  const shown = store.paused && fresh() ? "paused" : store.link;
  $("link").dataset.state = shown;
  note("slow", store.link === "slow" && `Not live: ${honest(store.reason)}. This page asks every 5 seconds, and tries to be live again after a minute.`);
  text($("link-text"), shown === "paused" ? shown : linkWords[shown]);
  document.body.classList.toggle("stale", store.link === "gone");
  drawGone();
}

function drawGone() {
  if (store.link === "gone") {
    const left = Math.max(0, store.retryAt - performance.now());
    const since = duration(Math.floor((Date.now() - store.goneSince) / 1000) * 1000);
    note("gone", `No answer from the server since ${clock(store.goneSince)} (${since}). What you see is from then. ${left > 999 ? `Trying again in ${Math.ceil(left / 1000)} s.` : "Trying again …"}`, "bad", retry);
  } else note("gone", null);
}

const retry = el("button", { type: "button", "data-key": "retry", onclick: () => connect() }, "Try now");

let announced = "wait";
on("link", (state) => {
  drawLink();
  if (state === "gone" && announced !== "gone") say("The server does not answer.", { own: false });
  if (fresh() && announced === "gone") {
    say("The server answers again.", { own: false });
    note("done", "The server answers again.", "calm");
    page?.refresh();
  }
  if (fresh()) announced = "live";
  else if (state === "gone") announced = state;
  if (state === "login") {
    store.me = null;
    drawWho();
    const had = token.get();
    token.clear();
    signIn(had ? "The token is not known any more." : "");
  }
});

function drawVitals() {
  const { frame } = store;
  if (!frame) return;
  $("role").hidden = false;
  text($("role"), frame.role);
  $("role").classList.toggle("warn", !frame.ready || frame.role === "backup");
  const parts = [`up ${duration(frame.uptime_ms)}`];
  const kind = store.server?.durability?.kind;
  if (kind === "memory") parts.push("memory only");
  else if (frame.image_age_ms) parts.push(`image ${duration(frame.image_age_ms)} old`);
  if (!frame.ready && frame.role !== "backup") parts.push("not ready");
  text($("vitals"), parts.join("  ·  "));
}

let warned = new Set();
function drawWarnings() {
  const list = store.frame?.warnings ?? [];
  const codes = new Set(list.map((w) => w.code));
  for (const code of warned) if (!codes.has(code)) note(`warn-${code}`, null);
  for (const w of list) {
    if (!warned.has(w.code)) say(w.message, { own: false });
    note(`warn-${w.code}`, [el("b", null, w.code.replaceAll("_", " ")), ": ", honest(w.message)], w.code === "deadlock" ? "bad" : "warn", el("a", { href: w.code === "deadlock" ? "#/waits" : "#/server", "data-key": "look" }, "Look"));
  }
  warned = codes;
}

function drawWho() {
  const { me } = store;
  if (!me) return put($("who"));
  const left = admin.leftMs();
  put($("who"),
    me.token ? [el("b", null, honest(me.name)), `, role ${me.role}`] : ["no token, role ", me.role],
    me.prefixes?.length ? [", sees ", ...me.prefixes.flatMap((p, i) => [i ? ", " : "", name(p)])] : "",
    left > 0 && [" · admin for ", `${Math.ceil(left / 60_000)} m `, el("button", { type: "button", class: "plain", onclick: () => { admin.clear(); drawWho(); show(); } }, "Drop")],
    me.token && [" ", el("button", { type: "button", class: "plain", onclick: signOut }, "Sign out")]);
}

function signOut() {
  token.clear();
  admin.clear();
  disconnect("login");
}

on("me", () => {
  drawWho();
  if (!page || !page.opened) show({ focus: false });
  if (page) page.opened = true;
});
on("tick", () => {
  if (store.paused) return;
  drawVitals();
  drawWarnings();
});
setInterval(() => {
  drawGone();
  if (admin.leftMs() > 0 || $("who").textContent.includes("admin for")) drawWho();
}, 1000);

// Pause, theme, zone.

function pause(wanted = !store.paused) {
  store.paused = wanted;
  $("pause").setAttribute("aria-pressed", String(wanted));
  text($("pause"), wanted ? "Go on" : "Pause");
  note("paused", wanted && `Paused at ${clock(now())}: what you see stays as it is.`, "warn");
  say(wanted ? "Paused." : "Live again.");
  drawLink();
  if (!wanted) {
    if (store.frame) emit("tick", store.frame);
    page?.refresh();
  }
}

const themes = ["auto", "light", "dark"];

function theme(next) {
  const wanted = next ?? choice.get("theme", "auto");
  document.documentElement.dataset.theme = wanted;
  text($("theme").lastElementChild, ` ${wanted[0].toUpperCase()}${wanted.slice(1)}`);
  if (next) choice.set("theme", next);
}

function zone(utc) {
  useUTC(utc);
  $("zone").setAttribute("aria-pressed", String(utc));
}

const nextTheme = () => theme(themes[(themes.indexOf(choice.get("theme", "auto")) + 1) % themes.length]);

// Keys.

const keys = [
  ["/", "find a lock", () => $("find-name").focus()],
  ["1 … 6", "the pages"],
  ["j k", "next and previous row"],
  ["Enter", "open the row"],
  ["r", "ask again now", () => page?.refresh()],
  ["p", "hold the page still", () => pause()],
  ["t", "colours: as the system, light, dark", nextTheme],
  ["?", "this list", () => help()],
  ["Esc", "close a dialog, leave a field"],
];

function help() {
  const on = choice.get("keys", "on") === "on";
  openDialog("Keys", (close) => [
    el("dl", { class: "keys" }, keys.map(([key, what]) => el("div", null, el("dt", null, key.split(" ").map((k) => (k === "…" ? " … " : el("kbd", null, k)))), el("dd", null, what)))),
    el("label", { class: "check" }, el("input", { type: "checkbox", checked: on, onchange: (e) => choice.set("keys", e.target.checked ? "on" : "off") }), " Single keys do this"),
    el("p", { class: "small" }, store.server ? `dlm ${store.server.version}, started ${instant(store.server.started_at_ms)}.` : "", " The same questions on the lock port: HELP."),
    el("div", { class: "actions" }, el("button", { type: "button", onclick: close }, "Close")),
  ]);
}

function row(step) {
  const links = [...document.querySelectorAll("#main tbody tr")].map((tr) => tr.querySelector("a")).filter((a) => a?.offsetParent);
  if (!links.length) return;
  const at = links.findIndex((a) => a.closest("tr").contains(document.activeElement));
  const next = links[at < 0 ? (step > 0 ? 0 : links.length - 1) : Math.max(0, Math.min(links.length - 1, at + step))];
  next.focus();
}

addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input:not([type=radio]):not([type=checkbox]), textarea, select");
  if (event.key === "Escape" && typing && !event.target.closest("dialog")) return event.target.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (choice.get("keys", "on") !== "on" && event.key !== "?") return;
  const act = keys.find(([key]) => key === event.key)?.[2] ?? { j: () => row(1), k: () => row(-1) }[event.key] ?? (/^[1-6]$/.test(event.key) && (() => go(tabs[event.key - 1])));
  if (!act) return;
  event.preventDefault();
  act();
});

// object says at the field why nothing was looked for, until something else is typed.
function object(why) {
  $("find-name").setCustomValidity(why);
  $("find-name").reportValidity();
  say(why);
}
$("find-name").addEventListener("input", () => $("find-name").setCustomValidity(""));
$("find").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = $("find-name");
  const wanted = field.value;
  if (!wanted) return object("Type the name of a lock, or how it begins.");
  let found;
  try {
    found = await get("lock", { name: wanted });
  } catch (error) {
    // A token that may not use this name may still see names that begin so.
    if (error.code !== "DENIED") return object(error.code === "NETWORK" ? "The server does not answer." : `This can't be looked for: ${error.message}.`);
  }
  const exact = found && (found.state !== "free" || found.waiters || found.events?.length);
  field.setCustomValidity("");
  field.value = "";
  field.blur();
  if (exact) go("lock", { name: wanted });
  else go("locks", { prefix: wanted });
});

// A hidden page ends its stream, because a browser has few connections to a host.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    if (store.link !== "login") disconnect("hidden");
  } else if (store.link === "hidden") start();
});

put($("nav"), tabs.map((key, i) => el("a", { href: link(key), "data-page": key }, el("kbd", { "aria-hidden": "true" }, String(i + 1)), pages[key].title)));
$("pause").addEventListener("click", () => pause());
$("theme").addEventListener("click", nextTheme);
$("zone").addEventListener("click", () => {
  const utc = choice.get("zone", "local") !== "utc";
  zone(utc);
  choice.set("zone", utc ? "utc" : "local");
});
$("help").addEventListener("click", help);
addEventListener("hashchange", () => {
  document.querySelector("dialog[open]")?.close(); // it is about the page that was left
  show();
});
theme();
zone(choice.get("zone", "local") === "utc");
drawLink();
show({ focus: false });
start();
