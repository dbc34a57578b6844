// Restate: its server, which keeps state and the journal of each invocation, and an endpoint of its SDK, which runs the
// handlers. Clients talk to the server's ingress. Says `listening <port>` and ends when its standard input does.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http2";
import { createRequire } from "node:module";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import "./node-20.mjs";
import { createEndpointHandler } from "@restatedev/restate-sdk";
import "../../servers/heap.mjs";
import { counter } from "./counter.mjs";
import { freePorts } from "./free-ports.mjs";

const START_MS = 50_000;
const STOP_MS = 10_000;

const endpoint = createServer(createEndpointHandler({ services: [counter], logger: logErrors }));
endpoint.listen(0, "127.0.0.1");
await once(endpoint, "listening");
const [ingress, admin, node] = await freePorts(3);

const binary = createRequire(import.meta.url).resolve(
  `@restatedev/restate-server-linux-${process.arch}/bin/restate-server`,
);
const server = spawn(
  binary,
  ["--no-logo", "--config-file", fileURLToPath(new URL("restate.toml", import.meta.url))],
  {
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...process.env,
      RESTATE_BASE_DIR: process.env.BENCH_DATA_DIR,
      RESTATE_BIND_PORT: `${node}`,
      RESTATE_ADMIN__BIND_PORT: `${admin}`,
      RESTATE_INGRESS__BIND_PORT: `${ingress}`,
    },
  },
);
server.on("exit", (code, signal) => process.exit(signal === "SIGTERM" ? 0 : (code ?? 1)));
process.stdin.on("end", stop).resume();
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, stop);

const deadline = AbortSignal.timeout(START_MS);
await answered(`http://127.0.0.1:${admin}/health`);
const registered = await fetch(`http://127.0.0.1:${admin}/deployments`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ uri: `http://127.0.0.1:${endpoint.address().port}` }),
  signal: deadline,
});
if (!registered.ok) throw new Error(`the endpoint is not registered: ${await registered.text()}`);
await answered(`http://127.0.0.1:${ingress}/restate/health`);
console.log(`listening ${ingress}`);

/** Resolves once a GET is answered well. There is nothing else that tells when the server is ready. */
async function answered(url) {
  for (;;) {
    const response = await fetch(url, { signal: deadline }).catch(() => undefined);
    await response?.arrayBuffer();
    if (response?.ok) return;
    await delay(10, undefined, { signal: deadline });
  }
}

/** Without the warning, once per start, that requests are not signed. */
function logErrors({ level }, ...parts) {
  if (level === "error") console.error("restate:", ...parts);
}

function stop() {
  server.kill("SIGTERM");
  setTimeout(() => server.kill("SIGKILL"), STOP_MS);
}
