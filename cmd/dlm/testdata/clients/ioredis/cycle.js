// One cycle of a lock through ioredis with its default options. After host and port there may be
// the files of an authority, a certificate and its key: then it speaks TLS.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Redis } from "ioredis";

// fields returns a reply as an object: it is a map already, or a flat list of
// names and values.
function fields(reply) {
  if (reply instanceof Map) return Object.fromEntries(reply);
  if (!Array.isArray(reply)) return reply;
  const result = {};
  for (let i = 0; i < reply.length; i += 2) result[reply[i]] = reply[i + 1];
  return result;
}

async function refused(code, client, ...command) {
  await assert.rejects(client.call(...command), (error) => error.message.startsWith(code));
}

const [ca, cert, key] = process.argv.slice(4).map((file) => readFileSync(file));
const options = ca ? { tls: { ca, cert, key } } : {};
const client = new Redis(Number(process.argv[3]), process.argv[2], options);
client.on("error", (error) => {
  console.error(error);
  process.exit(1);
});
const lock = "a lock, by node";

assert.equal(await client.ping(), "PONG");
const granted = fields(await client.call("ACQUIRE", lock, "svc-a", 1000));
assert.ok(Number.isSafeInteger(granted.token) && granted.token > 0, String(granted.token));
assert.equal(granted.count, 1);
await refused("TIMEOUT", client, "ACQUIRE", lock, "svc-b", 0);
const beat = fields(await client.call("HEARTBEAT", lock, "svc-a", "TOKEN", granted.token));
assert.equal(beat.token, granted.token);
const status = fields(await client.call("STATUS", lock));
assert.equal(status.state, "held");
assert.equal(status.owner, "svc-a");
assert.equal(fields(await client.call("RELEASE", lock, "svc-a")).count, 0);
await refused("NOTHELD", client, "RELEASE", lock, "svc-a");
assert.match(await client.info(), /^# /);
assert.equal(await client.ping(), "PONG");

// multi() is refused, and nothing of it is executed.
await assert.rejects(client.multi().call("ACQUIRE", "in a transaction", "svc-a", 0).exec(), /EXECABORT/);
assert.equal(fields(await client.call("STATUS", "in a transaction")).state, "free");
await client.quit();
console.log("lock cycle done");
