// The state that all pages share: the person's rights, the newest frame of the stream, ten minutes
// of history, and the person's choices.

import { get, live, Refusal } from "./api.js";
import { poll } from "./poll.js";

export const RING = 600; // samples of one second

const listeners = new Map();

// on calls fn when something happens: "tick", "link", "me", "choice". It returns how to stop that.
export function on(kind, fn) {
  const all = listeners.get(kind) ?? listeners.set(kind, new Set()).get(kind);
  all.add(fn);
  return () => all.delete(fn);
}

export function emit(kind, value) {
  for (const fn of listeners.get(kind) ?? []) {
    try {
      fn(value);
    } catch (error) {
      reportError(error); // a page that fails must not end the stream of the others
    }
  }
}

export const store = {
  me: null, // answer of /me
  server: null, // answer of /server
  frame: null, // newest frame
  frameAt: 0, // performance.now() of it
  link: "wait", // wait, live, slow, gone, hidden, login
  goneSince: 0, // Date.now() when the server was last heard before it went
  retryAt: 0, // performance.now() of the next attempt
  events: [], // newest first
  nextEvent: 0, // number of the first event that is not among them
  history: { at: 0, columns: {} }, // columns of up to RING numbers, oldest first
};

// now returns the wall clock of the server.
export function now() {
  return store.frame ? store.frame.at_ms + performance.now() - store.frameAt : Date.now();
}

export const may = (what) => Boolean(store.me?.may?.includes(what));

// choice is something that the person chose and this browser keeps. None is a secret.
export const choice = {
  get: (key, otherwise) => localStorage.getItem(`dlm.${key}`) ?? otherwise,
  set(key, value) {
    localStorage.setItem(`dlm.${key}`, value);
    emit("choice", key);
  },
};

export function setLink(link) {
  if (store.link === link) return;
  store.link = link;
  emit("link", link);
}

// fresh reports whether numbers on the page are of now.
export const fresh = () => store.link === "live" || store.link === "slow";

const EVENTS = 100;

async function loadPast() {
  const none = (error) => {
    if (error.status !== 404) throw error;
  };
  const [history = { at_ms: 0, columns: {} }, events = { rows: [] }] = await Promise.all([get("history", { last: RING }).catch(none), get("events", { last: EVENTS }).catch(none)]);
  store.history = { at: history.at_ms, columns: history.columns };
  store.events = events.rows.reverse();
  store.nextEvent = events.next;
}

function take(frame) {
  store.frame = frame;
  store.frameAt = performance.now();
  const { columns } = store.history;
  // A sample stands for all seconds since the one before it.
  const seconds = store.history.at ? Math.min(RING, Math.round((frame.at_ms - store.history.at) / 1000)) : 1;
  if (seconds > 0) {
    for (const [name, value] of Object.entries(frame.now)) {
      const column = (columns[name] ??= []);
      for (let i = 0; i < seconds; i++) column.push(value);
      if (column.length > RING) column.splice(0, column.length - RING);
    }
    store.history.at = frame.at_ms;
  }
  const newest = store.events[0]?.seq ?? -1;
  const more = (frame.events ?? []).filter((e) => e.seq > newest).reverse();
  if (more.length) store.events = [...more, ...store.events].slice(0, EVENTS);
  store.nextEvent = frame.next;
}

let stop = null; // ends the present stream

// connect reads the stream until it is told to stop. It returns if a token is needed.
export async function connect() {
  stop?.abort();
  const mine = (stop = new AbortController());
  for (let attempt = 0; !mine.signal.aborted; attempt++) {
    try {
      store.me = await get("me", null, mine);
      emit("me");
      store.server = await get("server", null, mine);
      emit("server");
      await loadPast();
      const show = (frame, link) => {
        if (mine.signal.aborted) return;
        attempt = 0;
        take(frame);
        store.goneSince = 0;
        setLink(link);
        emit("tick", frame);
      };
      await live(mine.signal, (kind, data) => {
        if (kind === "end") throw new Refusal(0, data.code, data.message);
        if (kind === "tick") show(data, "live");
      }).catch((error) => {
        if (error.status !== 429 && error.status !== 404) throw error;
        store.reason = error.message;
        return poll(mine.signal, () => store.nextEvent, (frame) => show(frame, "slow"));
      });
    } catch (error) {
      if (mine.signal.aborted) return;
      if (error.status === 401 || error.code === "NOAUTH" || (error.status === 403 && !store.me)) {
        setLink("login");
        return;
      }
      store.goneSince ||= Date.now();
      store.reason = error.message;
      await wait(mine.signal, Math.min(10_000, 1000 * 1.5 ** attempt));
    }
  }
}

function wait(signal, ms) {
  store.retryAt = performance.now() + ms;
  setLink("gone");
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); });
  });
}

// disconnect ends the stream; link says why.
export function disconnect(link) {
  stop?.abort();
  stop = null;
  setLink(link);
}
