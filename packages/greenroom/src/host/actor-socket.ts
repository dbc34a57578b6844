/** A raw WebSocket as user code sees it: what the platform's `WebSocket` has. */
import { Listeners } from "./listeners.js";

/** How a socket reaches its client. */
export interface SocketPort {
  send(data: string | Uint8Array): void;
  close(code: number, reason: string): void;
  /** Somebody listens from now on. */
  listens(): void;
}

/** A close that says nothing (RFC 6455, 7.4.1). */
export const NO_CODE = 1005;
/** The longest reason, in bytes. */
const MAX_REASON = 123;

type Handler = ((event: Event) => unknown) | null;

/** See the top of the file. Not an `EventTarget`, because those do not say when asynchronous listeners are done. */
export class ActorSocket {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSING = 2;
  readonly CLOSED = 3;
  readonly url: string;
  readonly protocol = "";
  readonly extensions = "";
  /** What was sent is on its way: how much of it waits for the client, only the core knows. */
  readonly bufferedAmount = 0;
  readonly #port: SocketPort;
  readonly #listeners = new Listeners();
  readonly #handlers: { [type: string]: Handler } = {};
  #binaryType: BinaryType = "arraybuffer";
  #readyState: 1 | 2 | 3 = 1;
  /** Messages that wait for the bytes of a Blob. */
  #blobs: Promise<void> | undefined;

  constructor(url: string, port: SocketPort) {
    this.url = url;
    this.#port = port;
  }

  get readyState(): number {
    return this.#readyState;
  }

  get binaryType(): BinaryType {
    return this.#binaryType;
  }

  set binaryType(type: BinaryType) {
    if (type === "arraybuffer" || type === "blob") this.#binaryType = type;
  }

  get onopen(): Handler {
    return this.#handlers.open ?? null;
  }

  set onopen(handler: Handler) {
    this.#handle("open", handler);
  }

  get onmessage(): Handler {
    return this.#handlers.message ?? null;
  }

  set onmessage(handler: Handler) {
    this.#handle("message", handler);
  }

  get onclose(): Handler {
    return this.#handlers.close ?? null;
  }

  set onclose(handler: Handler) {
    this.#handle("close", handler);
  }

  get onerror(): Handler {
    return this.#handlers.error ?? null;
  }

  set onerror(handler: Handler) {
    this.#handle("error", handler);
  }

  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void {
    this.#listeners.add(type, listener, options);
    this.#listens(type);
  }

  removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null): void {
    this.#listeners.remove(type, listener);
  }

  /** Tells an event of one's own to the listeners. */
  dispatchEvent(event: Event): boolean {
    for (const told of ActorSocket.listenersOf(this, event.type)) told(event);
    return !event.defaultPrevented;
  }

  /** Sends a message once what this turn has changed is durable. Does nothing on a socket that closes. */
  send(data: string | ArrayBufferLike | ArrayBufferView | Blob): void {
    if (this.#readyState !== ActorSocket.OPEN) return;
    if (data instanceof Blob) {
      const before = this.#blobs ?? Promise.resolve();
      this.#queue(Promise.all([data.arrayBuffer(), before]).then(([bytes]) => new Uint8Array(bytes)));
      return;
    }
    const message = messageOf(data);
    if (this.#blobs === undefined) this.#port.send(message);
    else this.#queue(this.#blobs.then(() => message));
  }

  /**
   * Closes the socket, behind what was sent before.
   *
   * @param code 1000, 3000 to 4999, or one of the codes that servers may use.
   * @throws DOMException for another code, or a reason of more than 123 bytes.
   */
  close(code?: number, reason = ""): void {
    const isAllowed = code === undefined || isCloseCode(code);
    if (!isAllowed) throw new DOMException(`\`${code}\` is no code to close with`, "InvalidAccessError");
    const size = new TextEncoder().encode(reason).length;
    if (size > MAX_REASON) {
      throw new DOMException(`the reason has ${size} bytes, limit is ${MAX_REASON}`, "SyntaxError");
    }
    if (this.#readyState !== ActorSocket.OPEN) return;
    this.#readyState = ActorSocket.CLOSING;
    const close = (): void => this.#port.close(code ?? NO_CODE, reason);
    if (this.#blobs === undefined) close();
    else void this.#blobs.then(close);
  }

  /** Whom to tell an event of this type. */
  static listenersOf(socket: ActorSocket, type: string): ((event: Event) => unknown)[] {
    const handler = socket.#handlers[type];
    const listeners = socket.#listeners.take(type);
    return handler === null || handler === undefined ? listeners : [handler, ...listeners];
  }

  static setClosed(socket: ActorSocket): void {
    socket.#readyState = ActorSocket.CLOSED;
  }

  #handle(type: string, handler: Handler): void {
    this.#handlers[type] = typeof handler === "function" ? handler : null;
    if (handler !== null) this.#listens(type);
  }

  #listens(type: string): void {
    if (type === "message" || type === "open") this.#port.listens();
  }

  #queue(message: Promise<string | Uint8Array>): void {
    const queued: Promise<void> = message
      .then(
        (bytes) => {
          if (this.#readyState !== ActorSocket.CLOSED) this.#port.send(bytes);
        },
        // A Blob that cannot be read is left out; there is nobody to tell.
        () => {},
      )
      .then(() => {
        if (this.#blobs === queued) this.#blobs = undefined;
      });
    this.#blobs = queued;
  }
}

/** The event of a socket that has ended; Node.js 20 has no `CloseEvent`. */
export class SocketCloseEvent extends Event {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;

  constructor(code: number, reason: string) {
    super("close");
    this.code = code;
    this.reason = reason;
    this.wasClean = code !== 1006;
  }
}

function messageOf(data: unknown): string | Uint8Array {
  if (typeof data === "string") return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer || data instanceof SharedArrayBuffer) return new Uint8Array(data);
  return String(data);
}

function isCloseCode(code: number): boolean {
  return (
    Number.isInteger(code) &&
    ((code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999))
  );
}
