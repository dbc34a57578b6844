/** How the server processes of the suites serve: by themselves, or within a server of their program's own. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "greenroom";
import { toNodeHandler } from "greenroom/node";

interface BunServe {
  readonly serve: (options: object) => { readonly url: URL };
}

type Servable = Pick<Registry, "start" | "handler" | "upgrade" | "serve">;

/** Serves, and prints where that is. With `GREENROOM_E2E_MOUNTED` the registry has no port of its own. */
export async function serve(registry: Servable): Promise<void> {
  const url = process.env.GREENROOM_E2E_MOUNTED ? await mount(registry) : (await registry.start()).url;
  process.stdout.write(`${JSON.stringify({ url })}\n`);
}

async function mount(registry: Servable): Promise<string> {
  const port = Number(process.env.GREENROOM_PORT);
  const { Bun } = globalThis as { readonly Bun?: BunServe };
  if (Bun !== undefined) {
    const { fetch, websocket } = registry.serve();
    const server = Bun.serve({ port, hostname: "127.0.0.1", fetch, websocket, idleTimeout: 60 });
    return server.url.href.replace(/\/$/, "");
  }
  const server = createServer(toNodeHandler(registry));
  server.keepAliveTimeout = 120_000;
  server.on("upgrade", registry.upgrade);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
