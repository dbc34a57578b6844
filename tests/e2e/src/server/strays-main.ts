/**
 * The server process of the suite about errors that nobody handles. `STRAYS` says what the program around it does:
 * listen to such errors itself (`listen-rejections`, `listen-exceptions`), or leave one behind on SIGUSR2 (`reject`,
 * `throw`).
 */

import { serve } from "./serve.js";
import { registry } from "./strays-registry.js";

const role = process.env.STRAYS ?? "";
const heard = (error: unknown): void => console.error(`the program heard: ${String(error)}`);
if (role === "listen-rejections") process.on("unhandledRejection", heard);
if (role === "listen-exceptions") process.on("uncaughtException", heard);

process.on("SIGUSR2", () => {
  if (role === "reject") void Promise.reject(new Error("the program's own rejection"));
  if (role === "throw") throw new Error("the program's own exception");
});

await serve(registry);
