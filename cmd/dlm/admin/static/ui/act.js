// Acts that change something. A dialog says first what will happen, and asks for a reason.

import { admin, get, post } from "./api.js";
import { el, honest, name, put, text } from "./dom.js";
import { duration, plural } from "./format.js";
import { explain } from "./page.js";
import { say } from "./say.js";
import { may, store } from "./store.js";
import { note } from "./notices.js";

// openDialog shows a dialog. content(close) returns its nodes; close(value) ends it. The returned
// promise has that value, or undefined after Esc.
export function openDialog(title, content, { wide } = {}) {
  return new Promise((resolve) => {
    let result;
    const heading = el("h2", { id: "dialog-title" }, title);
    const dialog = el("dialog", { "aria-labelledby": "dialog-title", class: wide && "wide", onclose() { dialog.remove(); resolve(result); } });
    const close = (value) => { result = value instanceof Event ? undefined : value; dialog.close(); };
    put(dialog, heading, content(close));
    document.body.append(dialog);
    dialog.showModal();
  });
}

const LONG = 40; // characters of a name that a person is asked to type

// typed is what a person types to name a lock: all of it, or the end of a long one.
const typed = (lock) => (lock.length > LONG ? lock.slice(-12) : lock);

const needsToken = (what) => !may(what) && !admin.get();

// field is an input with its label, a hint and a place for what is wrong with it.
function field(label, props, hint) {
  const id = `f-${props.name}`;
  const wrong = el("span", { class: "wrong", id: `${id}-wrong` });
  const input = el("input", { id, autocomplete: "off", spellcheck: "false", autocapitalize: "off", ...props, "aria-describedby": `${id}-wrong${hint ? ` ${id}-hint` : ""}` });
  const node = el("div", { class: "field" }, el("label", { for: id }, label), input, hint && el("span", { class: "hint", id: `${id}-hint` }, hint), wrong);
  const fail = (words) => {
    text(wrong, words);
    if (words) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    return Boolean(words);
  };
  return { node, input, fail, get value() { return input.value.trim(); } };
}

const where = () => (store.me?.token ? "A token with the role admin." : "It is in the file admin.token of the server's data directory, or of its runtime directory.");
const tokenField = () => field("Admin token", { name: "token", type: "password", class: "name" }, `${where()} Kept in this page for 10 minutes.`);
const reasonField = () => field("Reason", { name: "reason", maxlength: "200", required: true }, "Clients that listen are told it, and it goes into the audit log.");

// act builds the form of a dialog: fields, a place for the answer, and the buttons. check returns
// whether all fields are good; run acts.
function act({ content, fields, verb, run, close }) {
  const answer = el("p", { class: "answer", role: "alert" });
  const submit = el("button", { type: "submit", class: "danger" }, verb);
  const form = el("form", { method: "dialog", novalidate: true, async onsubmit(event) {
    event.preventDefault();
    text(answer, "");
    const bad = fields.filter((f) => f.field.fail(f.check(f.field.value)));
    if (bad.length) return bad[0].field.input.focus();
    const token = fields.find((f) => f.token)?.field.value;
    if (token) admin.set(token);
    submit.disabled = true;
    try {
      close(await run());
    } catch (error) {
      submit.disabled = false;
      if (!error.code) throw error;
      refuse(error, answer, fields);
    }
  } }, content, fields.map((f) => f.field.node), answer, el("div", { class: "actions" }, el("button", { type: "button", onclick: () => close() }, "Cancel"), submit));
  return form;
}

// refuse shows why nothing was done. A token that is refused is forgotten.
function refuse(error, answer, fields) {
  const token = fields.find((f) => f.token);
  if (error.status === 401 || error.code === "DENIED" || error.code === "NOAUTH") {
    admin.clear();
    if (token) {
      token.field.fail(`Refused: ${error.message}.`);
      token.field.input.select();
      token.field.input.focus();
      return;
    }
  }
  const words = { STALE: "The hold has changed since this page was opened, so nothing was done. Close this and look again.", NOTHELD: "Nobody holds the lock any more, so nothing was done." };
  text(answer, words[error.code] ?? `Nothing was done. ${explain(error)}`);
}

