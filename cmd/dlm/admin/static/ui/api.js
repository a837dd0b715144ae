// Requests to the server. The token stays in this tab (sessionStorage) and is sent by hand with
// each request, so that no other page can make a browser send it. A token for admins stays in a
// variable, for ten minutes.

const KEY = "dlm.token";
const ADMIN_MS = 10 * 60_000;

let adminToken = "";
let adminUntil = 0;

export const token = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: (value) => sessionStorage.setItem(KEY, value),
  clear: () => sessionStorage.removeItem(KEY),
};

export const admin = {
  get: () => (Date.now() < adminUntil ? adminToken : ""),
  leftMs: () => Math.max(0, adminUntil - Date.now()),
  set(value) {
    adminToken = value;
    adminUntil = Date.now() + ADMIN_MS;
  },
  clear() {
    adminToken = "";
    adminUntil = 0;
  },
};

// Refusal is an answer that is no success. Its code is one of the protocol's, or NETWORK if there
// was no answer.
export class Refusal extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const headers = (bearer) => (bearer ? { Authorization: `Bearer ${bearer}` } : {});

async function ask(path, options) {
  let response;
  try {
    response = await fetch(`/api/v1/${path}`, { credentials: "omit", redirect: "error", cache: "no-store", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "NETWORK", "the server does not answer");
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  throw new Refusal(response.status, body.code ?? `HTTP ${response.status}`, body.message ?? response.statusText);
}

const query = (params) => {
  const pairs = Object.entries(params ?? {}).filter(([, value]) => value !== undefined && value !== "");
  return pairs.length ? "?" + new URLSearchParams(pairs) : "";
};

// get asks for a view. As an admin it shows the token for admins, if there is one.
export async function get(path, params, { signal, asAdmin } = {}) {
  const bearer = (asAdmin && admin.get()) || token.get();
  const response = await ask(path + query(params), { headers: headers(bearer), signal });
  return response.json();
}

// post acts, with the token for admins if there is one.
export async function post(path, body) {
  const bearer = admin.get() || token.get();
  const response = await ask(path, {
    method: "POST",
    headers: { ...headers(bearer), "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return response.json();
}

const SILENCE_MS = 5_000; // a frame comes each second

// live reads the stream until the signal aborts it or it ends. It calls onEvent(kind, data).
export async function live(signal, onEvent) {
  const response = await ask("live", { headers: headers(token.get()), signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const silent = () => reader.cancel().catch(() => {});
  let timer = setTimeout(silent, SILENCE_MS);
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw new Refusal(0, "NETWORK", "the stream has ended");
      clearTimeout(timer);
      timer = setTimeout(silent, SILENCE_MS);
      const frames = (rest + value).split("\n\n");
      rest = frames.pop();
      for (const frame of frames) deliver(frame, onEvent);
    }
  } catch (error) {
    if (error.name === "AbortError" || error instanceof Refusal) throw error;
    throw new Refusal(0, "NETWORK", "the stream broke");
  } finally {
    clearTimeout(timer);
  }
}

function deliver(frame, onEvent) {
  let kind = "message";
  const data = [];
  for (const line of frame.split("\n")) {
    if (line.startsWith("event:")) kind = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
  if (data.length) onEvent(kind, JSON.parse(data.join("\n")));
}
