import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as the server got it. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** An answer; status 200 and no headers unless given. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** An HTTP server that answers as a test says and remembers what it was asked. */
export class FakeServer {
  readonly seen: Seen[] = [];
  readonly server: Server;
  answer: (request: Seen) => Answer | Promise<Answer>;

  private constructor(server: Server, answer: FakeServer["answer"]) {
    this.server = server;
    this.answer = answer;
  }

  /** @param port 0 for any that is free. */
  static async start(answer: FakeServer["answer"], port = 0): Promise<FakeServer> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", async () => {
        const { method = "", url = "", headers } = request;
        const seen = { method, url, headers, body: Buffer.concat(chunks) };
        fake.seen.push(seen);
        const { status = 200, headers: extra = {}, body = "" } = await fake.answer(seen);
        response.writeHead(status, extra).end(body);
      });
    });
    const fake = new FakeServer(server, answer);
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    return fake;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The requests other than metadata lookups. */
  get calls(): Seen[] {
    return this.seen.filter(({ url }) => !url.includes("/metadata"));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
