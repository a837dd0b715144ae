// The browser, a watch over each page, and the line to the Go test that has started this program.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import readline from "node:readline";
import { chromium } from "playwright-core";

// config is what the Go test knows: addresses, tokens, paths.
export const config = JSON.parse(process.argv[2]);

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const browser = await chromium.launch({
  executablePath: config.chromium,
  // A page that is asked for as evil.example comes to this machine, as after a rebound name.
  args: ["--no-sandbox", "--disable-background-networking", "--host-resolver-rules=MAP evil.example 127.0.0.1"],
});

const replies = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

// tell sends the Go test an object, as a line.
const tell = (object) => process.stdout.write(JSON.stringify(object) + "\n");

// ask makes the Go test do something with the servers, and returns its answer.
export async function ask(what, ...args) {
  tell({ ask: what, args });
  return JSON.parse((await replies.next()).value);
}

// command sends a command to the lock port of a server, on a connection of its own.
export const command = (line, server = "open") => ask("command", server, line);

// test runs one test and reports it. After a test that fails it says what the browser said against
// its pages, and closes them, because a viewer has few streams.
export async function test(name, fn) {
  const begin = performance.now();
  let error = "";
  try {
    await fn();
  } catch (thrown) {
    error = thrown.stack ?? String(thrown);
    for (const context of browser.contexts()) {
      error += context.pages().map((page) => `\n${page.url()}: ${page.problems?.join("\n")}`).join("");
      await context.close();
    }
  }
  tell({ test: name, error, ms: Math.round(performance.now() - begin) });
}

// open opens a page in a session of its own, and watches it: whatever the browser says against the
// page ends up in its list of problems.
export async function open(url, { width = 1280, height = 800, theme = "light", scale = 1, token, expect = [] } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, deviceScaleFactor: scale, reducedMotion: "reduce" });
  const page = await context.newPage();
  const own = new URL(url).origin;
  context.setDefaultTimeout(Number(config.patience));
  page.problems = [];
  page.origin = own;
  const expected = (text) => expect.some((e) => text.includes(e));
  page.on("console", (m) => {
    if (["error", "warning"].includes(m.type()) && !expected(m.text())) page.problems.push(`console: ${m.text()} ${m.location().url}`);
  });
  page.on("pageerror", (error) => page.problems.push(`exception: ${error.stack}`));
  page.on("dialog", (dialog) => {
    page.problems.push(`a script ran: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(own + "/") && !request.url().startsWith("data:")) page.problems.push(`request to ${request.url()}`);
  });
  await page.addInitScript((value) => {
    addEventListener("securitypolicyviolation", (e) => console.error(`CSP: ${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
    if (value) sessionStorage.setItem("dlm.token", value);
  }, token);
  await page.goto(url);
  return page;
}

// live waits until the stream is read.
export const live = (page) => page.waitForSelector('#link:is([data-state="live"], [data-state="slow"])');

// clean closes a page on which nothing went wrong.
export async function clean(page) {
  const { problems } = page;
  await page.context().close();
  assert.deepEqual(problems, []);
}

// go opens another address of the same page, and waits until its content is there.
export async function go(page, hash) {
  await page.evaluate((h) => (location.hash = h), hash);
  await page.waitForSelector("#main .panel:not([hidden]), #main .strip");
  await page.waitForLoadState("networkidle", { timeout: 200 }).catch(() => {}); // the stream never rests
}

// accessible runs axe over the page as it is. Its script comes through the debugger, because the
// policy of the page lets no other script in.
export async function accessible(page, where) {
  const session = await page.context().newCDPSession(page);
  const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
    expression: `${axe}; axe.run().then((r) => JSON.stringify(r.violations.filter((v) => ["serious", "critical"].includes(v.impact)).map((v) => [v.id, ...v.nodes.slice(0, 2).map((n) => n.html.slice(0, 160) + " " + n.failureSummary)])))`,
    awaitPromise: true,
  });
  assert.equal(exceptionDetails, undefined);
  assert.deepEqual(JSON.parse(result.value), [], where);
}

// fits checks that nothing makes the page wider than its window.
export async function fits(page, where) {
  const beyond = await page.evaluate(() => {
    if (document.documentElement.scrollWidth === innerWidth) return [];
    return [...document.querySelectorAll("body *")].filter((node) => node.getBoundingClientRect().right > innerWidth).map((node) => node.outerHTML.slice(0, 120));
  });
  assert.deepEqual(beyond, [], `${where}: beyond the window`);
}
