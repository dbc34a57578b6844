/** The raw WebSockets of one instance. */
import type { Client } from "./client.js";
import type { RuntimeConn } from "./conn.js";
import type { Instance } from "./instance.js";
import { SocketLine } from "./socket-line.js";

interface Entry {
  readonly line: SocketLine;
  readonly conn: RuntimeConn;
}

/** See the top of the file. */
export class Sockets {
  readonly #instance: Instance;
  readonly #open = new Map<number, Entry>();
  /** Those that outlived the instance before and have not been given to the handler yet. */
  #restored: number[] = [];

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  /** A socket was admitted. Its messages are kept until {@link start}. */
  admitted(key: number, conn: RuntimeConn, client: Client): void {
    this.#add(key, conn, client, true);
  }

  /** Gives an admitted socket to the handler. */
  start(key: number): void {
    const { onWebSocket } = this.#instance.definition;
    if (onWebSocket !== undefined) this.#open.get(key)?.line.run(onWebSocket, () => this.#ended(key));
  }

  /** A socket has outlived the instance before. It is given to the handler by {@link resume}. */
  restored(key: number, conn: RuntimeConn, client: Client): void {
    this.#add(key, conn, client, false);
    this.#restored.push(key);
  }

  /** The actor has started: the handler gets its sockets back. */
  resume(): void {
    for (const key of this.#restored) this.start(key);
    this.#restored = [];
  }

  /** @param data Bytes do not outlive the call. */
  message(key: number, data: string | Uint8Array): void {
    this.#open.get(key)?.line.message(data);
  }

  /** A socket has ended, or was never admitted. */
  closed(key: number, code: number, reason: string): void {
    const entry = this.#open.get(key);
    if (entry === undefined) this.#instance.connections.disconnected(key);
    else entry.line.closed(code, reason);
  }

  /** The actor is about to sleep: those that do not outlive it end. */
  endBeforeSleep(): void {
    for (const { line, conn } of [...this.#open.values()]) {
      if (!conn.isHibernatable) line.closed(1001, "ws.going_away");
    }
  }

  /** The actor is being destroyed. */
  endAll(): void {
    for (const { line } of [...this.#open.values()]) line.closed(1000, "");
  }

  /** Forgets all of them. */
  drop(): void {
    for (const { line } of this.#open.values()) line.drop();
    this.#open.clear();
  }

  #add(key: number, conn: RuntimeConn, client: Client, isFresh: boolean): void {
    this.#open.set(key, { conn, line: new SocketLine(this.#instance, key, conn, client, isFresh) });
  }

  #ended(key: number): void {
    this.#open.delete(key);
    this.#instance.connections.disconnected(key);
  }
}
