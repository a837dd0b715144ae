// A table whose rows keep their elements while their values change, so that a selection, the
// focus and the pointer stay where they are.

import { el, put, text } from "./dom.js";

// Table shows rows. A column has id, label, and cell(row, td): it returns a text, a node, or
// undefined if it has changed td itself. Options of a column: num (align right), wide (takes the
// rest of the width), low (hidden on narrow screens), help (title of its heading).
export class Table {
  constructor({ label, columns, key, empty }) {
    this.columns = columns;
    this.key = key;
    this.rows = new Map();
    this.body = el("tbody");
    this.empty = el("div", { class: "empty", hidden: true }, empty);
    const heads = columns.map((c) => el("th", { scope: "col", class: classOf(c), title: c.help }, c.label || el("span", { class: "vh" }, c.hidden ?? "Actions")));
    this.table = el("table", { "aria-label": label }, el("thead", null, el("tr", null, heads)), this.body);
    this.node = el("div", { class: "table" }, this.table, this.empty);
    this.shown = false;
  }

  // show replaces the rows. While the pointer or the focus is in the table, rows keep their order,
  // because a row that moves under a click is the wrong row.
  show(rows, { still = true } = {}) {
    const wanted = new Map((rows ?? []).map((row) => [this.key(row), row]));
    for (const [key, tr] of this.rows) {
      if (!wanted.has(key)) {
        tr.remove();
        this.rows.delete(key);
      }
    }
    const held = still && this.shown && (this.body.matches(":hover") || this.body.contains(document.activeElement));
    let place = null;
    for (const [key, row] of wanted) {
      let tr = this.rows.get(key);
      const fresh = !tr;
      if (fresh) {
        tr = el("tr", null, this.columns.map((c) => el("td", { class: classOf(c) })));
        this.rows.set(key, tr);
      }
      this.update(tr, row);
      if (fresh && held) this.body.append(tr);
      if (held) continue;
      const next = place ? place.nextSibling : this.body.firstChild;
      if (next !== tr) this.body.insertBefore(tr, next);
      place = tr;
    }
    this.empty.hidden = wanted.size > 0;
    this.table.hidden = wanted.size === 0;
    this.shown = true;
  }

  update(tr, row) {
    this.columns.forEach((column, i) => {
      const td = tr.cells[i];
      const value = column.cell(row, td);
      if (value === undefined) return;
      if (!(value instanceof Node)) text(td, String(value));
      else if (!td.firstChild?.isEqualNode?.(value) || value.dataset?.always) put(td, value);
    });
  }
}

const classOf = (c) => [c.num && "num", c.wide && "wide", c.low && "low", c.mid && "mid", c.class].filter(Boolean).join(" ") || undefined;

// facts is a list of names and values.
export function facts(pairs, props) {
  return el("dl", { class: "facts", ...props }, pairs.filter(Boolean).map(([label, ...value]) => el("div", null, el("dt", null, label), el("dd", null, ...value))));
}
