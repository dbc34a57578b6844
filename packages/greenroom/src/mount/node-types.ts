/**
 * What is used of Node's requests, answers and sockets. Structural, so that these types need none of Node's, and so
 * that whatever a framework wraps around them will do.
 */

/** A request as `http.Server` has it: an `IncomingMessage`. */
export interface NodeRequest {
  readonly method?: string | undefined;
  /** Path and query. */
  readonly url?: string | undefined;
  /** The same before a framework has cut off the path at which it mounts something. */
  readonly originalUrl?: string | undefined;
  /** Names and values, one after the other. */
  readonly rawHeaders: readonly string[];
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** The connection of a request that asks for an upgrade: a `net.Socket`, or any `Duplex`. */
export interface NodeSocket {
  readonly destroyed: boolean;
  on(event: "data", listener: (bytes: Uint8Array) => void): unknown;
  on(event: "end" | "close", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  write(bytes: Uint8Array, written?: () => void): boolean;
  end(): unknown;
  destroy(): unknown;
  pause(): unknown;
  resume(): unknown;
}

/** An answer as `http.Server` has it: a `ServerResponse`. */
export interface NodeResponse {
  readonly writableFinished: boolean;
  readonly headersSent: boolean;
  readonly destroyed: boolean;
  on(event: "close" | "drain" | "error", listener: () => void): unknown;
  off(event: "close" | "drain" | "error", listener: () => void): unknown;
  writeHead(status: number, reason: string, headers: string[]): unknown;
  write(bytes: Uint8Array): boolean;
  end(): unknown;
  destroy(): unknown;
}
