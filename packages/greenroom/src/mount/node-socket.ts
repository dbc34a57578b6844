/** The sockets of Node's HTTP server, handed over to the core byte by byte. */
import { EventEmitter } from "node:events";
import { ActorError } from "@greenroom/client/errors";
import type { Listener, Pipe } from "../in-process/pipe.js";
import { errorText } from "./http-text.js";
import type { NodeSocket } from "./node-types.js";

/** Sockets that are taken care of. */
const taken = new WeakSet<object>();

/** See the top of the file. */
export class NodeConnection implements Listener {
  readonly #socket: NodeSocket;
  #pipe: Pipe | undefined;
  /** Bytes that are given to the socket and not on their way yet. */
  #unsent = 0;
  #isClosed: boolean;

  /** @throws ActorError `request.invalid` if the socket is taken care of already */
  constructor(socket: NodeSocket) {
    if (taken.has(socket)) {
      const message =
        "this socket was handed over before: let one listener of the server's `upgrade` event call `registry.upgrade`, once";
      throw new ActorError("request", "invalid", message);
    }
    taken.add(socket);
    this.#socket = socket;
    this.#isClosed = socket.destroyed;
    // It is followed by the close.
    socket.on("error", () => {});
    socket.on("close", () => this.#closed());
  }

  /**
   * Passes everything on, if the client is still there.
   *
   * @param connect Gives the way to the core, or throws.
   * @param first What came before, with the head of the request.
   */
  join(connect: (listener: Listener) => Pipe, first: readonly Uint8Array[]): void {
    if (this.#isClosed) return;
    const pipe = connect(this);
    this.#pipe = pipe;
    for (const bytes of first) pipe.write(bytes);
    const socket = this.#socket;
    socket.on("data", (bytes) => {
      if (!pipe.write(bytes)) socket.pause();
    });
    socket.on("end", () => pipe.close());
    socket.resume();
  }

  /** Says what stands against the connection, and ends it. */
  refuse(error: ActorError): void {
    if (this.#isClosed) return;
    this.#socket.write(errorText(error));
    this.#socket.end();
    // What is still sent is of no interest, but the end of it is.
    this.#socket.resume();
  }

  onBytes(bytes: Uint8Array): void {
    if (this.#isClosed) {
      this.#pipe?.took(bytes.length);
      return;
    }
    this.#unsent += bytes.length;
    this.#socket.write(bytes, () => this.#sent(bytes.length));
  }

  onEnd(): void {
    if (!this.#isClosed) this.#socket.end();
  }

  onRoom(): void {
    if (!this.#isClosed) this.#socket.resume();
  }

  onOver(): void {
    if (!this.#isClosed) this.#socket.destroy();
  }

  #sent(bytes: number): void {
    // After the close all of it counts as sent.
    if (this.#isClosed) return;
    this.#unsent -= bytes;
    this.#pipe?.took(bytes);
  }

  #closed(): void {
    this.#isClosed = true;
    this.#pipe?.took(this.#unsent);
    this.#unsent = 0;
    this.#pipe?.close();
  }
}

/** Whether a server has no other listener for upgrades than the one that asks. */
export function hasNoOthers(server: unknown): boolean {
  return server instanceof EventEmitter && server.listenerCount("upgrade") === 1;
}

/** Refuses what is for nobody. */
export function refuseUpgrade(socket: NodeSocket): void {
  const message = "no WebSocket is opened at this path";
  new NodeConnection(socket).refuse(new ActorError("guard", "no_route", message, { statusCode: 404 }));
}