// literal writes a text of a person in the escapes that the server takes out.
const literal = (words) => words.replace(/["\\]/g, "\\$&");

const given = (words) => (value) => (value ? "" : words);

// forceDialog asks for all that a forced release needs. view is the answer of /lock that the
// person has seen: its token names the hold.
export async function forceDialog(view, page) {
  const seen = { ...view };
  const wanted = honest(typed(seen.lock));
  const reason = reasonField();
  const again = field(seen.lock.length > LONG ? "Type the last 12 characters of the name" : "Type the name of the lock", { name: "again", class: "name" });
  const token = needsToken("force-release") && tokenField();
  const done = await openDialog("Force release", (close) => act({
    close, verb: seen.owner === undefined ? "Take it away" : `Take it from ${shorten(honest(seen.owner))}`,
    content: el("div", { class: "warning" },
      el("p", null, "Lock ", name(seen.lock, { title: undefined }), seen.owner !== undefined && [" is held by ", name(seen.owner, { title: undefined })], ` for ${duration(seen.held_ms)}.`),
      el("p", null, "The holder does not stop by this. It learns of it with its next heartbeat, and may write until then, unless the resource checks fencing tokens. ", after(seen)),
      el("p", { class: "small" }, `The hold is named by its token, ${seen.token}: if another hold stands by then, this is refused.`)),
    fields: [
      { field: reason, check: given("Say why: the next person will ask.") },
      { field: again, check: (value) => (value === wanted ? "" : "This is not the name.") },
      token && { field: token, token: true, check: given("Only an admin may do this.") },
    ].filter(Boolean),
    run: () => post("force-release", { name: seen.lock, token: seen.token, reason: literal(reason.value) }),
  }));
  if (!done) return;
  const words = `Taken from ${honest(done.owner ?? seen.owner ?? "its holder")}.`;
  note("done", words, "calm");
  say(words);
  page.refresh();
}

const shorten = (words) => (words.length > 24 ? `${words.slice(0, 23)}…` : words);

function after(view) {
  const others = (view.holders ?? 1) - 1;
  const kept = others > 0 && `${plural(others, "other holder")} keep${others === 1 ? "s" : ""} the lock. `;
  if (!view.waiters) return [kept, "Nobody waits for it."];
  const next = !kept && (view.next ?? view.queue?.[0]?.service);
  return [kept, `${plural(view.waiters, "request")} wait${view.waiters === 1 ? "s" : ""}`, next ? ["; ", name(next), " gets the lock."] : "."];
}

// disconnectDialog closes the connection of a client.
export async function disconnectDialog(client, page) {
  const reason = reasonField();
  const token = needsToken("disconnect") && tokenField();
  const done = await openDialog("Disconnect a client", (close) => act({
    close, verb: `Disconnect client ${client.client}`,
    content: el("div", { class: "warning" },
      el("p", null, `Client ${client.client}`, client.name && [", ", name(client.name)], client.address && `, from ${honest(client.address)}`, client.idle_ms !== undefined && `, idle for ${duration(client.idle_ms)}`, "."),
      el("p", null, client.waits ? `Its ${plural(client.waits, "wait")} end${client.waits === 1 ? "s" : ""} with the connection. ` : "", "What it holds stays held until its lease ends or it releases it over another connection.")),
    fields: [{ field: reason, check: given("Say why: the next person will ask.") }, token && { field: token, token: true, check: given("Only an admin may do this.") }].filter(Boolean),
    run: () => post("disconnect", { client: client.client, reason: literal(reason.value) }),
  }));
  if (!done) return;
  note("done", `Client ${client.client} is disconnected.`, "calm");
  say(`Client ${client.client} is disconnected.`);
  page.refresh();
}

// adminDialog asks for an admin token and tries it. It returns true if the token is good.
export function adminDialog(purpose) {
  const token = tokenField();
  return openDialog(`Admin token, ${purpose}`, (close) => act({
    close, verb: "Use it", content: [], fields: [{ field: token, token: true, check: given("Paste the token.") }],
    run: async () => {
      const me = await get("me", null, { asAdmin: true });
      if (me.role !== "admin") throw Object.assign(new Error(`the role of this token is ${me.role}`), { code: "DENIED", status: 403 });
      return true;
    },
  }));
}
