/** Bun's own server with actors in it, but without the handlers for their sockets. */
import { registry } from "./framework-registry.js";

interface BunServe {
  readonly serve: (options: object) => { readonly url: URL };
}

const { Bun } = globalThis as unknown as { readonly Bun: BunServe };
Bun.serve({ port: process.env.PORT, hostname: "127.0.0.1", fetch: registry.handler });
