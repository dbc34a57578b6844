import type { ActorError } from "./errors.js";

/** The part of the WebSocket API that the client uses. */
export interface WebSocketLike {
  binaryType: string;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  /** `error`: what stands behind the reason, where there was room to say it. */
  onclose:
    | ((event: { readonly code: number; readonly reason: string; readonly error?: ActorError }) => void)
    | null;
  onopen: ((event: unknown) => void) | null;
  onerror: ((event: { readonly message?: string }) => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  /** Breaks the connection at once, where the platform can. */
  terminate?(): void;
  /** Holds messages back, where they could come before listeners are attached. */
  pause?(): void;
  resume?(): void;
}

/** A class of such sockets. The URL has the scheme `ws:` or `wss:`. */
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;
