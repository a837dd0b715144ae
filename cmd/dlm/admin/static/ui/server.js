// Page 6: what this server is, what a crash would cost, and how near its limits are.

import { admin, get } from "./api.js";
import { adminDialog } from "./act.js";
import { el, honest, lockLink, ownerLink, panel, put, text } from "./dom.js";
import { bytes, clock, count, duration, instant, percent } from "./format.js";
import { may, now, store } from "./store.js";
import { facts, Table } from "./table.js";

const EVERY_MS = 5_000;
const AUDIT_MS = 10_000;
const AUDIT_ROWS = 100;
const NEAR = 80; // per cent of a limit at which it is shown in colour

export function server(page) {
  const warnings = el("ul", { class: "warnings" });
  const warningPanel = panel("Warnings", null, warnings);
  const about = el("div");
  const kept = el("div");
  const used = el("div", { class: "limits" });
  const counted = el("div");
  const settings = new Table({ label: "Settings", key: (r) => r.name, empty: "No settings are shown to this token.", columns: [
    { id: "name", label: "Setting", cell: (r) => el("span", { class: "name" }, honest(r.name)) },
    { id: "value", label: "Value", class: "name", wide: true, cell: (r) => honest(r.value) },
  ] });
  page.add(warningPanel, el("div", { class: "packed" }, panel("Server", null, about), panel("Durability", null, kept), panel("Limits", null, used), panel("Settings", null, settings.node), panel("Since the start", null, counted)));
  audit(page);
  page.every(EVERY_MS, async (signal) => {
    const [s, stats] = await Promise.all([get("server", null, { signal }), get("stats", null, { signal })]);
    store.server = s;
    const list = s.warnings ?? [];
    put(warnings, list.length ? list.map((w) => el("li", null, el("span", { class: "kind warn" }, w.code.replaceAll("_", " ")), " ", honest(w.message))) : el("li", { class: "empty" }, "None."));
    put(about, aboutFacts(s));
    put(kept, durabilityFacts(s));
    put(used, limits(s.limits ?? {}, stats));
    put(counted, totals(stats));
    settings.show(s.settings ?? []);
  });
}

function aboutFacts(s) {
  return facts([
    ["Role", s.role, s.ready ? "" : " (not ready)"],
    s.unready?.length && ["Not ready because", s.unready.map(honest).join("; ")],
    ["Version", `${s.version}, ${s.go}`],
    ["Started", instant(s.started_at_ms)],
    ["Up", duration(s.uptime_ms)],
    ["Lock port", el("span", { class: "name" }, honest(s.address))],
    ["Event loops", count(s.loops)],
    s.pid && ["Process", String(s.pid)],
    s.tls_expires_at_ms > 0 && ["Certificate ends", instant(s.tls_expires_at_ms)],
  ]);
}

const kinds = { memory: "Memory only: all holds end with the server", snapshot: "Images in a data directory", backup: "A backup of another server", replicated: "Replicated" };

function durabilityFacts(s) {
  const d = s.durability ?? {};
  return [facts([
    ["Kind", kinds[d.kind] ?? d.kind],
    d.image_age_ms !== undefined && ["Newest image", `${duration(d.image_age_ms)} old`],
    d.image_holds !== undefined && ["Holds in it", `${count(d.image_holds)}${d.image_bytes === undefined ? "" : `, ${bytes(d.image_bytes)}`}`],
    d.image_took_ms !== undefined && ["It took", duration(d.image_took_ms)],
    d.image_failures > 0 && ["Failed images", `${count(d.image_failures)}: ${honest(d.image_last_error)}`],
    d.start !== undefined && ["Start", count(d.start)],
    d.grace_left_ms > 0 && ["Grants begin in", duration(d.grace_left_ms)],
    d.backup_of && ["Backup of", el("span", { class: "name" }, honest(d.backup_of))],
    d.stale_ms !== undefined && ["Behind its primary", duration(d.stale_ms)],
  ]), d.says && el("p", { class: "says" }, "Said at the start: ", honest(d.says))];
}

