/** Bun's own server, with actors in it. */
import { registry } from "./registry.js";

const { url } = Bun.serve({
  port: process.env.PORT ?? 3000,
  hostname: "127.0.0.1",
  routes: { "/": new Response("a page of my own\n") },
  fetch: registry.handler,
  websocket: registry.websocket,
});
console.log(url.origin);
