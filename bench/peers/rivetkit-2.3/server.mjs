// RivetKit 2.3 with the engine that comes with it, a process of its own which clients talk to. State is saved within
// a second after an action has been answered; with `--saved`, before. Says `listening <port>` and ends when its standard input does.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { setup } from "rivetkit";
import "../../servers/heap.mjs";
import { counter } from "./counter.mjs";
import { freePort } from "./free-port.mjs";

/** Short, because nobody reads the data of a server that is not killed. */
const STOP_MS = 1_000;

const data = process.env.BENCH_DATA_DIR;
process.env.RIVETKIT_STORAGE_PATH = data;
// The engine puts work off for many seconds while the machine as a whole is busy, which it is in a benchmark.
process.env.RIVET__RUNTIME__WORKER_CPU_MAX = "100000000";

const enginePort = await freePort();
const registry = setup({
  use: { counter },
  startEngine: true,
  engineHost: "127.0.0.1",
  enginePort,
  startServices: false,
  noWelcome: true,
  logging: { level: "error" },
  shutdown: { disableSignalHandlers: true },
});
await registry.startAndWait();
console.log(`listening ${enginePort}`);

process.stdin.on("end", stop).resume();
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, stop);

async function stop() {
  await Promise.race([registry.shutdown(), delay(STOP_MS)]);
  // RivetKit leaves its engine running, for the next start.
  const { pid } = JSON.parse(readFileSync(join(data, ".rivetkit/var/engine/runtime.json"), "utf8"));
  process.kill(pid, "SIGKILL");
  process.exit(0);
}
