// A graph of waits for servers that draw none: it is put together from queues that are read one
// after the other. So its edges need not have stood at one moment, and the page says so.

import { get } from "./api.js";

const ASKS = 10; // questions for one picture
const QUEUE = 20; // waiters of one lock in it
const NODES = 60;

// around returns nodes and edges around a lock or a service, in the form of /graph.
export async function around({ lock, owner }, signal) {
  const graph = { nodes: new Map(), edges: new Map(), asked: new Set(), left: ASKS, truncated: false };
  const todo = lock ? [["lock", lock]] : [["owner", owner]];
  while (todo.length) {
    const [kind, subject] = todo.shift();
    const key = `${kind} ${subject}`;
    if (graph.asked.has(key)) continue;
    graph.asked.add(key);
    if (graph.left-- <= 0) {
      graph.truncated = true;
      break;
    }
    todo.push(...(kind === "lock" ? await queueOf(graph, subject, signal) : await worksOf(graph, subject, signal)));
  }
  const edges = [...graph.edges.values()];
  number(edges);
  return { nodes: [...graph.nodes.values()], edges, truncated: graph.truncated, unproved: true };
}

function edge(graph, from, to, lock, row, token) {
  for (const id of [from, to]) {
    if (graph.nodes.has(id)) continue;
    if (graph.nodes.size >= NODES) {
      graph.truncated = true;
      return;
    }
    graph.nodes.set(id, { id, waits: 0, holds: 0 });
  }
  const key = `${from} ${to} ${lock}`;
  if (graph.edges.has(key)) return;
  graph.nodes.get(from).waits++;
  graph.nodes.get(to).holds++;
  graph.edges.set(key, { from, to, lock, waited_ms: row.waited_ms, token, cycle: 0 });
}

// queueOf adds the waiters of a lock, and returns its holders to ask about.
async function queueOf(graph, lock, signal) {
  const view = await get("lock", { name: lock }, { signal });
  const holders = view.holders_list?.map((h) => h.service) ?? (view.owner === undefined ? [] : [view.owner]);
  const queue = view.queue ?? [];
  if (queue.length > QUEUE) graph.truncated = true;
  for (const waiter of queue.slice(0, QUEUE)) for (const holder of holders) edge(graph, waiter.service, holder, lock, waiter, view.token);
  return holders.map((id) => ["owner", id]);
}

// worksOf adds what a service waits for, and returns the holders of that, and the locks that others
// wait for it to release.
async function worksOf(graph, service, signal) {
  const { rows } = await get("owner", { service, limit: 100 }, { signal });
  const todo = [];
  for (const row of rows ?? []) {
    if (row.kind === "wait" && row.holder !== undefined) {
      edge(graph, service, row.holder, row.lock, row);
      todo.push(["owner", row.holder]);
    } else if (row.kind === "hold" && row.waiters) todo.push(["lock", row.lock]);
  }
  return todo;
}

// number gives the edges of each cycle its number: an edge is of a cycle if its holder reaches its
// waiter again.
function number(edges) {
  const next = new Map();
  for (const e of edges) next.set(e.from, [...(next.get(e.from) ?? []), e.to]);
  const reach = new Map();
  const reached = (from) => {
    if (reach.has(from)) return reach.get(from);
    const all = new Set();
    for (const todo = [from]; todo.length; ) for (const to of next.get(todo.pop()) ?? []) if (!all.has(to)) { all.add(to); todo.push(to); }
    reach.set(from, all);
    return all;
  };
  const numbers = new Map();
  for (const e of edges) {
    if (!reached(e.to).has(e.from)) continue;
    const members = [...reached(e.from)].filter((id) => reached(id).has(e.from)).sort().join("\n");
    if (!numbers.has(members)) numbers.set(members, numbers.size + 1);
    e.cycle = numbers.get(members);
  }
}
