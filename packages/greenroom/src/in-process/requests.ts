/**
 * Requests of this process to the server in it: they cross to the core in the batches of the host, without a socket.
 *
 * A request that an actor makes is an output of its turn, so it leaves only when what the actor did before is
 * durable. Those of the rest of the program leave at once.
 */
import { ActorError } from "@greenroom/client/errors";
import type { BatchReader } from "../host/batch-reader.js";
import type { OutputWriter } from "../host/output-writer.js";
import { EventKind } from "../host/records.js";
import { type Listener, Pipe } from "./pipe.js";
import { RequestBody } from "./request-body.js";
import { ResponseBody } from "./response-body.js";
import { WholeAnswer } from "./whole-answer.js";

/** A request, taken apart. */
export interface RequestHead {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array | string | ReadableStream<Uint8Array> | null;
  readonly signal: AbortSignal | null;
  /** Whether it comes from this registry itself, and is not asked for credentials. */
  readonly isTrusted: boolean;
  /** Whether it is enough to answer with a {@link WholeAnswer}, if the answer is one. */
  readonly isPlain?: boolean;
  /** Where it comes from, if that is known: an IP address. */
  readonly address?: string | undefined;
}

/** On whose behalf requests are made. */
export interface Sender {
  /** A request is under way. */
  began(request: number): void;
  /** It is over, one way or another. */
  ended(request: number): void;
  /**
   * Where the beginning of a request is written to; undefined if it may leave at once.
   *
   * @throws ActorError if it may not be made.
   */
  outputs(): OutputWriter | undefined;
}

/** Where a request is written to. */
export interface RequestsOwner {
  /** Outputs that belong to no actor. The host will flush them. */
  registryOutputs(): OutputWriter;
  /** Whether the registry is about to end. */
  isEnding(): boolean;
}

/** Answers without a body, whatever follows. */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

/** What a `Response` is made with. */
interface AnswerHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: [string, string][];
}

interface Exchange {
  readonly sender: Sender | undefined;
  readonly resolve: (response: Response) => void;
  readonly reject: (error: unknown) => void;
  readonly stopListening: () => void;
  readonly isHead: boolean;
  readonly isPlain: boolean;
  requestBody: RequestBody | undefined;
  responseBody: ResponseBody | undefined;
}

/** See the top of the file. */
export class Requests {
  readonly #owner: RequestsOwner;
  readonly #exchanges = new Map<number, Exchange>();
  /** Connections. They have numbers of the same kind. */
  readonly #pipes = new Map<number, Pipe>();
  #last = 0;
  #isDraining = false;
  #isClosed = false;

  constructor(owner: RequestsOwner) {
    this.#owner = owner;
  }

