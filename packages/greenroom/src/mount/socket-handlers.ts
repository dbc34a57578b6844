/** What Bun's server calls for its WebSockets. */
import type { ResolvedRegistry } from "../registry/config.js";
import { MessageSocket, type ServerSocket } from "./message-socket.js";

/**
 * `websocket` of `Bun.serve`. Each function gives false for a socket that is none of a registry's, so that programs
 * with sockets of their own can go on from there.
 */
export interface SocketHandlers {
  /** Largest message that a client may send, in bytes. Above the registry's own limit, which has an error of its own. */
  readonly maxPayloadLength: number;
  /** Bytes that may wait for a client, which is more than ever do. */
  readonly backpressureLimit: number;
  open(socket: ServerSocket): boolean;
  message(socket: ServerSocket, message: string | Uint8Array): boolean;
  drain(socket: ServerSocket): boolean;
  close(socket: ServerSocket, code: number, reason: string): boolean;
}

/** Bun's own limits. */
const USUAL = 16 * 1024 * 1024;

/** The handlers of a registry with these settings. */
export function socketHandlers(settings: ResolvedRegistry): SocketHandlers {
  return {
    maxPayloadLength: Math.max(USUAL, settings.maxIncomingMessageSize + 1),
    backpressureLimit: Math.max(USUAL, 2 * settings.maxOutgoingMessageSize),
    open: (socket) => on(socket, (ours) => ours.open(socket)),
    message: (socket, message) => on(socket, (ours) => ours.message(socket, message)),
    drain: (socket) => on(socket, (ours) => ours.drain()),
    close: (socket, code, reason) => on(socket, (ours) => ours.close(socket, code, reason)),
  };
}

function on({ data }: ServerSocket, use: (socket: MessageSocket) => void): boolean {
  if (!(data instanceof MessageSocket)) return false;
  use(data);
  return true;
}
