// What the client loads when it needs it is there already, so that a test need not wait for the disk.
import "../../dist/connection/sse-socket.js";
import { jsonFormat } from "../../dist/protocol/named-formats.js";

/** A request that waits for the test to answer it. */
class FakeRequest {
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
  /** Whether the client gave it up. */
  aborted = false;
  readonly response: Promise<Response>;
  #resolve: (response: Response) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(url: string, init: RequestInit) {
    this.url = url;
    this.headers = new Headers(init.headers);
    this.body = init.body instanceof Uint8Array ? Buffer.from(init.body).toString("hex") : String(init.body);
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    init.signal?.addEventListener("abort", () => {
      this.aborted = true;
      this.#reject(init.signal?.reason);
      this.onAbort();
    });
  }

  /** The network fails under it. */
  fail(): void {
    this.#reject(new TypeError("fetch failed"));
  }

  /** Answers, with an error of the gateway if `error` is given. */
  answer(status: number, error?: string, body: ConstructorParameters<typeof Response>[0] = null): void {
    this.#resolve(
      new Response(body, { status, headers: error === undefined ? {} : { "x-rivet-error": error } }),
    );
  }

  protected onAbort(): void {}
}

/** A request for an event stream, and the stream. JSON. */
export class FakeStream extends FakeRequest {
  #body: ReadableStreamDefaultController<Uint8Array> | undefined;

  /** Opens the stream. */
  open(): void {
    const start = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
      this.#body = controller;
    };
    this.answer(200, undefined, new ReadableStream({ start }));
  }

  /** Opens the stream and admits the connection. */
  init(id = "c1"): void {
    this.open();
    this.message("Init", { actorId: "a1", connectionId: id, connectionToken: `token of ${id}` });
  }

  message(tag: string, val: object): void {
    this.write(`id: 1\ndata: ${JSON.stringify({ body: { tag, val } })}\n\n`);
  }

  write(text: string | Uint8Array): void {
    this.#body?.enqueue(typeof text === "string" ? new TextEncoder().encode(text) : text);
  }

  end(): void {
    this.#body?.close();
  }

  protected override onAbort(): void {
    this.#body?.error(new DOMException("aborted", "AbortError"));
  }
}

/** A network in the hands of a test. */
export class FakeNetwork {
  readonly streams: FakeStream[] = [];
  readonly posts: FakeRequest[] = [];
  /** Whether the server answers when it is asked for its metadata. */
  answers = true;
  /** How often it was asked. */
  probes = 0;

  readonly fetch: typeof fetch = (input, init = {}) => {
    const url = String(input);
    if (url.includes("/metadata")) {
      this.probes++;
      return this.answers
        ? Promise.resolve(new Response("{}"))
        : Promise.reject(new TypeError("fetch failed"));
    }
    const isPost = init.method === "POST";
    const request = isPost ? new FakeRequest(url, init) : new FakeStream(url, init);
    if (request instanceof FakeStream) this.streams.push(request);
    else this.posts.push(request);
    return request.response;
  };

  /** The latest stream that was asked for. */
  get stream(): FakeStream {
    const last = this.streams.at(-1);
    if (last === undefined) throw new Error("no stream was asked for");
    return last;
  }
}

/** The message of a call in JSON. */
export function call(id: number, name: string, ...args: unknown[]): string {
  return String(jsonFormat.encodeFrame({ tag: "ActionRequest", id, name, args }));
}

/** The message of a subscription in JSON. */
export function subscription(eventName: string): string {
  return String(jsonFormat.encodeFrame({ tag: "SubscriptionRequest", eventName, subscribe: true }));
}
