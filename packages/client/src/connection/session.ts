import { loadCompleteCodec, needsMore } from "../codec/usual.js";
import type { ClientRuntime } from "../config.js";
import { ActorClientError, ActorError, describe, MalformedResponseMessage } from "../errors.js";
import { toActorError } from "../protocol/error-body.js";
import type { Format, Packet } from "../protocol/format.js";
import type { InitFrame, ServerFrame } from "../protocol/frames.js";
import type { Transport } from "../transport.js";
import type { WebSocketLike } from "../websocket.js";
import type { Dial } from "./dial.js";

/** From the start of an attempt to the Init message. */
const OPEN_TIMEOUT_MS = 15_000;
/** How long `close` waits for the other side to agree. */
const CLOSE_TIMEOUT_MS = 1_000;
/** Application close code for a peer that does not speak the protocol; browsers allow no code below 3000. */
const CLOSE_MALFORMED = 4002;

/** Why a session ended. */
export interface SessionEnd {
  readonly error: ActorError;
  /** The server said in its own words why; otherwise the connection just failed. */
  readonly refused: boolean;
  /** The error has been passed on as an error frame already. */
  readonly reported: boolean;
  /** From the close frame; 1006 when there was none. */
  readonly code: number;
  readonly reason: string;
}

/** What a session tells its owner, in this order: `prepare`, `opened`, any `frame`s, `ended`. Only `ended` is certain. */
export interface SessionOwner {
  opened(init: InitFrame): void;
  /** As `opened`, before it, and perhaps more than once. @throws what `needsMore` recognizes. */
  prepare(init: InitFrame): void;
  /** Never Init. @param size of the message, in characters or bytes. */
  frame(frame: ServerFrame, size: number): void;
  ended(end: SessionEnd): void;
}

/** The life of one socket, from asking for parameters to its close. */
export class Session {
  readonly #transport: Transport;
  readonly #runtime: ClientRuntime;
  readonly #dial: Dial;
  readonly #owner: SessionOwner;
  #socket: WebSocketLike | undefined;
  #timer: unknown;
  #state: "opening" | "open" | "ended" = "opening";
  #lastError: ActorError | undefined;
  #onClosed: (() => void) | undefined;
  #detail = "";
  /** What came while something is being loaded. */
  #waiting: (() => void)[] | undefined;

  constructor(transport: Transport, dial: Dial, owner: SessionOwner) {
    this.#transport = transport;
    this.#runtime = transport.config.runtime;
    this.#dial = dial;
    this.#owner = owner;
    this.#timer = this.#runtime.setTimeout(() => this.#timedOut(), OPEN_TIMEOUT_MS);
    this.#open().catch((error: unknown) => this.#fail(asOpenError(error)));
  }

  /** Sends a packet. The session must be open. */
  send(packet: Packet): void {
    this.#socket?.send(packet);
  }

