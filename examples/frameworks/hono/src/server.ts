/** A Hono app on Node.js, with actors in it. */
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { registry } from "./registry.js";

const port = Number(process.env.PORT ?? 3000);
const app = new Hono();

app.all("/api/rivet/*", (c) => registry.handler(c.req.raw));
app.get("/", (c) => c.text("a page of my own\n"));

const server = serve({ fetch: app.fetch, port, hostname: "127.0.0.1" }, () =>
  console.log(`http://127.0.0.1:${port}`),
);
server.on("upgrade", registry.upgrade);
