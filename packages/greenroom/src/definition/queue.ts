import type { GuardContext } from "../context/guard.js";
import type { StandardSchema } from "./standard-schema.js";

/** Decides whether a caller may put messages into a queue. */
export type PublishGuard = (c: GuardContext) => boolean | Promise<boolean>;

/** A declared queue. Made by {@link queue}. */
export interface QueueDefinition<Message = unknown, Reply = unknown, Sent = Message, Response = Reply> {
  /** Phantom: what consumers get. Never present at run time. */
  readonly "~message"?: Message;
  /** Phantom: what completing a message gives its sender. Never present at run time. */
  readonly "~reply"?: Reply;
  /** Phantom: what senders pass, of which a schema may make something else. Never present at run time. */
  readonly "~sent"?: Sent;
  /** Phantom: what consumers complete a message with, likewise. Never present at run time. */
  readonly "~response"?: Response;
  /** Checks a message before it is stored. */
  readonly message?: StandardSchema | undefined;
  /** Checks a response. */
  readonly complete?: StandardSchema | undefined;
  readonly canPublish?: PublishGuard | undefined;
}

/** The `queues` of an actor: names to declarations. */
export interface QueueMap {
  readonly [name: string]: QueueDefinition;
}

/** Messages and replies by the name of the queue; `undefined` for an actor that declares no queues. */
export type QueueTypesMap<Queues> = Queues extends QueueMap
  ? {
      readonly [Name in keyof Queues & string]: Queues[Name] extends QueueDefinition<
        infer Message,
        infer Reply,
        infer Sent,
        infer Response
      >
        ? {
            readonly message: Message;
            readonly reply: Reply;
            readonly sent: Sent;
            readonly response: Response;
          }
        : never;
    }
  : undefined;

/** Options of {@link queue}. */
export interface QueueOptions<Message, Reply, Sent = Message, Response = Reply> {
  /**
   * Checks every message before it is stored (`queue.invalid_payload`), and gives messages their type: senders pass what
   * it takes, consumers get what it gives. Any library that speaks Standard Schema will do; the check has to be
   * synchronous.
   */
  readonly message?: StandardSchema<Sent, Message>;
  /**
   * Checks what a message is completed with (`queue.invalid_completion_payload`), and gives responses their type:
   * consumers pass what it takes, the sender gets what it gives.
   */
  readonly complete?: StandardSchema<Response, Reply>;
  /**
   * Decides whether a caller may put messages into the queue: `false` refuses it with `auth.forbidden`, and anything
   * but a boolean is an internal error. The actor's own messages are not asked about.
   */
  readonly canPublish?: PublishGuard;
}

const QUEUE_OPTIONS: ReadonlySet<string> = new Set(["message", "complete", "canPublish"]);

/**
 * Declares a queue, its messages, and what its senders get when they wait for completion:
 * `queue<{ file: string }, { pages: number }>()`.
 *
 * @throws Error for an option that does not exist or has a wrong value.
 */
export function queue<Message = unknown, Reply = undefined, Sent = Message, Response = Reply>(
  options: QueueOptions<Message, Reply, Sent, Response> = {},
): QueueDefinition<Message, Reply, Sent, Response> {
  const { message, complete, canPublish } = options;
  for (const name of Object.keys(options)) {
    if (!QUEUE_OPTIONS.has(name)) throw new Error(`unknown queue option '${name}'`);
  }
  for (const [name, schema] of Object.entries({ message, complete })) {
    if (schema !== undefined && typeof schema?.["~standard"]?.validate !== "function") {
      throw new Error(`queue option '${name}' has to be a Standard Schema`);
    }
  }
  if (canPublish !== undefined && typeof canPublish !== "function") {
    throw new Error("queue option 'canPublish' has to be a function");
  }
  return Object.freeze({ message, complete, canPublish });
}
