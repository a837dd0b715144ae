// One visit of a page: what it listens to and asks for ends with it.

import { el, put } from "./dom.js";
import { fresh, on, store } from "./store.js";

export class Page {
  constructor(root) {
    this.root = root;
    this.stop = new AbortController();
    this.signal = this.stop.signal;
    this.refreshers = [];
    this.closers = [];
    this.problem = el("p", { class: "problem", hidden: true });
    put(root, this.problem);
  }

  add(...nodes) {
    this.root.append(...nodes.flat());
  }

  // on hears of something until the page closes. While the page is paused it hears no ticks.
  on(kind, fn) {
    this.closers.push(on(kind, (value) => {
      if (kind !== "tick" || !store.paused) fn(value);
    }));
  }

  // every asks now, then again some time after each answer, while the server answers and the page
  // is not paused.
  every(ms, fn) {
    let timer = 0;
    const run = async () => {
      clearTimeout(timer);
      await this.try(fn);
      if (!this.signal.aborted) timer = setTimeout(next, ms);
    };
    const next = () => (fresh() && !store.paused ? run() : (timer = setTimeout(next, 500)));
    this.refreshers.push(run);
    this.closers.push(() => clearTimeout(timer));
    run();
  }

  // try runs a request, and shows on the page why it failed.
  async try(fn) {
    try {
      await fn(this.signal);
      this.problem.hidden = true;
    } catch (error) {
      if (this.signal.aborted || error.name === "AbortError") return;
      if (!error.code) throw error;
      if (error.code === "NETWORK" && store.link === "gone") return;
      this.problem.textContent = explain(error);
      this.problem.hidden = false;
    }
  }

  refresh() {
    for (const run of this.refreshers) run();
  }

  close() {
    this.stop.abort();
    for (const fn of this.closers) fn();
  }
}

// explain says what a refusal means for the person at the page.
export function explain(error) {
  const { code, message } = error;
  switch (code) {
    case "DENIED": return `Not allowed: ${message}.`;
    case "NOAUTH": return "The token is not known any more. Sign in again.";
    case "LIMIT": return `Too many questions for a moment: ${message}. The page asks again by itself.`;
    case "UNKNOWN": return `This server has no answer to that: ${message}.`;
    case "NETWORK": return "The server does not answer.";
  }
  return `${code}: ${message}.`;
}
