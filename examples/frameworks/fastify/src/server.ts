/** A Fastify app, with actors in it. */
import fastify from "fastify";
import { toNodeHandler } from "greenroom/node";
import { registry } from "./registry.js";

const port = Number(process.env.PORT ?? 3000);
const app = fastify();
const actors = toNodeHandler(registry);

// Before Fastify reads the body; what is not for the actors goes on to the routes.
app.addHook("onRequest", (request, reply, next) => actors(request.raw, reply.raw, next));
app.get("/", () => "a page of my own\n");

app.server.on("upgrade", registry.upgrade);
console.log(await app.listen({ port, host: "127.0.0.1" }));
