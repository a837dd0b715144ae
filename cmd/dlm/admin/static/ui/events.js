// Notable events, as a list.

import { el, honest, lockLink, ownerLink, text } from "./dom.js";
import { clock, duration, instant } from "./format.js";
import { now } from "./store.js";

// inWords writes the milliseconds of a detail as all durations of the page.
const inWords = (detail) => detail.replace(/\b(\d+) ms\b/g, (_, ms) => duration(Number(ms)));

// grave kinds are shown in colour: somebody lost a lock, or will not get it.
const grave = new Set(["deadlock", "forced", "expired", "image", "limit"]);
const noted = new Set(["slow", "timeout", "refused", "auth", "denied", "closed", "pause", "taken-back", "disconnected"]);

const tone = (kind) => (grave.has(kind) ? "bad" : noted.has(kind) ? "warn" : "calm");

// Events keeps a list in step with rows, newest first.
export class Events {
  constructor({ withLock = true, empty = "Nothing notable has happened." } = {}) {
    this.withLock = withLock;
    this.list = el("ol", { class: "events", tabindex: "0", "aria-label": "Events, newest first" });
    this.empty = el("p", { class: "empty" }, empty);
    this.node = el("div", null, this.list, this.empty);
    this.items = new Map();
  }

  show(rows) {
    const wanted = new Set(rows.map((e) => e.seq));
    for (const [seq, li] of this.items) {
      if (!wanted.has(seq)) {
        li.remove();
        this.items.delete(seq);
      }
    }
    rows.forEach((e, i) => {
      if (this.items.has(e.seq)) return;
      const li = this.item(e);
      this.items.set(e.seq, li);
      this.list.insertBefore(li, this.list.children[i] ?? null);
    });
    this.empty.hidden = rows.length > 0;
  }

  item(e) {
    const what = [];
    if (this.withLock && e.lock !== undefined) what.push(lockLink(e.lock), " ");
    if (e.service !== undefined) what.push(ownerLink(e.service), " ");
    if (e.detail) what.push(el("span", { class: "detail" }, inWords(honest(e.detail))));
    const time = el("time", { datetime: new Date(e.at_ms).toISOString(), title: instant(e.at_ms) }, clock(e.at_ms, now()));
    return el("li", null, time, el("span", { class: `kind ${tone(e.kind)}` }, honest(e.kind)), el("span", { class: "what" }, what));
  }

  // retime writes all times anew, after another zone was chosen.
  retime() {
    for (const time of this.list.querySelectorAll("time")) {
      const at = Date.parse(time.dateTime);
      text(time, clock(at, now()));
      time.title = instant(at);
    }
  }
}
