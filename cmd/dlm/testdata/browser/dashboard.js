// The dashboard in a browser, against running servers. Each test opens pages of its own.
import assert from "node:assert/strict";
import http from "node:http";
import { duration } from "../../admin/static/ui/format.js";
import { accessible, ask, browser, clean, command, config, fits, go, live, open, test } from "./lib.js";

const base = `http://${config.open}`;
const guarded = `http://${config.guarded}`;

const everyPage = ["#/overview", "#/contention", "#/locks", "#/waits", "#/clients", "#/server"];
const lockPage = (name) => `#/lock?name=${encodeURIComponent(name)}`;

await test("durations have one form", async () => {
  for (const [ms, words] of Object.entries(JSON.parse(config.durations))) assert.equal(duration(Number(ms)), words);
});

await test("empty server: all pages, both themes, both widths", async () => {
  for (const [theme, width] of [["dark", 1280], ["light", 390]]) {
    const page = await open(`${base}/`, { theme, width });
    await live(page);
    await page.getByText("No lock is held. Take one:").waitFor();
    await page.getByText(`nc -N ${config.openLocks.replace(":", " ")}`).waitFor();
    for (const hash of [...everyPage, lockPage("nothing")]) {
      await go(page, hash);
      await fits(page, `${hash} at ${width}`);
      await accessible(page, `${hash} in ${theme}`);
    }
    await clean(page);
  }
});

await test("a command names the lock port, though the server tells it late", async () => {
  const page = await open(`${base}/#/locks`);
  await live(page);
  let tell;
  const told = new Promise((resolve) => (tell = resolve));
  await page.route("**/api/v1/server", async (route) => {
    await told;
    await route.continue();
  });
  await page.reload();
  await page.getByText("No lock is held. Take one:").waitFor();
  tell();
  await page.getByText(`nc -N ${config.openLocks.replace(":", " ")}`).waitFor();
  await clean(page);
});

await ask("fill");

await test("locks: all pages, both themes, both widths", async () => {
  for (const [theme, width] of [["light", 1280], ["dark", 390]]) {
    const page = await open(`${base}/`, { theme, width });
    await live(page);
    await page.getByRole("link", { name: "orders/42", exact: true }).first().waitFor();
    for (const hash of [...everyPage, lockPage("orders/42"), "#/owner?service=billing-3", "#/locks?prefix=orders%2F&state=contended"]) {
      await go(page, hash);
      await fits(page, `${hash} at ${width}`);
      await accessible(page, `${hash} in ${theme}`);
    }
    await go(page, lockPage("orders/42"));
    await page.getByRole("button", { name: "Force release…" }).click();
    await accessible(page, `dialog in ${theme}`);
    await page.getByRole("button", { name: /^Take it from/ }).hover();
    await accessible(page, `dialog in ${theme}, with the pointer on its button`);
    await page.keyboard.press("Escape");
    await clean(page);
  }
});

await test("numbers are those of the server", async () => {
  const page = await open(`${base}/`);
  await live(page);
  const row = page.getByRole("table", { name: "Locks that are waited for most" }).getByRole("row").filter({ hasText: "orders/42" });
  await row.getByRole("link", { name: "billing-3" }).waitFor();
  await page.getByText("11", { exact: true }).first().waitFor(); // locks held
  await go(page, lockPage("orders/42"));
  const queue = page.getByRole("table", { name: "Queue" });
  await queue.getByText("orders-1", { exact: true }).waitFor();
  assert.equal(await queue.getByRole("row").count(), 5); // the heading, and four requests
  await page.getByText("invoices", { exact: true }).waitFor(); // META, pair by pair
  await clean(page);
});

