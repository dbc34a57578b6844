import { needing, needsMore } from "../codec/usual.js";
import { ActorClientError, type ActorError } from "../errors.js";
import type { Packet } from "../protocol/format.js";
import type { ClientFrame, StreamPart } from "../protocol/frames.js";
import type { ConnRepeats } from "../repeats/connected.js";
import { abortedError, deferred } from "../timers.js";
import type { Call } from "../types.js";
import type { ItemStream } from "./item-stream.js";

/** Pages load what streams need with the first of them. */
let makeStream: ((...args: ConstructorParameters<typeof ItemStream>) => ItemStream) | undefined;
const streamsNeeded = needing(async () => {
  const { ItemStream } = await import("./item-stream.js");
  makeStream = (credit, giveUp) => new ItemStream(credit, giveUp);
});

/** Calls that may wait for a connection or a reply at the same time. */
const MAX_REQUESTS = 100_000;

/** Makes the packet of a call; `undefined` while that is not possible yet. */
type Encode = (id: number) => Packet | undefined;

/** A call without an outcome. */
export interface Request {
  /** What to send, or what makes it; `undefined` once it is sent. */
  packet: Packet | Encode | undefined;
  readonly name: string;
  readonly promise: Promise<unknown>;
  readonly resolve: (output: unknown) => void;
  reject: (error: unknown) => void;
  /** The result, if it streams. */
  stream?: ItemStream;
  /** As `retryTimeout` of the client, for this call. */
  readonly retryTimeout: number | undefined;
  readonly stopListening: () => void;
}

/**
 * The calls of one connection object that have no outcome yet, in call order. Ids count up and are never
 * reused, across sockets.
 */
export class RequestTable {
  readonly #requests = new Map<number, Request>();
  readonly #tell: (frame: ClientFrame) => void;
  #nextId = 0;
  /** There once a server has said that calls may be made again. */
  repeats: ConnRepeats | undefined;

  /** @param tell passes on what the server should know of a call that was sent, if it can. */
  constructor(tell: (frame: ClientFrame) => void) {
    this.#tell = tell;
  }

  /**
   * Adds a call that is still to be sent.
   *
   * @param encode makes the packet for the call's id, at once if possible, else when it is taken; what it throws
   *   becomes the outcome, except for what {@link needsMore} recognizes: that is passed on to `wait`.
   * @returns the id, and the outcome.
   * @throws the outcome, if there already is one.
   */
  add(
    { name, signal, retryTimeout }: Call,
    encode: Encode,
    wait: (load: () => Promise<void>) => void,
  ): { readonly id: number; readonly promise: Promise<unknown> } {
    if (signal?.aborted) throw abortedError(signal);
    if (this.#requests.size >= MAX_REQUESTS) {
      const message = `${this.#requests.size} calls are waiting on this connection, limit is ${MAX_REQUESTS}`;
      throw new ActorClientError("overloaded", message);
    }
    const id = this.#nextId;
    let packet: Packet | Encode;
    try {
      packet = encode(id) ?? encode;
    } catch (error) {
      if (!needsMore(error)) throw error;
      packet = encode;
      wait(error.load);
    }
    this.#nextId++;
    const { promise, resolve, reject } = deferred<unknown>();
    const onAbort = (): void => {
      const request = this.#take(id);
      if (request === undefined || signal === undefined) return;
      request.reject(abortedError(signal));
      if (request.packet === undefined) this.#cancel(id);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    const stopListening = (): void => signal?.removeEventListener("abort", onAbort);
    this.#requests.set(id, { packet, name, promise, resolve, reject, retryTimeout, stopListening });
    return { id, promise };
  }

  /** Takes the packet of a call, which from then on counts as in flight. */
  takePacket(id: number): Packet | undefined {
    const request = this.#requests.get(id);
    const packet = request?.packet;
    if (request === undefined) return undefined;
    request.packet = undefined;
    try {
      const encoded = typeof packet === "function" ? packet(id) : packet;
      if (encoded !== undefined && request.retryTimeout !== 0)
        this.repeats?.sent(id, encoded, request.retryTimeout);
      return encoded;
    } catch (error) {
      this.#take(id)?.reject(error);
      return undefined;
    }
  }

  /** The ids of calls that are still to be sent, in call order. */
  unsent(): number[] {
    return [...this.#requests].filter(([, request]) => request.packet !== undefined).map(([id]) => id);
  }

  /** Settles a call with its output. Unknown ids (aborted calls) are ignored. */
  resolve(id: number, output: unknown): void {
    this.#take(id)?.resolve(output);
  }

  /** Settles a call with its error. Unknown ids are ignored. */
  reject(id: number, error: ActorError): void {
    const known = this.#requests.get(id);
    if (known !== undefined && this.repeats?.retries(id, known, error)) return;
    const request = this.#take(id);
    request?.reject(error);
    // It may be about one item, for example because that is too large.
    if (request?.stream !== undefined) this.#cancel(id);
  }

  /** A part of a result that streams. Unknown ids are ignored. */
  stream(id: number, part: StreamPart, item: unknown, size: number): void {
    const request = this.#requests.get(id);
    if (request === undefined) return;
    if (makeStream === undefined) throw streamsNeeded;
    if (part === "start") {
      const giveUp = (): void => {
        if (this.#take(id) !== undefined) this.#cancel(id);
      };
      const stream = makeStream((items) => this.#tell({ tag: "StreamCredit", id, items }), giveUp);
      request.stream = stream;
      request.reject = (error) => stream.finish({ error });
      request.resolve(stream);
    } else if (part === "item") {
      request.stream?.push(item, size);
    } else {
      this.#take(id)?.stream?.finish({});
    }
  }

  /** Rejects every call that is in flight. @param repeats may keep some of them for the next socket. */
  rejectInFlight(makeError: (name: string) => ActorError, repeats?: ConnRepeats): void {
    this.#rejectWhere(
      (request, id) =>
        request.packet === undefined && !repeats?.keeps(id, request, () => makeError(request.name)),
      makeError,
    );
  }

  /** Rejects a call for good. */
  rejectOne(wanted: number, error: ActorError): void {
    this.#rejectWhere(
      (_, id) => id === wanted,
      () => error,
    );
  }

  /** Rejects every call that is still to be sent. */
  rejectUnsent(error: ActorError): void {
    this.#rejectWhere(
      (request) => request.packet !== undefined,
      () => error,
    );
  }

  #rejectWhere(
    concerned: (request: Request, id: number) => boolean,
    makeError: (name: string) => ActorError,
  ): void {
    for (const [id, request] of [...this.#requests]) {
      if (!concerned(request, id)) continue;
      this.#take(id);
      // Marked as handled: a call nobody waits for must not end the process when a connection breaks.
      request.promise.catch(() => {});
      request.reject(makeError(request.name));
      if (request.packet === undefined) this.#cancel(id);
    }
  }

  #cancel(id: number): void {
    this.#tell({ tag: "CancelRequest", id });
  }

  #take(id: number): Request | undefined {
    const request = this.#requests.get(id);
    this.#requests.delete(id);
    this.repeats?.forget(id);
    request?.stopListening();
    return request;
  }
}
