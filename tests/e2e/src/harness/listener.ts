/** A client that hears events in the protocol of everybody, and can stop reading. */

import { TestSocket } from "../bad-input/ws-client.js";

/** An event as it came. */
export interface Heard {
  readonly name: string;
  readonly args: readonly unknown[];
}

interface Message {
  readonly body: { readonly tag: string; readonly val: unknown };
}

/** A WebSocket in JSON that subscribes to events and keeps what it hears. */
export class Listener {
  readonly socket: TestSocket;
  /** What has come and was not asked for yet. */
  readonly #early: Message[] = [];
  #nextId = 1;

  private constructor(socket: TestSocket) {
    this.socket = socket;
  }

  /**
   * Connects to an actor and subscribes. What is broadcast from then on is heard.
   *
   * @param protocols Further ones that the client knows.
   */
  static async open(
    port: number,
    actor: string,
    key: string,
    events: readonly string[],
    protocols: readonly string[] = [],
  ): Promise<Listener> {
    const socket = await TestSocket.connect(port, "json", actor, { "rvt-key": key }, protocols);
    const listener = new Listener(socket);
    for (const eventName of events) listener.#send("SubscriptionRequest", { eventName, subscribe: true });
    // What follows a subscription is handled behind it.
    if (events.length > 0) await listener.call("here", []);
    return listener;
  }

  /** Stops reading, as a page does that hangs, or a phone in a tunnel. */
  stall(): void {
    this.socket.raw.pause();
  }

  /** Reads on. */
  resume(): void {
    this.socket.raw.resume();
  }

  /** The next event. @throws Error if the socket ends before one comes. */
  async event(): Promise<Heard> {
    for (;;) {
      const message = this.#early.shift() ?? (await this.#next());
      if (message.body.tag === "Event") return heard(message);
      if (message.body.tag === "Resync") return { name: "Resync", args: [message.body.val] };
    }
  }

  /** Everything until the socket ends: the events, and how it ended. */
  async untilEnd(): Promise<{ events: Heard[]; code: number; reason: string }> {
    const events: Heard[] = [];
    const { code, reason } = await this.socket.ended;
    for (;;) {
      try {
        events.push(await this.event());
      } catch {
        return { events, code, reason };
      }
    }
  }

  /** Calls an action, and does not wait for its answer. */
  begin(name: string, args: readonly unknown[]): number {
    const id = this.#nextId++;
    this.#send("ActionRequest", { id, name, args });
    return id;
  }

  /** Calls an action. Events that come before its answer are kept. @throws Error for an error. */
  async call(name: string, args: readonly unknown[]): Promise<unknown> {
    const id = this.begin(name, args);
    for (;;) {
      const message = await this.#next();
      const { tag, val } = message.body;
      if (tag === "Event" || tag === "Resync") this.#early.push(message);
      else if (tag === "ActionResponse" && isAnswerTo(id, val)) return val.output;
      else if (tag === "Error") throw new Error(JSON.stringify(val));
    }
  }

  close(): void {
    this.socket.raw.terminate();
  }

  #send(tag: string, val: object): void {
    this.socket.send(JSON.stringify({ body: { tag, val } }));
  }

  async #next(): Promise<Message> {
    return JSON.parse(String(await this.socket.next())) as Message;
  }
}

function heard(message: Message): Heard {
  return message.body.val as Heard;
}

function isAnswerTo(id: number, val: unknown): val is { readonly output: unknown } {
  const answered = (val as { readonly id: unknown }).id;
  return Array.isArray(answered) ? answered[1] === String(id) : answered === id;
}
