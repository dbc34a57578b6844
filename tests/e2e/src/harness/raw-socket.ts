/** A raw WebSocket whose messages and close can be waited for. */

/** What a client hears, in order. */
export class RawSocket {
  readonly socket: WebSocket;
  /** Settles when the socket has ended. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #messages: (string | Uint8Array)[] = [];
  readonly #waiting: ((message: string | Uint8Array) => void)[] = [];

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }: MessageEvent<string | ArrayBuffer>) => {
      const message = typeof data === "string" ? data : new Uint8Array(data);
      const next = this.#waiting.shift();
      if (next === undefined) this.#messages.push(message);
      else next(message);
    });
    this.closed = new Promise((resolve) => {
      socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
    });
  }

  /** Opens one to an actor. */
  static async open(
    handle: { webSocket(path?: string): Promise<WebSocket> },
    path?: string,
  ): Promise<RawSocket> {
    const raw = new RawSocket(await handle.webSocket(path));
    // Not every client waits for it.
    if (raw.socket.readyState === 0) {
      await new Promise((resolve) => raw.socket.addEventListener("open", resolve, { once: true }));
    }
    return raw;
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    this.socket.send(data);
  }

  /** The next message, whether it has come already or not. */
  next(): Promise<string | Uint8Array> {
    const message = this.#messages.shift();
    if (message !== undefined) return Promise.resolve(message);
    return new Promise((resolve, reject) => {
      this.#waiting.push(resolve);
      void this.closed.then(({ code, reason }) => reject(new Error(`closed with ${code} ${reason}`)));
    });
  }

  /** Sends `text` and gives the next message. */
  ask(text: string): Promise<string | Uint8Array> {
    const answer = this.next();
    this.send(text);
    return answer;
  }

  close(code?: number, reason?: string): void {
    this.socket.close(code, reason);
  }
}
