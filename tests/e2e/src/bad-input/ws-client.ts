/** Connections with npm's `ws`, which lets the test send and see what it likes. */
import { once } from "node:events";
import WebSocket from "ws";
import { BareReader, data, text, uint } from "./bare.js";
import { connect, type QueryChanges } from "./urls.js";

export type Encoding = "json" | "cbor" | "bare";

/** How a socket ended. */
export interface Ending {
  readonly code: number;
  readonly reason: string;
}

/** A message of the server's, as JSON has it or as bytes. */
export type Received = string | Buffer;

/** A WebSocket that keeps what it receives. */
export class TestSocket {
  readonly raw: WebSocket;
  /** How it ended, once it has. */
  readonly ended: Promise<Ending>;
  readonly #received: Received[] = [];
  #wake: () => void = () => {};

  private constructor(url: string, protocols: readonly string[]) {
    this.raw = new WebSocket(url, [...protocols]);
    this.ended = new Promise((resolve) => {
      this.raw.on("close", (code, reason) => {
        resolve({ code, reason: reason.toString() });
        this.#wake();
      });
    });
    this.raw.on("error", () => {});
    this.raw.on("message", (message: Buffer, isBinary) => {
      this.#received.push(isBinary ? message : message.toString());
      this.#wake();
    });
  }

  /** Opens a socket at a path and waits for the handshake. */
  static async open(port: number, path: string, protocols: readonly string[]): Promise<TestSocket> {
    const socket = new TestSocket(`ws://127.0.0.1:${port}${path}`, protocols);
    await once(socket.raw, "open");
    return socket;
  }

  /** Opens a connection to an actor and waits for its Init. */
  static async connect(
    port: number,
    encoding: Encoding,
    actor = "counter",
    changes: QueryChanges = {},
    protocols: readonly string[] = [],
  ): Promise<TestSocket> {
    const path = connect({ actor, changes });
    const socket = await TestSocket.open(port, path, ["rivet", `rivet_encoding.${encoding}`, ...protocols]);
    await socket.next();
    return socket;
  }

  /** The next message. @throws Error if the socket ends before one comes. */
  async next(): Promise<Received> {
    for (;;) {
      const first = this.#received.shift();
      if (first !== undefined) return first;
      if (this.raw.readyState === WebSocket.CLOSED) throw new Error("the socket ended before a message came");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Sends, in the frame type of strings or of bytes. */
  send(message: string | Uint8Array): void {
    this.raw.send(message);
  }

  close(): void {
    this.raw.close();
  }
}

/** A call of `increment(1)` in JSON. */
export const JSON_INCREMENT = jsonAction(7, "increment", [1]);

/** A call in JSON. */
export function jsonAction(id: unknown, name: unknown, args: unknown): string {
  return JSON.stringify({ body: { tag: "ActionRequest", val: { id, name, args } } });
}

/** A call in BARE; `args` is CBOR. */
export function bareAction(id: number, name: string, args: readonly number[]): Uint8Array {
  return Uint8Array.from([4, 0, 0, ...uint(id), ...text(name), ...data(args)]);
}

/** The tag and the first fields of a message in BARE. */
export function readBare(message: Received): BareReader & { readonly tag: number } {
  if (typeof message === "string") throw new Error("BARE comes in binary frames");
  const reader = new BareReader(message);
  if (reader.u16() !== 4) throw new Error("the version is 4");
  return Object.assign(reader, { tag: reader.uint() });
}
