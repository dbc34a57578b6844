/** Who calls or connects: what the server told of it, and what user code sees of that. */
import { decodeValue } from "@greenroom/client/codec";
import { type CallChain, chainOfHeader } from "./call-chain.js";
import { invalidValue } from "./failure.js";

/** As it arrives. All fields are views into the batch. */
export interface ClientRecord {
  /** The connection parameters, in compat form. */
  readonly params: Uint8Array | undefined;
  /** What authentication came to, in compat form. */
  readonly auth: Uint8Array | undefined;
  /** The request behind it: an array of method, URL and header lines. */
  readonly request: Uint8Array | undefined;
  /** The calls that wait for the call, as a header has them. */
  readonly chain: Uint8Array | undefined;
}

/** A client as user code sees it. */
export class Client {
  readonly params: unknown;
  readonly auth: unknown;
  /** The calls that wait for this client's call; undefined if no actor made it. */
  readonly chain: CallChain | undefined;
  readonly #head: RequestHead | undefined;
  #request: Request | undefined;

  private constructor(
    params: unknown,
    auth: unknown,
    head: RequestHead | undefined,
    chain: CallChain | undefined,
  ) {
    this.params = params;
    this.auth = auth;
    this.chain = chain;
    this.#head = head;
  }

  /** One of whom nothing is known. */
  static readonly unknown = new Client(undefined, undefined, undefined, undefined);

  /** @throws HostError `encoding.invalid` if the parameters cannot be read */
  static read(record: ClientRecord): Client {
    const { params, auth, request, chain } = record;
    if (params === undefined && auth === undefined && request === undefined && chain === undefined) {
      return Client.unknown;
    }
    return new Client(
      params === undefined ? undefined : decodeParams(params),
      auth === undefined ? undefined : decodeValue(auth, "compat"),
      request === undefined ? undefined : (decodeValue(request, "native") as RequestHead),
      chain === undefined ? undefined : chainOfHeader(utf8.decode(chain)),
    );
  }

  /** The same with other parameters. */
  withParams(params: unknown): Client {
    return new Client(params, this.auth, this.#head, this.chain);
  }

  /** The request, without its body; absent if the actor is not told of requests. */
  get request(): Request | undefined {
    if (this.#request === undefined && this.#head !== undefined) this.#request = this.makeRequest({});
    return this.#request;
  }

  /** The request, with a body or signal of its own. @throws TypeError if it is none that `Request` can be. */
  makeRequest(init: { readonly signal?: AbortSignal; readonly body?: ReadableStream<Uint8Array> }): Request {
    const [method, url, headers] = this.#head ?? ["GET", NOWHERE, []];
    const full: RequestInit & { duplex?: "half" } = {
      ...init,
      method,
      headers: headers.map(([name, value]) => [name, value]),
    };
    if (init.body !== undefined) full.duplex = "half";
    return new Request(validUrl(url), full);
  }
}

/** An origin for requests that name none. */
const NOWHERE = "http://actor/";

/** The origin is what the client wrote into its `Host` header, and may be anything; the path is the server's. */
function validUrl(url: string): string {
  return URL.canParse(url) ? url : url.replace(/^http:\/\/[^/]*\//, NOWHERE);
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** A request as the core describes it. */
export type RequestHead = readonly [
  method: string,
  url: string,
  headers: readonly (readonly [string, string])[],
];

/** The request, without its body. */
export function requestOf([method, url, headers]: RequestHead): Request {
  return new Request(validUrl(url), { method, headers: headers.map(([name, value]) => [name, value]) });
}

/** @throws HostError `encoding.invalid` */
export function decodeParams(bytes: Uint8Array): unknown {
  try {
    return decodeValue(bytes, "compat");
  } catch (error) {
    throw invalidValue("the connection parameters", error);
  }
}
