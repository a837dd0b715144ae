// Commands to copy.

import { el } from "./dom.js";
import { say } from "./say.js";
import { on, store } from "./store.js";

// command shows a command of the lock port, ready for a shell. The server may tell its port after
// that.
export function command(line) {
  const shown = () => {
    const [host, port] = address();
    return copyable(`printf '%s\\n' ${quote(line)} | nc -N ${host} ${port}`);
  };
  const node = shown();
  const late = !store.server && on("server", () => {
    late();
    node.replaceWith(shown());
  });
  return node;
}

// copyable shows a text with a button that copies it, where the browser allows that.
export function copyable(line) {
  const code = el("code", { tabindex: "0" }, line);
  const button = navigator.clipboard && el("button", { type: "button", "aria-label": `Copy: ${line}`, async onclick() {
    await navigator.clipboard.writeText(line);
    button.textContent = "Copied";
    say("Copied.");
    setTimeout(() => (button.textContent = "Copy"), 1500);
  } }, "Copy");
  return el("div", { class: "command" }, code, button);
}

// quote makes one word for a shell.
const quote = (line) => `'${line.replaceAll("'", `'\\''`)}'`;

// address of the lock port, as this browser would reach it.
function address() {
  const listen = store.server?.address ?? "127.0.0.1:7420";
  const at = listen.lastIndexOf(":");
  const host = listen.slice(0, at).replace(/^\[|\]$/g, "");
  const anywhere = host === "" || host === "0.0.0.0" || host === "::";
  return [anywhere ? location.hostname.replace(/^\[|\]$/g, "") : host, listen.slice(at + 1)];
}
