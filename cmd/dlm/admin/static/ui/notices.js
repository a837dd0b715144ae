// Bars between the head of the page and its body: the server is gone, deadlocks, warnings, and the
// answers to a person's own acts.

import { el, put } from "./dom.js";

const bars = new Map();
const order = ["gone", "paused", "deadlock", "done"];

// note shows or changes a bar. Without content it is taken away. A calm bar goes by itself.
export function note(id, content, tone = "warn", ...tools) {
  const place = document.getElementById("notices");
  clearTimeout(bars.get(id)?.timer);
  if (!content) {
    bars.get(id)?.node.remove();
    bars.delete(id);
    return;
  }
  let bar = bars.get(id);
  if (!bar) {
    bar = { node: el("div"), words: el("span"), tools: el("span", { class: "tools" }) };
    bar.node.append(bar.words, bar.tools);
    bars.set(id, bar);
    const rank = (key) => (order.includes(key) ? order.indexOf(key) : order.length);
    const next = [...bars].filter(([key]) => rank(key) > rank(id)).map(([, b]) => b.node)[0];
    place.insertBefore(bar.node, next ?? null);
  }
  bar.node.className = `notice ${tone}`;
  put(bar.words, content);
  const mark = tools.map((t) => t?.dataset?.key ?? "").join();
  if (bar.mark !== mark || !bar.tools.firstChild) put(bar.tools, ...tools);
  bar.mark = mark;
  if (tone === "calm") bar.timer = setTimeout(() => note(id, null), 12_000);
}
