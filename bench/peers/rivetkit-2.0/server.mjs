// RivetKit 2.0 with its file system driver, which writes an actor's state to a file some time after the action has
// been answered. Says `listening <port>` and ends when its standard input does.
import { serve } from "@hono/node-server";
import { createNodeWebSocket } from "@hono/node-ws";
import { createFileSystemDriver, setup } from "rivetkit";
import "../../servers/heap.mjs";
import { counter } from "./counter.mjs";

// RivetKit's own server would listen on all interfaces and would not tell its port. This one is the same otherwise.
const sockets = {};
const registry = setup({ use: { counter } });
const { fetch } = registry.start({
  driver: createFileSystemDriver({ path: process.env.BENCH_DATA_DIR }),
  disableDefaultServer: true,
  inspector: { enabled: false },
  noWelcome: true,
  getUpgradeWebSocket: () => sockets.upgradeWebSocket,
});
const app = { request: (url, init, env) => fetch(new Request(new URL(url, "http://127.0.0.1"), init), env) };
const { injectWebSocket, upgradeWebSocket } = createNodeWebSocket({ app });
sockets.upgradeWebSocket = upgradeWebSocket;
const server = serve({ fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) =>
  console.log(`listening ${port}`),
);
injectWebSocket(server);

process.stdin.on("end", () => process.exit(0)).resume();
