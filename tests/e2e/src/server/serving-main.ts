/** A program with a server of its own, in which a registry is mounted. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { serveWith } from "../harness/node-adapter.js";
import { registry } from "./serving-registry.js";

interface BunServe {
  readonly serve: (options: object) => { readonly url: URL };
}

/** The program's own routes come first. */
async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/own") return new Response("mine");
  if (pathname === "/total") {
    return Response.json(await registry.client().counter.getOrCreate("k").read());
  }
  if (pathname === "/health-of-actors") return registry.routes.health();
  if (pathname === "/shutdown") {
    void registry.shutdown();
    return new Response(null, { status: 202 });
  }
  return registry.serve().fetch(request);
}

const { Bun } = globalThis as { readonly Bun?: BunServe };
const port = Number(process.env.GREENROOM_PORT);
if (Bun === undefined) {
  const server = serveWith(answer);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
} else {
  const { url } = Bun.serve({ port, hostname: "127.0.0.1", fetch: answer, idleTimeout: 60 });
  process.stdout.write(`${url}\n`);
}