await test("who waits for whom", async () => {
  const page = await open(`${base}/#/waits?lock=search%2Freindex`);
  await live(page);
  const table = page.getByRole("table", { name: "Who waits for whom" });
  await table.getByRole("row").filter({ hasText: "web-1" }).filter({ hasText: "indexer-2" }).waitFor();
  await table.getByRole("row").filter({ hasText: "indexer-2" }).filter({ hasText: "billing-3" }).waitFor();
  assert.equal(await page.locator(".graph .edge.bad").count(), 0);
  await go(page, "#/waits?owner=mailer-1");
  await table.getByRole("row").filter({ hasText: "mailer-1" }).filter({ hasText: "orders-2" }).first().waitFor();
  assert.equal(await page.locator(".graph .edge.bad").count(), 2); // the cycle
  assert.deepEqual(await page.locator(".graph .cycle-number").allTextContents(), ["1", "1"]);
  const onLines = (marks) => marks.map(({ cx, cy }) => [...document.querySelectorAll(".graph .edge.bad")].some((line) => line.isPointInStroke(new DOMPoint(cx.baseVal.value, cy.baseVal.value))));
  assert.deepEqual(await page.locator(".graph .cycle-mark").evaluateAll(onLines), [true, true]);
  assert.deepEqual(await table.locator(".kind.bad").allTextContents(), ["1", "1"]); // the same in the table
  await go(page, "#/waits?lock=orders%2F42");
  await page.getByRole("link", { name: "Service billing-3" }).waitFor();
  const left = async (service) => (await page.getByRole("link", { name: `Service ${service}`, exact: true }).boundingBox()).x;
  assert.ok(await left("web-1") < await left("indexer-2") && await left("indexer-2") < await left("billing-3"), "waiters stand left of holders");
  assert.equal(await left("orders-1"), await left("indexer-2"));
  await page.getByText("· 5 waits").waitFor(); // four for the lock, and one for a waiter's
  await page.locator(".graph").getByText("orders/42", { exact: true }).waitFor();
  await go(page, "#/waits");
  await page.locator(".cycle").filter({ hasText: "mailer-1" }).filter({ hasText: "orders-2" }).waitFor();
  await go(page, "#/waits?owner=mailer-1");
  await page.getByRole("link", { name: "Service orders-2" }).click();
  await page.waitForURL(/#\/owner\?service=orders-2/);
  await clean(page);
});

await test("Find a lock says what it does not look for", async () => {
  const page = await open(`${base}/#/overview`, { expect: ["status of 400"] });
  await live(page);
  const field = page.getByRole("searchbox", { name: /^Find a lock/ });
  const why = () => field.evaluate((node) => node.validationMessage);
  await field.press("Enter");
  assert.equal(await why(), "Type the name of a lock, or how it begins.");
  await field.fill("bad\\q");
  assert.equal(await why(), "");
  await field.press("Enter");
  await page.locator("#live").getByText("This can't be looked for: name has an escape that is none").waitFor();
  assert.equal(await field.inputValue(), "bad\\q");
  assert.match(await why(), /^This can't be looked for: name has an escape that is none/);
  await field.fill("x".repeat(1025));
  await field.press("Enter");
  await page.locator("#live").getByText("This can't be looked for: name has at most 1024 bytes.").waitFor();
  await field.fill("orders/42");
  await field.press("Enter");
  await page.waitForURL(/#\/lock\?name=orders%2F42/);
  await clean(page);
});

await test("a deadlock is told on every page", async () => {
  const page = await open(`${base}/#/locks`);
  await live(page);
  const bar = page.locator("#notices").getByText("Deadlock: services wait for each other in a circle, for");
  await bar.waitFor();
  await page.locator("#notices").getByRole("link", { name: "Look" }).click();
  await page.waitForURL(/#\/waits/);
  await page.locator(".cycle").filter({ hasText: "mailer-1" }).waitFor();
  await clean(page);
});

await test("holders of a shared lock: seen, and one of them ended", async () => {
  for (const service of ["r-1", "r-2", "r-3"]) assert.equal(await command(`ACQUIRE shared/1 ${service} 0 TTL 600000 SHARED META job=${service}`), "OK");
  const page = await open(`${base}/${lockPage("shared/1")}`, { expect: ["status of 409"] });
  await live(page);
  const row = (service) => page.getByRole("table", { name: "Holders" }).getByRole("row").filter({ hasText: `job=${service}` });
  await row("r-3").locator(".lease-text").getByText("9 m").waitFor(); // its lease
  await page.getByText("3 holders", { exact: true }).waitFor();
  assert.equal(await page.locator(".facts").getByText("Lease left").count(), 0); // the lock has none of its own
  assert.equal(await page.getByRole("button", { name: "Force release…", exact: true }).isVisible(), false);
  const dialog = page.getByRole("dialog", { name: "Force release" });
  const fill = async (service, token) => {
    await page.getByRole("button", { name: `Force release of ${service}…` }).press("Enter");
    await dialog.getByText("Lock shared/1 is held by " + service).waitFor();
    await page.getByLabel("Reason").fill("it hangs");
    await page.getByLabel("Type the name of the lock").fill("shared/1");
    if (token) await page.getByRole("textbox", { name: "Admin token" }).fill(token);
  };
  const submit = () => page.getByRole("button", { name: /^Take it from/ }).click();
  await fill("r-2", config.openAdmin);
  await dialog.getByText("2 other holders keep the lock.").waitFor();
  await accessible(page, "dialog of a holder");
  await submit();
  await page.locator("#notices").getByText("Taken from r-2.").waitFor();
  await row("r-2").waitFor({ state: "detached" });
  assert.equal(await command("HOLDERS shared/1"), "OK lines=2");
  await fill("r-1");
  assert.equal(await command("RELEASE shared/1 r-1"), "OK");
  assert.equal(await command("ACQUIRE shared/1 r-1 0 TTL 600000 SHARED META job=r-1"), "OK"); // another hold of the same service
  await submit();
  await page.getByText("The hold has changed").waitFor();
  assert.equal(await command("HOLDERS shared/1"), "OK lines=2");
  await page.keyboard.press("Escape");
  await go(page, "#/locks?prefix=shared%2F");
  await page.getByRole("row").filter({ hasText: "shared/1" }).getByRole("cell", { name: "–" }).first().waitFor();
  await clean(page);
  const small = await open(`${base}/${lockPage("shared/1")}`, { theme: "dark", width: 390 });
  await small.getByRole("button", { name: "Force release of r-3…" }).waitFor();
  await fits(small, "holders at 390");
  await accessible(small, "holders in dark");
  for (const service of ["r-1", "r-3"]) assert.equal(await command(`RELEASE shared/1 ${service}`), "OK");
  await small.getByText("Nobody holds it.").waitFor();
  await small.getByRole("table", { name: "Holders" }).waitFor({ state: "hidden" });
  await clean(small);
});

await test("lines follow the pointer, and histograms have bars", async () => {
  assert.match(await command("ACQUIRE orders/42 late 20"), /^ERROR TIMEOUT/);
  assert.equal(await command("ACQUIRE soon/1 worker-1 0 TTL 600000"), "OK");
  const page = await open(`${base}/`);
  await live(page);
  await page.waitForFunction(() => [...document.querySelectorAll(".spark .line")].every((line) => line.getAttribute("d")));
  const caption = page.locator(".strip-note");
  await page.locator(".spark").nth(2).hover({ position: { x: 3, y: 10 } });
  await caption.getByText("At ").waitFor();
  assert.equal(await page.locator('.spark .mark[d^="M"]').count(), 6);
  await page.getByRole("link", { name: "dlm, overview" }).hover();
  await caption.getByText("Last ten minutes").waitFor();
  await go(page, "#/contention");
  await page.getByText(/^\d+ waits? since the start: half took up to/).waitFor();
  await page.getByText(/^\d+ holds: half up to .* old, 99 of 100 up to /).waitFor();
  await page.getByRole("table", { name: "Leases that end next" }).getByRole("link", { name: "soon/1" }).waitFor();
  assert.equal(await command("RELEASE soon/1 worker-1"), "OK");
  assert.ok(await page.locator(".histogram .k3").evaluateAll((parts) => parts.some((part) => part.getBoundingClientRect().height > 1)), "a wait that was given up has a bar");
  await clean(page);
});

await test("the fifth page of a viewer is not live, and says so", async () => {
  const link = (page, ...states) => page.waitForSelector(states.map((state) => `#link[data-state="${state}"]`).join());
  const pages = [];
  for (let i = 0; i < 5; i++) {
    const page = await open(`${guarded}/#/overview`, { token: config.admin, expect: ["status of 429"] });
    await link(page, i < 4 ? "live" : "slow");
    pages.push(page);
  }
  const last = pages.pop();
  await last.locator("#notices").getByText("Not live: this address, or this token there, has 4 streams already.").waitFor();
  await last.locator(".tile").first().getByText("2", { exact: true }).waitFor(); // locks of this server
  await accessible(last, "a page that is not live");
  await clean(pages.pop());
  const states = new Set();
  while (!states.has("live")) { // the server has to notice first that the page is closed
    await last.reload();
    states.add(await link(last, "live", "slow").then((node) => node.getAttribute("data-state")));
  }
  await last.locator("#notices").getByText("Not live").waitFor({ state: "detached" });
  for (const page of [...pages, last]) await clean(page);
});

await test("hostile names stay text", async () => {
  const names = await ask("hostile");
  const page = await open(`${base}/`);
  await live(page);
  await go(page, "#/locks?prefix=%3C");
  for (const shown of names) {
    const hash = lockPage(shown);
    await go(page, hash);
    await page.waitForSelector("#main .facts");
    await page.getByRole("button", { name: "Force release…" }).waitFor(); // the server knew the name
    const title = await page.locator("#main h1 bdi").textContent();
    assert.equal(title, shown);
    await fits(page, shown.slice(0, 40));
  }
  for (const hash of ["#/overview", "#/contention", "#/locks", "#/waits"]) {
    await go(page, hash);
    await page.waitForTimeout(200);
    assert.equal(await page.locator("main :is(img, script, iframe, b b)").count(), 0);
    const words = await page.locator("main").innerText();
    assert.doesNotMatch(words, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
    await fits(page, hash);
  }
  await clean(page);
});

await test("the address is the state", async () => {
  const page = await open(`${base}/#/locks`);
  await live(page);
  await page.getByLabel("Name begins with").fill("orders/");
  await page.getByLabel("Waited for").check({ force: true });
  await page.waitForURL(/#\/locks\?prefix=orders%2F&state=contended/);
  await page.locator("#progress").getByText("2 locks").waitFor(); // the list without a filter has orders/42 too
  assert.equal(await page.getByRole("table", { name: "Locks" }).getByRole("row").count(), 3); // the heading, orders/42, orders/77
  await page.reload();
  await page.getByRole("link", { name: "orders/42", exact: true }).waitFor();
  assert.equal(await page.getByLabel("Name begins with").inputValue(), "orders/");
  await page.goBack();
  await page.waitForURL(/#\/locks$/);
  assert.equal(await page.getByLabel("Name begins with").inputValue(), "");
  await clean(page);
});

await test("keyboard alone", async () => {
  const page = await open(`${base}/`);
  await live(page);
  const press = (...keys) => keys.reduce((done, key) => done.then(() => page.keyboard.press(key)), Promise.resolve());
  await page.getByRole("link", { name: "orders/42", exact: true }).first().waitFor();
  await press("j");
  assert.match(await page.evaluate(() => document.activeElement.textContent), /orders\/42/);
  await press("Enter");
  await page.waitForURL(/#\/lock\?name=orders/);
  for (const [key, url] of [["2", /contention/], ["3", /locks/], ["4", /waits/], ["5", /clients/], ["6", /server/], ["1", /overview/]]) {
    await press(key);
    await page.waitForURL(url);
  }
  await press("p");
  await page.locator("#notices").getByText("Paused at").waitFor();
  await press("p");
  await page.getByText("Paused at").waitFor({ state: "detached" });
  await press("t");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "light");
  await press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await press("/");
  await page.keyboard.type("orders/42");
  await press("Enter");
  await page.waitForURL(/#\/lock\?name=orders%2F42/);
  await page.getByRole("button", { name: "Force release…" }).waitFor();
  // Everything is reached by Tab, in a circle, and shows that it has the focus.
  const reached = new Set();
  for (let i = 0; i < 60; i++) {
    await press("Tab");
    reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.textContent));
  }
  for (const wanted of ["pause", "theme", "zone", "help", "find-name", "6Server", "Force release…", "billing-3"]) assert.ok(reached.has(wanted), `${wanted} is not among ${[...reached]}`);
  await clean(page);
});

await test("force release: right, with the keyboard", async () => {
  const page = await open(`${base}/${lockPage("export:weekly")}`);
  await live(page);
  await page.getByRole("button", { name: "Force release…" }).press("Enter");
  const dialog = page.getByRole("dialog", { name: "Force release" });
  await page.keyboard.press("Enter"); // nothing is filled in
  await dialog.getByText("Say why").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.name), "reason");
  await page.keyboard.type(`"C:\\new" is gone`); // no escape, though it looks like one
  await page.keyboard.press("Tab");
  await page.keyboard.type("export:weekly");
  await page.keyboard.press("Tab");
  await page.keyboard.type(config.openAdmin);
  await page.keyboard.press("Enter");
  await page.locator("#notices").getByText("Taken from batch-1.").waitFor();
  await page.getByText("Nobody holds it.").waitFor();
  assert.equal(await command("STATUS export:weekly"), "OK state=free");
  assert.equal(await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])), "[{},{},\"\"]"); // the admin token is in a variable
  await page.getByText("admin for 10 m").waitFor();
  await page.getByRole("button", { name: "Drop" }).click();
  await page.getByText("admin for").waitFor({ state: "detached" });
  await clean(page);
});

await test("force release: stale and refused", async () => {
  const page = await open(`${base}/${lockPage("ledger/close")}`, { expect: ["status of 403", "status of 409", "status of 401"] });
  await live(page);
  const fill = async (token) => {
    await page.getByRole("button", { name: "Force release…" }).click();
    await page.getByLabel("Reason").fill("it hangs");
    await page.getByLabel("Type the name of the lock").fill("ledger/close");
    if (token) await page.getByRole("textbox", { name: "Admin token" }).fill(token);
  };
  const submit = () => page.getByRole("button", { name: /^Take it from/ }).click();
  await fill("not-the-admin-token");
  await submit();
  await page.getByRole("dialog").getByText("Refused:").waitFor();
  assert.match(await command("STATUS ledger/close"), /owner="orders-9"/);
  await page.keyboard.press("Escape");
  await fill(config.openAdmin);
  await page.getByLabel("Type the name of the lock").fill("another");
  await submit();
  await page.getByText("This is not the name.").waitFor();
  await page.getByLabel("Type the name of the lock").fill("ledger/close");
  assert.equal(await command("RELEASE ledger/close orders-9"), "OK"); // and another service takes it
  assert.equal(await command("ACQUIRE ledger/close orders-10 0 TTL 600000"), "OK");
  await submit();
  await page.getByText("The hold has changed").waitFor();
  assert.match(await command("STATUS ledger/close"), /owner="orders-10"/);
  await page.keyboard.press("Escape");
  await clean(page);
});

await test("signing in, roles and prefixes", async () => {
  const page = await open(`${guarded}/`, { expect: ["status of 401", "status of 403"] });
  const signIn = async (token) => {
    await page.getByLabel("Token").fill(token);
    await page.getByRole("button", { name: "Sign in" }).click();
  };
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await accessible(page, "sign in");
  await signIn("not a token at all");
  await page.getByText("Refused:").waitFor();
  await signIn(config.prefixed);
  await live(page);
  await page.getByText("role lock").waitFor();
  await go(page, "#/locks");
  await page.getByRole("link", { name: "orders/1", exact: true }).waitFor();
  assert.equal(await page.getByText("secret/1").count(), 0);
  await go(page, lockPage("secret/1"));
  await page.getByText("Not allowed:").waitFor();
  await go(page, "#/clients");
  await page.getByText("Connections are for admins").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  await signIn(config.admin);
  await page.getByText("role admin").waitFor();
  await go(page, lockPage("secret/1"));
  await page.getByRole("button", { name: "Force release…" }).click();
  assert.equal(await page.getByRole("textbox", { name: "Admin token" }).count(), 0); // the token is one
  await page.keyboard.press("Escape");
  await page.reload();
  await live(page); // the tab remembers its token
  await clean(page);
});

await test("a service among many locks: found when more is looked at", async () => {
  await ask("crowd");
  const page = await open(`${guarded}/#/owner?service=seldom`, { token: config.admin });
  await live(page);
  const more = page.getByRole("button", { name: "Look at more" });
  await page.getByText(/^looked at \d+ % of 150 k; there may be more$/).waitFor();
  await more.click();
  await more.waitFor({ state: "hidden" });
  await page.getByText(/; there may be more$/).waitFor({ state: "detached" });
  assert.equal(await page.getByRole("table", { name: "Holds" }).getByRole("row").count(), 61); // the heading, and sixty
  await clean(page);
});

await test("a lock with many holders: a part is drawn, and more on demand", async () => {
  const page = await open(`${guarded}/#/waits?lock=wide%2F1`, { token: config.admin });
  await live(page);
  const table = page.getByRole("table", { name: "Who waits for whom" });
  const rest = page.getByText("and 30 more waits"); // 3 writers have 20 edges each
  await rest.waitFor();
  assert.equal(await page.locator(".graph .edge").count(), 30);
  assert.equal(await table.getByRole("row").count(), 31);
  for (const writer of ["writer-0", "writer-1", "writer-2"]) await table.getByRole("row").filter({ hasText: writer }).first().waitFor();
  await page.getByText("· 30 of more than 60 waits").waitFor();
  await page.getByRole("button", { name: "Show more" }).filter({ visible: true }).click();
  await page.getByText("· 60 waits, there are more").waitFor();
  assert.equal(await page.locator(".graph .edge").count(), 60);
  assert.equal(await rest.isVisible(), false);
  await page.setViewportSize({ width: 390, height: 844 });
  await fits(page, "a lock with many holders");
  await clean(page);
});

await test("clients: seen and disconnected by an admin", async () => {
  const page = await open(`${base}/#/clients`, { expect: ["status of 403"] });
  await live(page);
  await page.getByRole("button", { name: "Show an admin token…" }).click();
  await page.getByRole("textbox", { name: "Admin token" }).fill(config.openAdmin);
  await page.getByRole("button", { name: "Use it" }).click();
  const row = page.getByRole("table", { name: "Connections" }).getByRole("row").filter({ hasText: "web-3/4711" });
  await row.waitFor();
  await page.setViewportSize({ width: 390, height: 844 });
  await fits(page, "connections at 390");
  await row.getByText("127.0.0.1:", { exact: false }).filter({ visible: true }).first().waitFor(); // its address
  await row.getByRole("button", { name: /Disconnect/ }).click();
  await page.getByLabel("Reason").fill("it runs wild");
  await page.getByRole("dialog").getByRole("button", { name: /^Disconnect client/ }).click();
  await row.waitFor({ state: "detached" });
  await clean(page);
});


await test("the server goes and comes back", async () => {
  const page = await open(`${base}/`, { expect: ["ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE", "ERR_SOCKET_NOT_CONNECTED", "status of 503"] });
  await live(page);
  await ask("stop");
  await page.getByText("No answer from the server since").waitFor();
  assert.ok(await page.evaluate(() => document.body.classList.contains("stale")));
  await accessible(page, "without a server");
  await ask("start");
  await page.getByText("The server answers again.").first().waitFor();
  await live(page);
  assert.equal(await page.evaluate(() => document.body.classList.contains("stale")), false);
  await clean(page);
});

await test("pages of other origins change and read nothing", async () => {
  const other = http.createServer((request, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end("<!doctype html><title>other</title>");
  });
  await new Promise((resolve) => other.listen(0, "127.0.0.1", resolve));
  assert.equal(await command("ACQUIRE guarded/1 svc 0 TTL 600000"), "OK");
  const context = await browser.newContext();
  const page = await context.newPage();
  const [lockPort, token] = [config.openLocks, config.openAdmin];
  // First a page of another port of this machine, then this server under a name that was pointed
  // here, then the same on the lock port.
  await page.goto(`http://127.0.0.1:${other.address().port}/`);
  const tries = (target, locks) => page.evaluate(async ([target, locks, token]) => {
    const attempt = (url, options) => fetch(url, options).then((r) => r.text().then((body) => `${r.type} ${r.status} ${body}`), (e) => e.message);
    const body = JSON.stringify({ name: "guarded/1", token: 1, reason: "x" });
    const read = (path) => new Promise((resolve) => {
      const script = document.createElement("script");
      script.onload = () => resolve("loaded");
      script.onerror = () => resolve("refused");
      script.src = target + path;
      document.head?.append(script);
    });
    return Promise.all([
      attempt(`${target}/api/v1/stats`), attempt(`${target}/api/v1/live`), attempt(`${target}/api/v1/stats`, { mode: "no-cors" }), attempt(`${target}/snapshot`, { mode: "no-cors" }),
      attempt(`${target}/api/v1/force-release`, { method: "POST", body, mode: "no-cors" }),
      attempt(`${target}/api/v1/force-release`, { method: "POST", body, headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` } }),
      attempt(`${target}/depose`, { method: "POST", mode: "no-cors" }),
      read("/ui/main.js"), attempt(`http://${locks}/`, { method: "POST", body: "RELEASE guarded/1 svc\n", mode: "no-cors" }),
    ]);
  }, [target, locks, token]);
  for (const answer of await tries(base, lockPort)) assert.match(answer, /^(Failed to fetch|refused|opaque 0 )/);
  const rebound = base.replace("127.0.0.1", "evil.example");
  const response = await page.goto(`${rebound}/`);
  assert.equal(response.status(), 421);
  await page.goto(`http://evil.example:${other.address().port}/`);
  for (const answer of await tries(rebound, lockPort.replace("127.0.0.1", "evil.example"))) assert.match(answer, /^(Failed to fetch|refused|opaque 0 )/);
  assert.match(await command("STATUS guarded/1"), /owner="svc"/);
  await context.close();
  other.close();
});

await test("pictures of the README", async () => {
  await ask("scene");
  for (const [theme, file, hash] of [["light", "dashboard-overview.png", "#/overview"], ["dark", "dashboard-lock.png", lockPage("orders/42")]]) {
    const page = await open(`${base}/${hash}`, { theme, scale: 2, height: 720 });
    await live(page);
    await page.waitForTimeout(3_000); // numbers of three seconds
    await page.screenshot({ path: `${config.pictures}/${file}` });
    await clean(page);
  }
});

await browser.close();
process.exit(); // standard input is open
