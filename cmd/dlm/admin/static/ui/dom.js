// Elements are made by calls, and text reaches them by textContent alone: names of locks are
// strangers' bytes, and the policy of the page refuses markup from strings.

const SVG = "http://www.w3.org/2000/svg";

// el makes an element. Properties that begin with "on" are listeners, the others are attributes;
// undefined, null and false leave one out. Children are nodes or texts.
export function el(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

// shape makes an element of a picture.
export function shape(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(node, props, children) {
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  put(node, ...children);
  return node;
}

// put replaces the children of a node.
export function put(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((c) => c !== undefined && c !== null && c !== false));
  return node;
}

// text changes the text of a node, if it differs: a selection in it survives.
export function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
  return node;
}

// invisible matches what a text of one line can't show honestly: control characters and marks
// that change the direction of writing.
const invisible = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]/g;

// honest writes such characters as escapes. The server escapes names already; this is for all
// that comes from elsewhere, such as the address of this page.
export function honest(value) {
  return String(value ?? "").replace(invisible, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}

// name shows strangers' bytes. Its writing direction ends with it.
export function name(value, props) {
  const shown = honest(value);
  return el("bdi", { class: "name", title: shown.length > 24 ? shown : undefined, ...props }, shown);
}

// nameLink is a name that leads to a page.
export function nameLink(page, key, value) {
  const shown = honest(value);
  const href = `#/${page}?${key}=${encodeURIComponent(value)}`;
  return el("a", { class: "name", href, title: shown.length > 24 ? shown : undefined }, el("bdi", null, shown));
}

export const lockLink = (value) => nameLink("lock", "name", value);
export const ownerLink = (value) => nameLink("owner", "service", value);

// panel is a part of a page with a heading.
export function panel(title, props, ...children) {
  const { note, tools, ...rest } = props ?? {};
  const head = el("div", { class: "panel-head" }, el("h2", null, title), note, tools && el("div", { class: "tools" }, tools));
  return el("section", { ...rest, class: `panel ${rest.class ?? ""}`, "aria-label": title }, head, children);
}
