// Page 5: connections of lock clients. Admins alone see them, because a connection tells where a
// client runs.

import { admin, get } from "./api.js";
import { adminDialog, disconnectDialog } from "./act.js";
import { el, honest, name, panel, text } from "./dom.js";
import { bytes, count, duration, plural } from "./format.js";
import { may } from "./store.js";
import { Table } from "./table.js";

const EVERY_MS = 4_000;
const ROWS = 200;

export function clients(page) {
  if (!may("clients") && !admin.get()) return askFirst(page);
  const table = new Table({
    label: "Connections", key: (r) => r.client, empty: "No lock client is connected.",
    columns: [
      { id: "client", label: "Client", num: true, class: "position", cell: (r) => String(r.client) },
      { id: "name", label: "Name", wide: true, cell: (r) => el("div", null,
        r.name ? name(r.name) : el("span", { class: "none" }, "no name"), el("div", { class: "sub" }, honest(r.address))) },
      { id: "address", label: "Address", mid: true, class: "name second", cell: (r) => honest(r.address) },
      { id: "transport", label: "Over", low: true, cell: (r) => r.transport },
      { id: "form", label: "Form", low: true, cell: (r) => r.form },
      { id: "role", label: "Role", low: true, cell: (r) => (r.token ? `${honest(r.token)}, ${r.role}` : r.role) },
      { id: "age", label: "Open for", num: true, low: true, cell: (r) => duration(r.age_ms) },
      { id: "idle", label: "Idle for", num: true, cell: (r) => duration(r.idle_ms) },
      { id: "waits", label: "Waits", num: true, mid: true, cell: (r) => count(r.waits) },
      { id: "buffered", label: "Unread", num: true, low: true, help: "Bytes in its buffers", cell: (r) => (r.buffered ? bytes(r.buffered) : "–") },
      { id: "act", label: "", num: true, cell: (r, td) => {
        if (!td.firstChild) td.append(el("button", { type: "button", class: "quiet", "aria-label": `Disconnect client ${r.client}…`, onclick: () => disconnectDialog(r, page) }, "Disconnect…"));
      } },
    ],
  });
  const note = el("span", { class: "note" });
  const more = el("button", { type: "button", hidden: true, onclick: () => { wanted += ROWS; page.refresh(); } }, "Show more");
  let wanted = ROWS;
  page.add(panel("Connections", { note }, table.node, el("div", { class: "more" }, more)));
  page.every(EVERY_MS, async (signal) => {
    let rows = [];
    let cursor = "";
    do {
      const view = await get("clients", { limit: ROWS, cursor }, { signal, asAdmin: true });
      rows = rows.concat(view.rows);
      cursor = view.cursor;
    } while (cursor && rows.length < wanted);
    table.show(rows);
    more.hidden = !cursor;
    text(note, plural(rows.length, "connection") + (cursor ? " shown, there are more" : ""));
  });
}

function askFirst(page) {
  const button = el("button", { type: "button", onclick: async () => (await adminDialog("to see connections")) && page.reopen() }, "Show an admin token…");
  page.add(panel("Connections", null, el("div", { class: "empty" }, el("p", null, "Connections are for admins: they tell where clients run."), button)));
}