  /** Ends the session without telling the owner. Resolves when the socket is closed, or after a second. */
  close(reason: string): Promise<void> {
    const hadSocket = this.#socket !== undefined && this.#state !== "ended";
    this.#end();
    if (!hadSocket) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#runtime.setTimeout(() => {
        // Node would otherwise wait half a minute, and the process with it.
        this.#socket?.terminate?.();
        resolve();
      }, CLOSE_TIMEOUT_MS);
      this.#onClosed = () => {
        this.#runtime.clearTimeout(timer);
        resolve();
      };
      this.#closeSocket(1000, reason);
    });
  }

  async #open(): Promise<void> {
    const [makeSocket, format] = await Promise.all([this.#dial.prepare(), this.#transport.loadFormat()]);
    // The owner gave up, or the attempt took too long.
    if (this.#state === "ended") return;
    const socket = makeSocket();
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.#inOrder(() => this.#received(format, data));
    socket.onclose = ({ code, reason, error }) => {
      this.#inOrder(() => {
        this.#lastError = error ?? this.#lastError;
        this.#closed(code, reason);
      });
    };
    // A close event follows. Browsers do not say what went wrong, Node does.
    socket.onerror = ({ message }) => {
      this.#detail = message ?? "";
    };
    this.#socket = socket;
  }

  /** Does what came over the socket leads to: at once, or after what waits for code that it needs. */
  #inOrder(work: () => void): void {
    if (this.#waiting !== undefined) {
      this.#waiting.push(work);
      return;
    }
    try {
      work();
    } catch (error) {
      if (!needsMore(error)) throw error;
      this.#waiting = [work];
      error.load().then(
        () => {
          const waiting = this.#waiting ?? [];
          this.#waiting = undefined;
          for (const each of waiting) this.#inOrder(each);
        },
        (cause: unknown) => this.#unreadable(cause),
      );
    }
  }

  #unreadable(cause: unknown): void {
    const message = `the server sent a frame that cannot be read: ${describe(cause)}`;
    this.#fail(new MalformedResponseMessage("malformed_message", message, { cause }), CLOSE_MALFORMED);
  }

  #received(format: Format, data: unknown): void {
    if (this.#state === "ended") return;
    let frame: ServerFrame;
    try {
      frame = format.decodeFrame(data);
    } catch (cause) {
      if (needsMore(cause)) throw cause;
      this.#unreadable(cause);
      return;
    }
    if (frame.tag === "Init") {
      this.#owner.prepare(frame);
      this.#initialized(frame);
      return;
    }
    if (frame.tag === "Error" && frame.actionId === undefined) this.#lastError = toActorError(frame.error);
    // Before Init, only the reason of a refusal can come.
    if (this.#state === "open") this.#owner.frame(frame, sizeOf(data));
  }

  #initialized(init: InitFrame): void {
    if (this.#state !== "opening") return;
    this.#state = "open";
    this.#dial.succeeded();
    // In the background: messages need not wait for it when they come, nor depend on a page's files being there still.
    loadCompleteCodec().catch(() => {});
    this.#runtime.clearTimeout(this.#timer);
    this.#owner.opened(init);
  }

  #closed(code: number, reason: string): void {
    this.#onClosed?.();
    if (this.#state === "ended") return;
    const opened = this.#state === "open";
    this.#end();
    const named = namedError(code, reason, this.#dial.peer);
    const last = this.#lastError;
    const repeated = last !== undefined && named?.group === last.group && named.code === last.code;
    const refusal = last !== undefined && (repeated || !opened) ? last : named;
    if (refusal === undefined && !opened) this.#dial.failed();
    this.#owner.ended({
      code,
      reason,
      error: refusal ?? this.#lost(opened, code, reason),
      refused: refusal !== undefined,
      reported: opened && last !== undefined && refusal === last,
    });
  }

  #lost(opened: boolean, code: number, reason: string): ActorError {
    const { url } = this.#transport.config.location;
    const detail = [`close code ${code}`, reason, this.#detail].filter((part) => part !== "").join(", ");
    return opened
      ? new ActorClientError("connection_lost", `the connection to ${url} was lost (${detail})`)
      : new ActorClientError("connection_open_failed", `no connection to ${url} (${detail})`);
  }

  #timedOut(): void {
    this.#dial.failed();
    const message = `no connection to ${this.#transport.config.location.url} within ${OPEN_TIMEOUT_MS} ms`;
    this.#fail(new ActorClientError("connection_open_failed", message));
  }

  #fail(error: ActorError, closeCode = 1000): void {
    if (this.#state === "ended") return;
    this.#end();
    this.#closeSocket(closeCode, closeCode === 1000 ? "" : `${error.group}.${error.code}`);
    this.#owner.ended({ error, refused: false, reported: false, code: 1006, reason: "" });
  }

  #end(): void {
    this.#state = "ended";
    this.#runtime.clearTimeout(this.#timer);
  }

  #closeSocket(code: number, reason: string): void {
    try {
      this.#socket?.close(code, reason);
    } catch {
      // A socket that cannot be closed is closed.
      this.#onClosed?.();
    }
  }
}

function sizeOf(data: unknown): number {
  return typeof data === "string" ? data.length : (data as ArrayBuffer).byteLength;
}

/** What may help against codes that come without words of the server. */
const HINTS: Readonly<Record<string, string>> = {
  "actor.not_found": "getOrCreate creates it",
  "actor.not_registered": "check the name and `use`",
  "message.incoming_too_long": "see `maxIncomingMessageSize`",
};

/** The error in a close reason `group.code[#ray]`. With 1000, the reason is whatever the actor's code chose. */
function namedError(code: number, reason: string, peer: string): ActorError | undefined {
  const [, group, name] = (code === 1000 ? undefined : /^([\w-]+)\.([\w-]+)(?:#.*)?$/s.exec(reason)) ?? [];
  if (group === undefined || name === undefined) return undefined;
  const named = `${group}.${name}`;
  const hint = HINTS[named];
  const message = `${peer}: the server closed the connection: ${named}${hint ? ` (${hint})` : ""}`;
  return new ActorError(group, name, message);
}

function asOpenError(cause: unknown): ActorError {
  if (cause instanceof ActorError) return cause;
  return new ActorClientError("connection_open_failed", `no connection: ${describe(cause)}`, { cause });
}