  /**
   * Makes a request. What keeps it from being answered is an answer, too, as the server would give it.
   *
   * @param sender By default the program, whose requests leave at once.
   * @throws (as a rejection) the reason of its signal.
   */
  send(head: RequestHead, sender?: Sender): Promise<Response> {
    const { signal } = head;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#isClosed) return Promise.resolve(errorResponse(closed()));
    let outputs: OutputWriter | undefined;
    try {
      outputs = sender?.outputs();
    } catch (error) {
      if (error instanceof ActorError) return Promise.resolve(errorResponse(error));
      return Promise.reject(error);
    }
    const id = this.#next();
    return new Promise((resolve, reject) => {
      const onAbort = (): void => this.giveUp(id, signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      const exchange: Exchange = {
        sender,
        resolve,
        reject,
        stopListening: () => signal?.removeEventListener("abort", onAbort),
        isHead: head.method === "HEAD",
        isPlain: head.isPlain === true,
        requestBody: undefined,
        responseBody: undefined,
      };
      this.#exchanges.set(id, exchange);
      sender?.began(id);
      const { body } = head;
      (outputs ?? this.#owner.registryOutputs()).beginRequest(id, head);
      if (body instanceof ReadableStream) exchange.requestBody = this.#sendBody(id, body);
    });
  }

  /**
   * Begins a connection: what is written to it has to begin with an HTTP request, and what comes with its answer.
   *
   * @param address Where it comes from, if that is known.
   * @throws ActorError if nobody is there to answer any more.
   */
  connect(address: string | undefined, listener: Listener): Pipe {
    if (this.#isClosed) throw closed();
    const id = this.#next();
    const owner = this.#owner;
    const pipe = new Pipe(
      {
        part: (bytes) => owner.registryOutputs().requestPart(id, bytes),
        end: () => owner.registryOutputs().endRequest(id),
        taken: (bytes) => owner.registryOutputs().answerTaken(id, bytes),
      },
      listener,
    );
    this.#pipes.set(id, pipe);
    owner.registryOutputs().beginConnection(id, address);
    return pipe;
  }

  /** Nobody waits for the answer any more. */
  giveUp(id: number, reason: unknown): void {
    if (this.#finish(id, reason)) this.#owner.registryOutputs().giveUpRequest(id);
  }

  /** Reads an event about a request whole, and handles it. @returns false if it is no such event */
  handle(kind: number, reader: BatchReader): boolean {
    switch (kind) {
      case EventKind.answerHead: {
        const id = reader.u32();
        const status = reader.u16();
        const statusText = reader.optStr();
        const headers: [string, string][] = [];
        for (let count = reader.u16(); count > 0; count--) headers.push([reader.str(), reader.str()]);
        this.#answered(id, { status, statusText: statusText ?? "", headers }, reader.opt());
        return true;
      }
      case EventKind.answerPart: {
        const id = reader.u32();
        const bytes = reader.bytes();
        const to = this.#exchanges.get(id)?.responseBody ?? this.#pipes.get(id);
        to?.part(bytes.slice());
        return true;
      }
      case EventKind.answerEnd: {
        const id = reader.u32();
        // A connection has an end of what it says before it is over.
        const to = this.#pipes.get(id) ?? this.#take(id)?.responseBody;
        to?.end();
        return true;
      }
      case EventKind.answerFailed: {
        const id = reader.u32();
        const error = new ActorError(reader.str(), reader.str(), reader.str());
        reader.opt();
        if (!this.#over(id)) this.#finish(id, error);
        return true;
      }
      case EventKind.requestTaken: {
        const id = reader.u32();
        const bytes = reader.u32();
        const from = this.#exchanges.get(id)?.requestBody ?? this.#pipes.get(id);
        from?.taken(bytes);
        return true;
      }
      default:
        return false;
    }
  }

  /** The registry is about to end: actors that are told so by others need not try again. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Ends all requests: the core answers nothing any more. */
  close(): void {
    this.#isClosed = true;
    for (const id of [...this.#exchanges.keys()]) this.#finish(id, closed());
    for (const id of [...this.#pipes.keys()]) this.#over(id);
  }

  #isEnding(): boolean {
    return this.#isDraining || this.#owner.isEnding();
  }

  #next(): number {
    this.#last = (this.#last + 1) >>> 0;
    return this.#last;
  }

  /** @returns whether there was such a connection */
  #over(id: number): boolean {
    const pipe = this.#pipes.get(id);
    this.#pipes.delete(id);
    pipe?.over();
    return pipe !== undefined;
  }

  #answered(id: number, head: AnswerHead, whole: Uint8Array | undefined): void {
    const { status, headers } = head;
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined) return;
    if (exchange.sender !== undefined && headers.some(isStopping) && this.#isEnding()) {
      this.#finish(id, closed());
      return;
    }
    const hasNoBody = BODILESS.has(status) || exchange.isHead;
    if (whole !== undefined) {
      this.#take(id);
      const bytes = whole.slice() as Uint8Array<ArrayBuffer>;
      if (exchange.isPlain) {
        // Our client uses no more of it than there is.
        exchange.resolve(new WholeAnswer(status, headers, bytes) as unknown as Response);
      } else {
        exchange.resolve(new Response(hasNoBody ? null : bytes, head));
      }
      return;
    }
    const body = new ResponseBody(
      (bytes) => this.#owner.registryOutputs().answerTaken(id, bytes),
      () => this.giveUp(id, undefined),
    );
    exchange.responseBody = body;
    exchange.resolve(new Response(hasNoBody ? null : body.stream, head));
  }

  #sendBody(id: number, body: ReadableStream<Uint8Array>): RequestBody {
    return new RequestBody(body, {
      part: (bytes) => this.#owner.registryOutputs().requestPart(id, bytes),
      end: () => this.#owner.registryOutputs().endRequest(id),
      broken: (error) => this.giveUp(id, error),
    });
  }

  /** Ends an exchange that has no proper end. @returns whether there was one */
  #finish(id: number, reason: unknown): boolean {
    const exchange = this.#take(id);
    if (exchange === undefined) return false;
    if (exchange.responseBody !== undefined) exchange.responseBody.fail(reason);
    else if (reason instanceof ActorError) exchange.resolve(errorResponse(reason));
    else exchange.reject(reason);
    return true;
  }

  #take(id: number): Exchange | undefined {
    const exchange = this.#exchanges.get(id);
    this.#exchanges.delete(id);
    exchange?.sender?.ended(id);
    exchange?.stopListening();
    exchange?.requestBody?.stop();
    return exchange;
  }
}

function isStopping([name, value]: readonly [string, string]): boolean {
  return name === "x-rivet-error" && value === "actor.stopping";
}

function closed(): ActorError {
  return new ActorError("actor", "restarting", "the registry has been shut down");
}

/** An error as the server answers it. */
export function errorResponse(error: ActorError, status = error.statusCode ?? 503): Response {
  const { group, code, message } = error;
  return Response.json(
    { group, code, message, metadata: null },
    { status, headers: { "x-rivet-error": `${group}.${code}` } },
  );
}
