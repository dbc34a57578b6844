import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** A request as the provider got it. */
export interface ProviderRequest {
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: {
    readonly model: string;
    readonly stream: boolean;
    readonly messages: readonly {
      readonly role: string;
      readonly content: string;
      readonly tool_call_id?: string;
      readonly tool_calls?: readonly { readonly id: string; readonly function: { readonly name: string } }[];
    }[];
    readonly tools: readonly { readonly function: { readonly name: string } }[];
  };
}

/** Answers one request. */
export type Answering = (response: ServerResponse, request: ProviderRequest) => void | Promise<void>;

/** Speaks the chat completions protocol of OpenAI on a local port, one scripted answer per request. */
export class Provider {
  readonly requests: ProviderRequest[] = [];
  /** So many requests were given up by who made them. */
  abandoned = 0;
  readonly #server: Server;
  readonly #answers: Answering[];

  private constructor(answers: Answering[]) {
    this.#answers = answers;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(...answers: Answering[]): Promise<Provider> {
    const provider = new Provider(answers);
    provider.#server.listen(0, "127.0.0.1");
    await once(provider.#server, "listening");
    return provider;
  }

  /** What `AGENT_BASE_URL` has to be. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.once("close", () => {
      if (!response.writableFinished) this.abandoned++;
    });
    const body = JSON.parse(await text(request)) as ProviderRequest["body"];
    const seen = { url: request.url ?? "", authorization: request.headers.authorization, body };
    this.requests.push(seen);
    const answering = this.#answers[this.requests.length - 1];
    if (answering === undefined) response.writeHead(500).end("nobody has said what to answer");
    else await answering(response, seen);
  }
}

/** One event: a delta of the first choice. */
export const delta = (delta: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({ object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

/** What ends a stream. */
export const DONE = "data: [DONE]\n\n";

/** Streams these chunks, which need not be whole events, each in a write of its own. */
export const streams =
  (...chunks: readonly string[]): Answering =>
  async (response) => {
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    for (const chunk of chunks) {
      await new Promise((written) => response.write(chunk, written));
      // A turn of its own, so that the pieces arrive as pieces.
      await new Promise((next) => setImmediate(next));
    }
    response.end();
  };

/** Refuses. */
export const refuses =
  (status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answering =>
  (response) =>
    void response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
