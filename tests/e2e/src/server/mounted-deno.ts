/** Deno's own server, with actors in it. */
import { registry } from "./framework-registry.js";

interface DenoServe {
  readonly serve: (
    options: { readonly port: number; readonly hostname: string },
    handler: (request: Request, info: unknown) => Response | Promise<Response>,
  ) => unknown;
}

const { fetch } = registry.serve();
const { Deno } = globalThis as unknown as { readonly Deno: DenoServe };
Deno.serve({ port: Number(process.env.PORT), hostname: "127.0.0.1" }, (request, info) =>
  new URL(request.url).pathname === "/" ? new Response("a page of my own\n") : fetch(request, info),
);
