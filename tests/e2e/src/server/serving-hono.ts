/** A program of the web framework Hono, in which a registry is mounted. */
import { once } from "node:events";
import { Hono } from "hono";
import { serveWith } from "../harness/node-adapter.js";
import { registry } from "./serving-registry.js";

const app = new Hono();
app.all("/api/rivet/*", (c) => registry.handler(c.req.raw));
app.post("/bump", async (c) => c.json({ n: await registry.client().counter.getOrCreate("main").add(1) }));

const server = serveWith(app.fetch);
server.listen(Number(process.env.GREENROOM_PORT), "127.0.0.1");
await once(server, "listening");
process.stdout.write(`http://127.0.0.1:${process.env.GREENROOM_PORT}\n`);
