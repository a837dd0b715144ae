// The polite region that a screen reader reads: at most one text in ten seconds, because the page
// changes each second. The answer to a person's own act comes immediately.

import { text } from "./dom.js";

const PAUSE_MS = 10_000;

let waiting = [];
let last = -PAUSE_MS;
let timer = 0;

// say speaks a text soon. Own acts are spoken without a pause.
export function say(words, { own = true } = {}) {
  if (own) return speak(words);
  if (!waiting.includes(words)) waiting.push(words);
  timer ||= setTimeout(flush, Math.max(0, last + PAUSE_MS - performance.now()));
}

function flush() {
  timer = 0;
  if (waiting.length) speak(waiting.join(" "));
  waiting = [];
}

function speak(words) {
  last = performance.now();
  const region = document.getElementById("live");
  text(region, region.textContent === words ? `${words}\u00a0` : words);
}
