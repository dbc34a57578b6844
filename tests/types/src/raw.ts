// Contexts of raw HTTP and WebSockets: as typed as those of actions, and nothing that is not there.
import { actor, type RequestContextOf, setup, type WebSocketContextOf } from "rivetkit";
import { createClient } from "rivetkit/client";
import { same } from "./equal.js";

const gate = actor({
  state: { hits: 0 },
  createVars: () => ({ open: new Set<{ send(text: string): void }>() }),
  createConnState: (_c, params: { name: string }) => ({ name: params.name }),
  // Helper functions whose types come from the definition need a result that does not.
  onRequest: (c, request): Response => {
    same<string, typeof c.conn.state.name>();
    same<Request, typeof request>();
    same<Request, typeof c.request>();
    // @ts-expect-error typo
    c.reqest;
    return answer(c);
  },
  onWebSocket: async (c, socket) => {
    c.vars.open.add(socket);
    socket.addEventListener("message", async ({ data }) => socket.send(`${c.conn.state.name} ${data}`));
    socket.onclose = ({ code, reason }) => note(c, `${code} ${reason}`);
    // @ts-expect-error no message
    socket.send(1);
    // @ts-expect-error no such method
    socket.write("x");
  },
  options: { canHibernateWebSocket: (request) => request.headers.has("x-sleep") },
  actions: { hits: (c) => c.state.hits },
});

function answer(c: RequestContextOf<typeof gate>): Response {
  c.state.hits++;
  return new Response(c.request.url);
}

function note(c: WebSocketContextOf<typeof gate>, text: string): void {
  c.log.info({ path: c.request.url, hits: c.state.hits }, text);
}

actor({
  // @ts-expect-error a handler has to give a Response
  onRequest: () => "text",
});

actor({
  // @ts-expect-error neither a boolean nor a function that gives one
  options: { canHibernateWebSocket: "yes" },
});

const registry = setup({ use: { gate } });
const handle = createClient<typeof registry>().gate.getOrCreate("g", { params: { name: "ann" } });
const fetched = handle.fetch(new URL("http://a.test/x"), { method: "PURGE" });
const opened = handle.webSocket("/room", ["one", "two"]);
same<Promise<Response>, typeof fetched>();
same<Promise<WebSocket>, typeof opened>();
