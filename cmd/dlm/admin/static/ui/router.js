// The address of a page is its state: #/locks?prefix=orders/&state=contended

export function address() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  return { page: path || "overview", params: new URLSearchParams(query ?? "") };
}

// link makes an address. Empty values are left out.
export function link(page, params = {}) {
  const pairs = Object.entries(params).filter(([, value]) => value !== "" && value !== undefined);
  return `#/${page}${pairs.length ? "?" + pairs.map(([k, v]) => `${k}=${encodeURIComponent(v)}`).join("&") : ""}`;
}

export function go(page, params) {
  const target = link(page, params);
  if (location.hash === target) dispatchEvent(new HashChangeEvent("hashchange"));
  else location.hash = target;
}
