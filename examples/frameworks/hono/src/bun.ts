/** A Hono app on Bun, with actors in it. */
import { Hono } from "hono";
import { registry } from "./registry.js";

const app = new Hono<{ Bindings: Bun.Server<object> }>();

app.all("/api/rivet/*", (c) => registry.handler(c.req.raw, c.env));
app.get("/", (c) => c.text("a page of my own\n"));

const { url } = Bun.serve({
  port: process.env.PORT ?? 3000,
  hostname: "127.0.0.1",
  fetch: app.fetch,
  websocket: registry.websocket,
});
console.log(url.origin);