function limits(most, stats) {
  const rows = [
    ["Locks", stats.locks_held, most.locks, count],
    ["Waiters", stats.waiters, most.waiters, count],
    ["Connections", stats.connections, most.connections, count],
    ["Memory of the table", stats.table_used_bytes, most.memory_bytes, bytes],
    ["Buffers of connections", stats.buffered_bytes, most.buffered_bytes, bytes],
  ];
  return rows.map(([label, used, limit, write]) => {
    const part = percent(used, limit);
    const bar = el("span", { class: ["gauge", part >= NEAR && "near", !limit && "none"].filter(Boolean).join(" "), "aria-hidden": "true" }, el("i"));
    bar.firstChild.style.width = `${Math.min(100, part)}%`;
    const share = part >= NEAR ? `, ${Math.floor(part)} %` : "";
    return el("div", null, el("span", { class: "label" }, label), bar, el("span", { class: "number" }, limit ? `${write(used)} of ${write(limit)}${share}` : `${write(used)}, no limit`));
  });
}

function totals(s) {
  const refused = Object.values(s.connections_refused ?? {}).reduce((a, b) => a + b, 0);
  const closed = Object.values(s.connections_closed ?? {}).reduce((a, b) => a + b, 0);
  return facts([
    ["Grants", s.grants_waited === undefined ? count(s.grants) : `${count(s.grants)}, ${count(s.grants_waited)} after a wait`],
    ["Releases", count(s.releases)],
    ["Heartbeats", count(s.renewals)],
    ["Re-entries", count(s.reentries)],
    ["Expired", count(s.expiries)],
    ["Forced", count(s.forced_releases)],
    ["Waits given up", `${count(s.time_outs)} timed out, ${count(s.canceled_waits)} cancelled`],
    ["Connections", `${count(s.accepted_connections)} accepted, ${count(refused)} refused, ${count(closed)} closed by the server`],
    ["Wrong tokens", count((s.auth_failures?.lock_port ?? 0) + (s.auth_failures?.http ?? 0))],
    ["Pauses of the process", count(s.process_pauses)],
    s.log_records_dropped > 0 && ["Log records lost", count(s.log_records_dropped)],
  ]);
}

// audit shows what admins did, to admins.
function audit(page) {
  const note = el("span", { class: "note" });
  if (!may("clients") && !admin.get()) {
    const button = el("button", { type: "button", onclick: async () => (await adminDialog("to see the audit log")) && page.reopen() }, "Show an admin token…");
    page.add(panel("Audit", null, el("div", { class: "empty" }, el("p", null, "The audit log is for admins."), button)));
    return;
  }
  const table = new Table({ label: "Audit", key: (r) => r.seq, empty: "No admin has done anything yet.", columns: [
    { id: "at", label: "When", cell: (r) => clock(r.at_ms, now()) },
    { id: "event", label: "What", cell: (r) => honest(r.event.replaceAll("_", " ")) + (r.count > 1 ? ` (${count(r.count)} times)` : "") },
    { id: "outcome", label: "Outcome", cell: (r) => (r.outcome ? el("span", { class: `kind ${["done", "asked"].includes(r.outcome) ? "" : "warn"}` }, honest(r.outcome)) : "") },
    { id: "by", label: "By", mid: true, cell: (r) => honest(r.by) },
    { id: "lock", label: "Lock", wide: true, mid: true, cell: (r) => (r.lock === undefined ? honest(r.what) : lockLink(r.lock)) },
    { id: "owner", label: "Owner", class: "who-cell", low: true, cell: (r) => (r.owner === undefined ? "" : ownerLink(r.owner)) },
    { id: "reason", label: "Reason", class: "second", mid: true, cell: (r) => honest(r.reason ?? r.detail) },
    { id: "from", label: "From", low: true, class: "name", cell: (r) => honest(r.from) },
  ] });
  page.add(panel("Audit", { note }, table.node));
  page.every(AUDIT_MS, async (signal) => {
    try {
      const { rows } = await get("audit", { last: AUDIT_ROWS }, { signal, asAdmin: true });
      table.show(rows.reverse());
      text(note, rows.length === AUDIT_ROWS ? `the last ${AUDIT_ROWS}` : "");
    } catch (error) {
      if (error.status !== 404) throw error;
      text(note, "this server writes it to its log alone");
    }
  });
}
