/** Bun, Deno and workers. */
export { loadWebSocket } from "./global.js";
export { env, wasLostMidway, wasNeverSent } from "./system.js";
