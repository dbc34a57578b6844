import { once } from "node:events";
import { type ClientRequest, createServer, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { endWithSuite } from "./leftovers.js";

/** How a proxy gets rid of WebSockets: by an answer, or by hanging up. */
export type Refusal = "answer" | "hang up";

/** An HTTP proxy in front of one server that lets everything pass but WebSockets. */
export class BlockingProxy {
  readonly url: string;
  /** How many WebSockets it has turned away. */
  refused = 0;
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(target: string, refusal: Refusal): Promise<BlockingProxy> {
    const server = createServer((incoming, outgoing) => {
      const onward = request(
        new URL(incoming.url ?? "/", target),
        { method: incoming.method ?? "GET", headers: incoming.headers },
        (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(outgoing);
          answer.on("error", () => outgoing.destroy());
        },
      );
      onward.on("error", () => badGateway(onward, outgoing));
      outgoing.on("close", () => onward.destroy());
      incoming.pipe(onward);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const proxy = new BlockingProxy(server, (server.address() as AddressInfo).port);
    endWithSuite(() => proxy.stop());
    server.on("upgrade", (_incoming, socket: Socket) => {
      proxy.refused++;
      // Once a connection is taken from HTTP, a client that breaks it first is nobody else's business.
      socket.on("error", () => socket.destroy());
      if (refusal === "answer") {
        socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
      } else {
        socket.destroy();
      }
    });
    return proxy;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

function badGateway(onward: ClientRequest, outgoing: ServerResponse): void {
  onward.destroy();
  if (outgoing.headersSent) outgoing.destroy();
  else outgoing.writeHead(502).end();
}
