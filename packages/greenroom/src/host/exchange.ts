/** One HTTP request: what the handler gets, and how its response leaves. */
import type { Hook } from "../definition/actor.js";
import { hookLabel } from "../definition/labels.js";
import { isThenable } from "./async.js";
import type { Client } from "./client.js";
import type { RuntimeConn } from "./conn.js";
import { ConnContext, HookContext, RequestContext } from "./context.js";
import { bodyBrokeOff, HostError, requestTimedOut } from "./failure.js";
import type { Instance } from "./instance.js";
import { RequestBody } from "./request-body.js";
import { headOf, isResponse, ResponseBody } from "./response-body.js";

const ON_REQUEST = hookLabel("onRequest");

/** See the top of the file. */
export class Exchange {
  readonly #instance: Instance;
  readonly #call: number;
  readonly #abort = new AbortController();
  readonly #request: Request;
  readonly #body: RequestBody | undefined;
  #response: ResponseBody | undefined;
  #timer: unknown;
  /** Whether somebody waits for the response to begin. */
  #isAwaited = true;
  #isCancelled = false;
  /** Called when the handler is done and the response is out. */
  #ended: () => void = () => {};

  /** @throws TypeError if the request is none that `Request` can be. */
  constructor(instance: Instance, call: number, client: Client, hasBody: boolean) {
    this.#instance = instance;
    this.#call = call;
    const { signal } = this.#abort;
    if (hasBody) {
      this.#body = new RequestBody((bytes) => instance.outputs().requestCredit(call, bytes));
      this.#request = client.makeRequest({ signal, body: this.#body.stream });
    } else {
      this.#request = client.makeRequest({ signal });
    }
  }

  /** The request's body, if it has one. */
  get body(): RequestBody | undefined {
    return this.#body;
  }

  /** @param ended Called once, when the handler is done and the response is out. */
  run(handler: Hook, client: Client, conn: RuntimeConn | undefined, ended: () => void): void {
    const instance = this.#instance;
    if (instance.isDropped) return;
    const context = new RequestContext(instance, conn, client, this.#request, this.#abort.signal);
    // What it calls is part of what waits for it.
    ConnContext.begin(context, this.#call, "onRequest", [], {
      takesStreams: false,
      isOnce: false,
      chain: client.chain ?? [],
    });
    this.#ended = () => {
      HookContext.end(context);
      ended();
    };
    let result: unknown;
    try {
      result = instance.run(ON_REQUEST, () => handler(context, this.#request));
    } catch (error) {
      this.#failed(error);
      return;
    }
    if (!isThenable(result)) {
      this.#answer(result);
      return;
    }
    instance.defer();
    const { actionTimeout } = instance.definition.options;
    if (actionTimeout !== undefined)
      this.#timer = this.#instance.host.clock.setTimeout(() => this.#late(actionTimeout), actionTimeout);
    Promise.resolve(result).then(
      (response) => this.#answer(response),
      (error: unknown) => this.#failed(error),
    );
  }

  /** The request's body breaks off: its client has gone, or has sent too much and was told so. */
  bodyBroke(): void {
    const reason = bodyBrokeOff();
    this.#abort.abort(reason);
    this.#body?.fail(reason);
  }

  /** More of the response is wanted. */
  grant(bytes: number): void {
    this.#response?.grant(bytes);
  }

  /** The client has gone. */
  cancel(): void {
    this.#isCancelled = true;
    const reason = new HostError("actor", "aborted", "the client has gone away");
    this.#abort.abort(reason);
    this.#body?.fail(reason);
    this.#response?.cancel(reason);
  }

  stopping(): void {
    this.#abort.abort(new HostError("actor", "stopping", "the actor is about to stop"));
  }

  /** The instance is gone: nobody waits for anything. */
  drop(): void {
    this.#instance.host.clock.clearTimeout(this.#timer);
    this.#isAwaited = false;
    this.#ended = () => {};
    const reason = new HostError("actor", "restarting", "the actor has stopped");
    this.#abort.abort(reason);
    this.#body?.fail(reason);
    this.#response?.cancel(reason);
  }

  #late(limit: number): void {
    const error = requestTimedOut(limit);
    this.#isAwaited = false;
    this.#settle(() => this.#instance.replyError(this.#call, error, "onRequest"));
    this.#abort.abort(error);
    // The core takes no more of it either.
    this.#body?.fail(error);
  }

  #failed(error: unknown): void {
    if (this.#isAwaited) this.#settle(() => this.#instance.replyError(this.#call, error, "onRequest"));
    this.#over();
  }

  #answer(response: unknown): void {
    try {
      if (!isResponse(response)) throw new TypeError("onRequest has to return a Response");
      this.#respond(response);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** @throws what keeps the response from being one, before anything of it is out. */
  #respond(response: Response): void {
    const { body } = response;
    const isEmpty = body === null || this.#request.method === "HEAD";
    if (isEmpty || !this.#isAwaited) {
      // Given up too late, or by a method that has no body: whoever makes it can stop.
      void body?.cancel().catch(() => {});
      if (this.#isAwaited) this.#begin(response, false);
      this.#over();
      return;
    }
    const stream = new ResponseBody(this.#instance, this.#call, body);
    this.#begin(response, true);
    this.#response = stream;
    // The client may have gone while the handler ran.
    if (this.#isCancelled) stream.cancel(this.#abort.signal.reason);
    this.#instance.defer();
    void stream.run().then(() => this.#over());
  }

  #begin(response: Response, hasBody: boolean): void {
    const head = headOf(response);
    this.#settle(() => this.#instance.outputs().responseHead(this.#call, head, hasBody));
  }

  #settle(write: () => void): void {
    this.#instance.host.clock.clearTimeout(this.#timer);
    this.#instance.turn.atLeast(this.#instance.durability);
    write();
  }

  #over(): void {
    this.#instance.host.clock.clearTimeout(this.#timer);
    this.#body?.fail(bodyBrokeOff());
    const ended = this.#ended;
    this.#ended = () => {};
    ended();
  }
}
