/** Actors that are attacked. */
import { actor, event, queue, setup, Unauthorized, UserError } from "greenroom";

/** A class of the program's own, whose members are none of the actor's. */
class Oops extends Error {
  override name = "Oops";
  readonly secret = "s3cret-of-the-error";
}

export const target = actor({
  state: { hits: 0, texts: [] as string[], table: {} as Record<string, unknown> },
  events: { hit: event<number>(), constructor: event<string>() },
  queues: { jobs: queue<unknown>() },
  createConnState: (_c, params: unknown) => ({ params }),
  onBeforeConnect(_c, params: unknown) {
    if (typeof params === "object" && params !== null && "explode" in params)
      throw new Oops("before connecting");
  },
  onRequest(c, request) {
    c.state.hits += 1;
    const url = new URL(request.url);
    switch (url.pathname) {
      case "/boom":
        throw new Oops(`at ${import.meta.url}`);
      case "/location":
        return new Response(null, { status: 302, headers: { location: url.searchParams.get("to") ?? "/" } });
      case "/headers":
        return Response.json(Object.fromEntries(request.headers));
      default:
        return new Response("<script>window.pwned = true</script>", {
          headers: { "content-type": "text/html" },
        });
    }
  },
  onWebSocket(c, websocket) {
    c.state.hits += 1;
    websocket.addEventListener("message", ({ data }) => websocket.send(data));
  },
  actions: {
    hit(c) {
      c.state.hits += 1;
      c.broadcast("hit", c.state.hits);
      return c.state.hits;
    },
    hits: (c) => c.state.hits,
    key: (c) => c.key,
    id: (c) => c.actorId,
    echo: (_c, value: unknown) => value,
    conn: (c) => ({ state: c.conn?.state, params: c.conn?.params }),
    say(c, text: string) {
      c.log.info(text, { text, nested: { text } });
      c.log.warn({ [text]: text }, "said");
    },
    put(c, key: string, value: unknown) {
      c.state.table[key] = value;
      return Object.keys(c.state.table);
    },
    get: (c, key: string) => ({ has: Object.hasOwn(c.state.table, key), value: c.state.table[key] }),
    whole: (c) => c.state.table,
    isClean: () =>
      Object.keys(Object.prototype).length === 0 &&
      (Object.prototype as { polluted?: unknown }).polluted === undefined &&
      (() => {}).toString().startsWith("("),
    async kvPut(c, key: string, value: string) {
      await c.kv.put(key, value);
      return (await c.kv.list("", { keyType: "text" })).map(([name, stored]) => [name, stored]);
    },
    fail() {
      throw new Oops(`no file ${import.meta.url}`);
    },
    failAsString() {
      throw `no file ${import.meta.url}`;
    },
    async rejectLater() {
      await Promise.resolve();
      throw Object.assign(new TypeError("s3cret-of-the-error"), {
        group: "internal",
        code: "leak",
        metadata: { a: 1 },
      });
    },
    refuse() {
      throw new UserError("not enough", { code: "too_little", metadata: { needed: 3 } });
    },
    nested: { constructor: () => "mine" },
  },
});

const TOKEN = process.env.TEST_AUTH_TOKEN;
const LIMITS = { requestsPerMinute: 20, inFlight: 3, creationsPerMinute: 5, connections: 2 };

export const registry = setup({
  use: { target },
  ...(process.env.TEST_LIMITS !== undefined && { rateLimit: LIMITS }),
  ...(TOKEN !== undefined && {
    onAuth: async ({ token, params }) => {
      if (token === "hang") await new Promise(() => {});
      if (token === "throw") throw new Oops("the inner secret");
      if (token !== TOKEN) throw new Unauthorized("who are you?");
      return { uid: JSON.stringify(params) };
    },
    onAuthTimeout: 500,
  }),
});
