// A Durable Object with a counter and a list in its SQLite storage. The count is kept in memory as well, so that
// only writes go to SQLite. What is sent waits until all that was written before is synced to disk: workerd's output
// gate sees to that.
import { DurableObject } from "cloudflare:workers";

const LINE = "x".repeat(100);

/** How often each object was constructed since the process began. */
const wakes = new Map();

export class Counter extends DurableObject {
  #sql;
  #count;
  #length;

  constructor(ctx, env) {
    super(ctx, env);
    wakes.set(`${ctx.id}`, this.getWakes() + 1);
    this.#sql = ctx.storage.sql;
    this.#sql.exec("CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY, count INTEGER NOT NULL)");
    this.#sql.exec("CREATE TABLE IF NOT EXISTS lines (id INTEGER PRIMARY KEY, text TEXT NOT NULL)");
    this.#sql.exec("INSERT OR IGNORE INTO counter VALUES (1, 0)");
    this.#count = this.#sql.exec("SELECT count FROM counter").one().count;
    this.#length = this.#sql.exec("SELECT count(*) AS length FROM lines").one().length;
  }

  getWakes() {
    return wakes.get(`${this.ctx.id}`) ?? 0;
  }

  increment(by) {
    this.#count += by;
    this.#sql.exec("UPDATE counter SET count = ? WHERE id = 1", this.#count);
    return this.#count;
  }

  getCount() {
    return this.#count;
  }

  append(text) {
    this.#sql.exec("INSERT INTO lines (text) VALUES (?)", text);
    this.#length += 1;
    return this.#length;
  }

  fill(bytes) {
    for (let missing = Math.ceil(bytes / LINE.length) - this.#length; missing > 0; missing -= 1) {
      this.append(LINE);
    }
    return this.#length;
  }

  publish(text, times) {
    const event = JSON.stringify({ said: text });
    const sockets = this.ctx.getWebSockets();
    for (let i = 0; i < times; i += 1) {
      for (const socket of sockets) socket.send(event);
    }
    return times;
  }

  async fetch(request) {
    if (request.headers.get("upgrade") === "websocket") {
      const { 0: client, 1: server } = new WebSocketPair();
      this.ctx.acceptWebSocket(server);
      return new Response(null, { status: 101, webSocket: client });
    }
    const { action, args } = await request.json();
    return Response.json({ output: this[action](...args) });
  }

  webSocketMessage(socket, message) {
    const { id, action, args } = JSON.parse(message);
    socket.send(JSON.stringify({ id, output: this[action](...args) }));
  }
}

export default {
  fetch(request, env) {
    const key = new URL(request.url).pathname.slice(1);
    return env.COUNTER.getByName(key).fetch(request);
  },
};
