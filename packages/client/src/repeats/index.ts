/**
 * Calls that are made again and run once: what pages load with the first call over HTTP, and before the first socket.
 */
export { keyUnsupported } from "./caller.js";
export { ConnRepeats, encode } from "./connected.js";
export { CallRepeats } from "./stateless.js";
