/**
 * A WebSocket that a server such as Bun's has accepted and takes care of, message by message: the core's side of it is
 * a connection of its own within this process.
 */
import type { Listener, Pipe } from "../in-process/pipe.js";
import { AnswerHead } from "./answer-head.js";
import { FrameReader, frame, Opcode } from "./frames.js";

/** What is used of such a WebSocket: Bun's `ServerWebSocket`. */
export interface ServerSocket {
  readonly data: unknown;
  /** @returns -1 if it has to wait for the client, 0 if it cannot be sent */
  send(message: string | Uint8Array): number;
  close(code?: number, reason?: string): void;
  /** Ends it without a word. */
  terminate(): void;
}

/** Such servers cannot hold a client back. One for whose messages so many bytes wait is sent away. */
const MOST_WAITING = 16 * 1024 * 1024;
/** Codes that stand for a close without a code, or for none at all. */
const NO_CODE = 1005;
const NO_CLOSE = 1006;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** See the top of the file. */
export class MessageSocket implements Listener {
  /** What the core says to the request. */
  readonly answer = new AnswerHead();
  readonly #frames = new FrameReader();
  readonly #pipe: Pipe;
  #socket: ServerSocket | undefined;
  /** Bytes of the core's that wait for the client. */
  #owed = 0;
  #isFull = false;
  /** The core has nothing more to say. */
  #isEnded = false;
  #isClosed = false;

  /** @param connect Gives the way to the core, or throws. @param request The head of the request. */
  constructor(connect: (listener: Listener) => Pipe, request: Uint8Array) {
    this.#pipe = connect(this);
    this.#pipe.write(request);
  }

  /** The client is there. */
  open(socket: ServerSocket): void {
    this.#socket = socket;
    this.#send();
  }

  /** The client says something. */
  message(socket: ServerSocket, message: string | Uint8Array): void {
    if (this.#isClosed) return;
    const framed =
      typeof message === "string"
        ? frame(Opcode.text, encoder.encode(message))
        : frame(Opcode.binary, message);
    if (this.#pipe.write(framed) || this.#pipe.waiting <= MOST_WAITING) return;
    socket.close(1013, "ws.overloaded");
    this.#leave();
  }

  /** The client has taken what waited for it. */
  drain(): void {
    this.#isFull = false;
    this.#send();
  }

  /** The client has gone. */
  close(_socket: ServerSocket, code: number, reason: string): void {
    if (this.#isClosed) return;
    if (code !== NO_CLOSE) this.#pipe.write(frame(Opcode.close, closePayload(code, reason)));
    this.#leave();
  }

  /** There is no such client after all. */
  leave(): void {
    this.#leave();
  }

  onBytes(bytes: Uint8Array): void {
    if (this.#isClosed) {
      this.#pipe.took(bytes.length);
      return;
    }
    this.#owed += bytes.length;
    this.#frames.push(this.answer.push(bytes));
    this.#send();
  }

  onEnd(): void {
    this.answer.end();
    this.#isEnded = true;
    this.#send();
  }

  onRoom(): void {}

  onOver(): void {
    this.answer.end();
    this.#isEnded = true;
    // A client that is not there yet is told when it is; one that takes nothing has had its time.
    if (this.#socket !== undefined) this.#terminate();
  }

  /** Passes on what is there, as far as the client takes it. */
  #send(): void {
    const socket = this.#socket;
    if (socket !== undefined) {
      while (!this.#isFull && !this.#isClosed) {
        const next = this.#frames.next();
        if (next === undefined) break;
        this.#pass(socket, next.opcode, next.payload);
      }
    }
    if (this.#isEnded && !this.#isFull && socket !== undefined) this.#terminate();
    // What is not passed on yet has to have its end before it can be. How much that is the core limits.
    if (this.#isFull) return;
    this.#pipe.took(this.#owed);
    this.#owed = 0;
  }

  #pass(socket: ServerSocket, opcode: number, payload: Uint8Array): void {
    switch (opcode) {
      case Opcode.text:
        this.#sent(socket, payload.length, socket.send(decoder.decode(payload)));
        return;
      case Opcode.binary:
        this.#sent(socket, payload.length, socket.send(payload));
        return;
      case Opcode.ping:
        // The server looks after the client's signs of life itself.
        this.#pipe.write(frame(Opcode.pong, payload));
        return;
      case Opcode.close:
        this.#leave();
        if (payload.length < 2) socket.close(NO_CODE);
        else socket.close(((payload[0] ?? 0) << 8) | (payload[1] ?? 0), decoder.decode(payload.subarray(2)));
        return;
    }
  }

  #sent(socket: ServerSocket, bytes: number, outcome: number): void {
    if (outcome === -1) this.#isFull = true;
    // Of an empty message nothing is sent.
    if (outcome !== 0 || bytes === 0) return;
    socket.terminate();
    this.#leave();
  }

  #terminate(): void {
    if (this.#isClosed) return;
    this.#leave();
    this.#socket?.terminate();
  }

  #leave(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pipe.took(this.#owed);
    this.#owed = 0;
    this.#pipe.close();
  }
}

function closePayload(code: number, reason: string): Uint8Array {
  if (code === NO_CODE) return new Uint8Array();
  const text = encoder.encode(reason);
  const payload = new Uint8Array(2 + text.length);
  payload[0] = code >> 8;
  payload[1] = code & 0xff;
  payload.set(text, 2);
  return payload;
}
