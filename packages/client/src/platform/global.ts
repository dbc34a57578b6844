import type { WebSocketConstructor } from "../websocket.js";

/** The WebSocket class that the platform has itself. */
export async function loadWebSocket(): Promise<WebSocketConstructor> {
  const found = (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
  if (found === undefined) throw new TypeError("this platform has no WebSocket; pass runtime.loadWebSocket");
  return found;
}
