// The rest of a lease, as a bar and in words.

import { el, text } from "./dom.js";
import { duration } from "./format.js";

const LOW = 0.25; // a holder renews at a third of its lease; below this it is late

// lease fills a cell, or any element, and changes it in place.
export function lease(node, leaseMs, ttlMs) {
  if (leaseMs === undefined) return node.replaceChildren();
  if (!node.firstChild) {
    node.append(el("span", { class: "lease", "aria-hidden": "true" }, el("i")), el("span", { class: "lease-text" }));
  }
  const part = ttlMs ? Math.max(0, Math.min(1, leaseMs / ttlMs)) : 1;
  const [bar, words] = node.children;
  bar.firstChild.style.width = `${Math.round(part * 100)}%`;
  bar.classList.toggle("low", part < LOW);
  bar.title = ttlMs ? `${duration(leaseMs)} of ${duration(ttlMs)}` : "";
  text(words, duration(leaseMs));
}
