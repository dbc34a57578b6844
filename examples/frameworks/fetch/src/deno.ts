/** Deno's own server, with actors in it. */
import { registry } from "./registry.ts";

Deno.serve({ port: Number(process.env.PORT ?? 3000), hostname: "127.0.0.1" }, (request) =>
  new URL(request.url).pathname === "/" ? new Response("a page of my own\n") : registry.handler(request),
);
