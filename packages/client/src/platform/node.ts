import type { WebSocketConstructor } from "../websocket.js";

export { env, wasLostMidway, wasNeverSent } from "./system.js";

/**
 * The WebSocket class of the `ws` package. Node 20 has none of its own, and the one of Node 22 emits no close
 * event when a handshake fails.
 */
export async function loadWebSocket(): Promise<WebSocketConstructor> {
  const { WebSocket } = await import("ws");
  return class extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, { perMessageDeflate: false });
      // It would wait for the server's part of the close. One that breaks the protocol is not waited for.
      this.on("error", () => this.terminate());
    }
  };
}
