/** What Bun's server calls for its WebSockets. */
import type { ResolvedRegistry } from "../registry/config.js";
import { MessageSocket, type ServerSocket } from "./message-socket.js";

/** `websocket` of `Bun.serve`. Sockets that are none of a registry's are left alone. */
export interface SocketHandlers {
  /** Largest message that a client may send, in bytes. Above the registry's own limit, which has an error of its own. */
  readonly maxPayloadLength: number;
  /** Bytes that may wait for a client, which is more than ever do. */
  readonly backpressureLimit: number;
  /** Whether a socket is a registry's, for programs that have others as well. */
  owns(socket: ServerSocket): boolean;
  open(socket: ServerSocket): void;
  message(socket: ServerSocket, message: string | Uint8Array): void;
  drain(socket: ServerSocket): void;
  close(socket: ServerSocket, code: number, reason: string): void;
}

/** Bun's own limits. */
const USUAL = 16 * 1024 * 1024;

/** The handlers of a registry with these settings. */
export function socketHandlers(settings: ResolvedRegistry): SocketHandlers {
  return {
    maxPayloadLength: Math.max(USUAL, settings.maxIncomingMessageSize + 1),
    backpressureLimit: Math.max(USUAL, 2 * settings.maxOutgoingMessageSize),
    owns: (socket) => ours(socket) !== undefined,
    open: (socket) => ours(socket)?.open(socket),
    message: (socket, message) => ours(socket)?.message(socket, message),
    drain: (socket) => ours(socket)?.drain(),
    close: (socket, code, reason) => ours(socket)?.close(socket, code, reason),
  };
}

function ours({ data }: ServerSocket): MessageSocket | undefined {
  return data instanceof MessageSocket ? data : undefined;
}
