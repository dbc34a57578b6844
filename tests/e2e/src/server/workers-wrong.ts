/** Programs whose registry cannot be had on other threads: what `start` says of each on the main one. */

import { runInThisContext } from "node:vm";
import { isMainThread } from "node:worker_threads";
import { actor, setup } from "greenroom";

const quiet = actor({ actions: { ping: () => "pong" } });
const loud = actor({ actions: { ping: () => "PONG" } });
const options = { port: 0, noWelcome: true, workers: 2 };
const role = process.env.WORKERS_ROLE;

function make() {
  switch (role) {
    case "late":
      return setup({ ...options, use: { quiet } });
    case "others":
      return setup({ ...options, use: isMainThread ? { quiet, loud } : { loud } });
    case "nowhere": {
      const call = runInThisContext("(setup, config) => setup(config)", {
        filename: "a text of the program",
      }) as (make: typeof setup, config: object) => ReturnType<typeof setup>;
      return call(setup, { ...options, use: { quiet } });
    }
    case "missing":
      return setup({
        ...options,
        use: { quiet },
        workers: { count: 2, module: new URL("none.js", import.meta.url) },
      });
    default:
      return setup({ ...options, use: { quiet } });
  }
}

function say(text: string): void {
  if (isMainThread) process.stdout.write(`${text}\n`);
}

if (role === "throws" && !isMainThread) throw new Error("this module is for one thread");
if (role === "exits" && !isMainThread) process.exit(5);
if (role !== "late" || isMainThread) {
  const registry = make();
  try {
    await registry.start();
    say("started");
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string };
    say(JSON.stringify({ code, message }));
  }
  await registry.shutdown();
}
