/** An Elysia app, with actors in it. */
import { Elysia } from "elysia";
import { registry } from "./registry.js";

const app = new Elysia()
  // The actors read the bodies themselves.
  .all("/api/rivet/*", ({ request, server }) => registry.handler(request, server), { parse: "none" })
  .get("/", () => "a page of my own\n")
  .listen({ port: process.env.PORT ?? 3000, hostname: "127.0.0.1" });

console.log(app.server?.url.origin);
