import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type Server, type Socket } from "node:net";
import { endWithSuite } from "./leftovers.js";

/** How a connection ends before its time. */
export interface Cut {
  /** After so many bytes, counted in both directions. */
  readonly after: number;
  /** The server does not learn of it: its side stays open, and nothing it sends arrives anywhere. */
  readonly halfOpen: boolean;
}

/** A TCP proxy in front of one server that cuts connections, and holds back what clients send. */
export class CuttingProxy {
  readonly url: string;
  /** How many connections it has cut. */
  cuts = 0;
  /** Decides, for each connection, how it ends; `undefined` for not at all. */
  plan: () => Cut | undefined = () => undefined;
  readonly #server: Server;
  readonly #port: number;
  readonly #clients = new Set<Socket>();
  readonly #servers = new Set<Socket>();
  /** Those whose client is cut off without their knowing. */
  readonly #forsaken = new Set<Socket>();
  /** What their clients have sent, of those that hear nothing for now. */
  readonly #held = new Map<Socket, Buffer[]>();
  #onHeld: (() => void) | undefined;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.#port = port;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** @param target the port of the server, on this machine. */
  static async start(target: number): Promise<CuttingProxy> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const proxy = new CuttingProxy(server, target);
    server.on("connection", (socket) => proxy.#pass(socket));
    endWithSuite(() => proxy.stop());
    return proxy;
  }

  /** Cuts the connections that are there, or those of them that are `chosen`. */
  cutAll(halfOpen = false, chosen: () => boolean = () => true): void {
    if (halfOpen) for (const socket of this.#servers) this.#forsaken.add(socket);
    for (const socket of [...this.#clients].filter(chosen)) {
      this.cuts++;
      socket.destroy();
    }
  }

  /** From here on the server hears nothing over the connections that are there. Resolves when there is something to hear. */
  hold(): Promise<void> {
    for (const socket of this.#servers) this.#held.set(socket, []);
    return new Promise((resolve) => {
      this.#onHeld = resolve;
    });
  }

  /** The server hears what was held back, and that there is no more. Resolves when it has closed those connections. */
  async release(): Promise<void> {
    const held = [...this.#held];
    this.#held.clear();
    const closed = held.map(([socket]) => once(socket, "close"));
    for (const [socket, pieces] of held) socket.end(Buffer.concat(pieces));
    await Promise.all(closed);
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.cutAll();
    for (const socket of [...this.#servers]) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #pass(client: Socket): void {
    const server = connect(this.#port, "127.0.0.1");
    const cut = this.plan();
    let left = cut?.after ?? Number.POSITIVE_INFINITY;
    // Whether the server is left to itself.
    const halfOpen = (): boolean => this.#forsaken.has(server) || (cut?.halfOpen === true && left <= 0);
    this.#clients.add(client);
    this.#servers.add(server);
    const onward = (to: Socket) => (piece: Buffer) => {
      const held = this.#held.get(to);
      if (held !== undefined) {
        held.push(piece);
        this.#onHeld?.();
        return;
      }
      // What was on its way before the cut arrives in part.
      if (!to.destroyed && left > 0) to.write(piece.subarray(0, left));
      const wasOpen = left > 0;
      left -= piece.length;
      if (left > 0 || !wasOpen) return;
      this.cuts++;
      client.destroySoon();
      if (!cut?.halfOpen) server.destroySoon();
    };
    client.on("data", onward(server));
    server.on("data", onward(client));
    client.on("end", () => server.end());
    server.on("end", () => client.end());
    client.on("error", () => client.destroy());
    server.on("error", () => server.destroy());
    client.on("close", () => {
      this.#clients.delete(client);
      if (!halfOpen()) server.destroy();
    });
    server.on("close", () => {
      this.#servers.delete(server);
      this.#forsaken.delete(server);
      this.#held.delete(server);
      client.destroy();
    });
  }
}
