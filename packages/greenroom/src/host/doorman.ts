/** Asks `onAuth` about requests from outside, on behalf of the core. */
import { decodeValue } from "@greenroom/client/codec";
import type { Logger } from "../log.js";
import type { AuthIntent, AuthRequest, OnAuth } from "../registry/on-auth.js";
import { isThenable, withDeadline } from "./async.js";
import type { BatchReader } from "./batch-reader.js";
import { decodeParams, type RequestHead, requestOf } from "./client.js";
import type { Clock } from "./clock.js";
import { type Failure, failureOf } from "./failure.js";
import type { OutputWriter } from "./output-writer.js";

/** In the order of their bits. */
const INTENTS: readonly AuthIntent[] = [
  "get",
  "create",
  "connect",
  "action",
  "request",
  "websocket",
  "publish",
  "list",
  "destroy",
  "sleep",
];
/** Instead of the number of a key's parts: there is no key. */
const NO_KEY = 0xffff;

/** What the doorman has. */
export interface DoormanServices {
  /** Absent if everybody is let in; then the core asks nobody. */
  readonly onAuth?: OnAuth | undefined;
  /** The longest time that `onAuth` may take, in milliseconds. */
  readonly onAuthTimeout: number;
  readonly log: Logger;
  readonly exposeErrors: boolean;
}

/** See the top of the file. */
export class Doorman {
  readonly #services: DoormanServices;
  readonly #clock: Clock;
  readonly #outputs: () => OutputWriter;

  /** @param outputs Where answers are written to. */
  constructor(services: DoormanServices, clock: Clock, outputs: () => OutputWriter) {
    this.#services = services;
    this.#clock = clock;
    this.#outputs = outputs;
  }

  /** Reads a question of the core's, and answers it now or later. */
  ask(reader: BatchReader): void {
    const id = reader.u32();
    const request = new AskedRequest(reader);
    const { onAuth, onAuthTimeout } = this.#services;
    try {
      const decided = onAuth?.(request);
      if (!isThenable(decided)) {
        this.#letIn(id, decided);
        return;
      }
      withDeadline(this.#clock, decided, onAuthTimeout, "onAuth").then(
        (auth) => this.#letIn(id, auth),
        (error: unknown) => this.#refuse(id, error),
      );
    } catch (error) {
      this.#refuse(id, error);
    }
  }

  #letIn(id: number, auth: unknown): void {
    try {
      this.#outputs().authorized(id, auth);
    } catch (error) {
      this.#refuse(id, error);
    }
  }

  #refuse(id: number, error: unknown): void {
    this.#outputs().refused(id, this.#failure(error));
  }

  #failure(error: unknown): Failure {
    const { exposeErrors, log } = this.#services;
    return failureOf(error, { exposeErrors, log, where: { hook: "onAuth" } });
  }
}

/** A request as the core describes it. What takes work to make is made when it is asked for. */
class AskedRequest implements AuthRequest {
  readonly intents: ReadonlySet<AuthIntent>;
  readonly name: string | undefined;
  readonly key: readonly string[] | undefined;
  readonly actorId: string | undefined;
  readonly token: string | undefined;
  readonly remoteAddress: string | undefined;
  readonly #params: Uint8Array | undefined;
  readonly #head: Uint8Array;
  #request: Request | undefined;

  constructor(reader: BatchReader) {
    const bits = reader.u16();
    this.intents = new Set(INTENTS.filter((_, bit) => (bits & (1 << bit)) !== 0));
    this.name = reader.optStr();
    this.key = readKey(reader);
    this.actorId = reader.optStr();
    // Copied: views do not outlive the batch, and the user may look at any time.
    this.#params = reader.opt()?.slice();
    this.token = reader.optStr();
    this.remoteAddress = reader.optStr();
    this.#head = reader.bytes().slice();
  }

  get params(): unknown {
    return this.#params === undefined ? undefined : decodeParams(this.#params);
  }

  get request(): Request {
    this.#request ??= requestOf(decodeValue(this.#head, "native") as RequestHead);
    return this.#request;
  }
}

function readKey(reader: BatchReader): string[] | undefined {
  const count = reader.u16();
  if (count === NO_KEY) return undefined;
  return Array.from({ length: count }, () => reader.str());
}
