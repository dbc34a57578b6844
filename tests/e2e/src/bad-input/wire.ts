/** WebSocket frames byte by byte, for those that no library would write. */
import { once } from "node:events";
import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";

/** A frame in all its parts. */
export interface FrameParts {
  readonly opcode: number;
  readonly payload?: Uint8Array;
  /** Default true. */
  readonly fin?: boolean;
  /** Default true, as RFC 6455 wants it of clients. */
  readonly masked?: boolean;
  /** The three reserved bits. */
  readonly reserved?: number;
  /** The length that is announced, if it is not the payload's. */
  readonly announced?: bigint;
}

/** The bytes of a frame. */
export function frame(parts: FrameParts): Buffer {
  const { opcode, payload = new Uint8Array(), fin = true, masked = true, reserved = 0 } = parts;
  const length = parts.announced ?? BigInt(payload.length);
  const head = [(fin ? 0x80 : 0) | (reserved << 4) | opcode];
  const maskBit = masked ? 0x80 : 0;
  if (length < 126n) head.push(maskBit | Number(length));
  else if (length < 65_536n) head.push(maskBit | 126, Number(length >> 8n), Number(length & 0xffn));
  else {
    head.push(maskBit | 127);
    for (let shift = 56n; shift >= 0n; shift -= 8n) head.push(Number((length >> shift) & 0xffn));
  }
  // A mask of zeros leaves the payload as it is.
  if (masked) head.push(0, 0, 0, 0);
  return Buffer.concat([Uint8Array.from(head), payload]);
}

/** What the server answers to a handshake, and the bytes after it. */
interface Opened {
  readonly socket: Socket;
  readonly head: Buffer;
  readonly headers: IncomingHttpHeaders;
}

/** A socket after a handshake of its own. */
export class WireSocket {
  readonly socket: Socket;
  /** The headers of the answer to the handshake. */
  readonly headers: IncomingHttpHeaders;
  #chunks: Buffer[];
  #size: number;
  /** Bytes below which there is no frame. */
  #needed = 2;
  #ended = false;
  #wake: () => void = () => {};

  private constructor({ socket, head, headers }: Opened) {
    this.socket = socket;
    this.headers = headers;
    this.#chunks = [head];
    this.#size = head.length;
    socket.on("data", (data: Buffer) => {
      this.#chunks.push(data);
      this.#size += data.length;
      this.#wake();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** Opens a WebSocket at a path. */
  static async open(
    port: number,
    path: string,
    protocols: string,
    more: Readonly<Record<string, string>> = {},
  ): Promise<WireSocket> {
    const headers = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": Buffer.alloc(16, 7).toString("base64"),
      ...(protocols === "" ? {} : { "sec-websocket-protocol": protocols }),
      ...more,
    };
    const upgrade = request({ host: "127.0.0.1", port, path, headers });
    upgrade.end();
    const [answer, socket, head] = (await once(upgrade, "upgrade")) as [IncomingMessage, Socket, Buffer];
    socket.setNoDelay(true);
    return new WireSocket({ socket, head, headers: answer.headers });
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The next frame of the server's, `undefined` if the socket ended without one. */
  async next(): Promise<{ readonly opcode: number; readonly payload: Buffer } | undefined> {
    for (;;) {
      const taken = this.#take();
      if (taken !== undefined || this.#ended) return taken;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Skips to the close frame: its code, 1005 for none, and reason. */
  async closing(): Promise<{ readonly code: number; readonly reason: string } | undefined> {
    for (;;) {
      const next = await this.next();
      if (next === undefined) return undefined;
      if (next.opcode === 8) return closeOf(next.payload);
    }
  }

  #take(): { opcode: number; payload: Buffer } | undefined {
    while (this.#size >= this.#needed) {
      const bytes = this.#joined();
      const short = bytes.readUInt8(1);
      const start = 2 + (short === 127 ? 8 : short === 126 ? 2 : 0);
      if (this.#lacks(start)) continue;
      const long = () => (short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2)));
      const end = start + (short < 126 ? short : long());
      if (this.#lacks(end)) continue;
      this.#chunks = [bytes.subarray(end)];
      this.#size -= end;
      this.#needed = 2;
      return { opcode: bytes.readUInt8(0) & 0x0f, payload: bytes.subarray(start, end) };
    }
    return undefined;
  }

  #lacks(needed: number): boolean {
    this.#needed = needed;
    return this.#size < needed;
  }

  #joined(): Buffer {
    const [first] = this.#chunks;
    if (this.#chunks.length === 1 && first !== undefined) return first;
    const bytes = Buffer.concat(this.#chunks);
    this.#chunks = [bytes];
    return bytes;
  }
}

/** What a close frame says. */
export function closeOf(payload: Buffer): { readonly code: number; readonly reason: string } {
  if (payload.length < 2) return { code: 1005, reason: "" };
  return { code: payload.readUInt16BE(0), reason: payload.subarray(2).toString() };
}
