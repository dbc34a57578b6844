/** WebSocket frames byte by byte, for those that no library would write. */
import { once } from "node:events";
import { request } from "node:http";
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

/** A socket after a handshake of its own. */
export class WireSocket {
  readonly socket: Socket;
  #bytes: Buffer;
  #ended = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket, head: Buffer) {
    this.socket = socket;
    this.#bytes = head;
    socket.on("data", (data: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, data]);
      this.#wake();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** Opens a WebSocket at a path. */
  static async open(port: number, path: string, protocols: string): Promise<WireSocket> {
    const headers = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": Buffer.alloc(16, 7).toString("base64"),
      "sec-websocket-protocol": protocols,
    };
    const upgrade = request({ host: "127.0.0.1", port, path, headers });
    upgrade.end();
    const [, socket, head] = (await once(upgrade, "upgrade")) as [unknown, Socket, Buffer];
    return new WireSocket(socket, head);
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

  /** Skips to the close frame: its code and reason. */
  async closing(): Promise<{ readonly code: number; readonly reason: string } | undefined> {
    for (;;) {
      const next = await this.next();
      if (next === undefined) return undefined;
      if (next.opcode !== 8) continue;
      return { code: next.payload.readUInt16BE(0), reason: next.payload.subarray(2).toString() };
    }
  }

  #take(): { opcode: number; payload: Buffer } | undefined {
    const short = this.#bytes[1];
    if (short === undefined) return undefined;
    const extra = short === 127 ? 8 : short === 126 ? 2 : 0;
    if (this.#bytes.length < 2 + extra) return undefined;
    const long = () => (extra === 2 ? this.#bytes.readUInt16BE(2) : Number(this.#bytes.readBigUInt64BE(2)));
    const length = extra === 0 ? short : long();
    const end = 2 + extra + length;
    if (this.#bytes.length < end) return undefined;
    const taken = { opcode: (this.#bytes[0] ?? 0) & 0x0f, payload: this.#bytes.subarray(2 + extra, end) };
    this.#bytes = this.#bytes.subarray(end);
    return taken;
  }
}
