import type { WebSocketConstructor } from "./websocket.js";

/** The WebSocket class of browsers, Bun, Deno and workers. */
export async function loadWebSocket(): Promise<WebSocketConstructor> {
  const found = (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
  if (found === undefined) throw new TypeError("this platform has no WebSocket; pass runtime.loadWebSocket");
  return found;
}
