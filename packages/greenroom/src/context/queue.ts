/** What user code gets as `c.queue`. Times are in milliseconds. */

/** The names of the declared queues. */
export type QueueNames<Queues> = [Queues] extends [undefined] ? never : keyof Queues & string;

type Member<Queues, Name, Key extends string> = Name extends keyof Queues
  ? Queues[Name] extends { readonly [K in Key]: infer Found }
    ? Found
    : never
  : never;

/** What consumers of a queue get. */
export type QueueBody<Queues, Name> = Member<Queues, Name, "message">;
/** What senders to a queue pass. */
export type QueueSent<Queues, Name> = Member<Queues, Name, "sent">;
/** What completing a message of a queue gives its sender. */
export type QueueReply<Queues, Name> = Member<Queues, Name, "reply">;
/** What consumers of a queue complete a message with. */
export type QueueResponse<Queues, Name> = Member<Queues, Name, "response">;

/** A message as a consumer gets it. */
export interface QueueMessage<Name extends string = string, Body = unknown> {
  /** Higher than that of every message before it, in whichever queue of the actor. Never used twice. */
  readonly id: number;
  /** The queue. */
  readonly name: Name;
  /** What was sent. Every delivery is a copy of its own. */
  readonly body: Body;
  /** When it was sent, in milliseconds since the Unix epoch. */
  readonly createdAt: number;
}

/** A message that stays in its queue until it is completed. */
export interface CompletableMessage<Name extends string = string, Body = unknown, Reply = unknown>
  extends QueueMessage<Name, Body> {
  /**
   * Removes the message, as a part of the turn, and gives `response` to its sender if that one waits.
   *
   * @throws ActorError `queue.already_completed`, `queue.invalid_completion_payload`.
   * @throws TypeError naming the path of what cannot be sent.
   */
  complete(...response: ResponseArgs<Reply>): Promise<void>;
}

/** The response, which can be left out if it can be undefined. */
export type ResponseArgs<Reply> = [undefined] extends [Reply] ? [response?: Reply] : [response: Reply];

/** A message of one of the queues `Names`: a union that `message.name` tells apart. */
export type ReceivedMessage<Queues, Names extends string, Completable extends boolean> = {
  readonly [Name in Names]: Completable extends true
    ? CompletableMessage<Name, QueueBody<Queues, Name>, QueueResponse<Queues, Name>>
    : QueueMessage<Name, QueueBody<Queues, Name>>;
}[Names];

/** What every way to receive takes. */
export interface ReceiveOptions<Names extends string, Completable extends boolean> {
  /** The queues to look at. Default: all. The oldest message of all of them comes first. */
  readonly names?: readonly Names[] | undefined;
  /** Keep messages until they are completed. Default false: they are finished by being received. */
  readonly completable?: Completable | undefined;
}

/** For those that wait. */
export interface WaitOptions {
  /** Longest time to wait. Default: for ever. */
  readonly timeout?: number | undefined;
  /** Ends the waiting with `actor.aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/** For those that take several. */
export interface BatchOptions {
  /** Take so many at most. Default 1. */
  readonly count?: number | undefined;
}

/**
 * The actor's queues: durable lists of messages from clients, other actors and the actor itself.
 *
 * A message leaves its queue in the commit of the turn that finished it. A plain receive finishes the message at once:
 * the turn that got it is that turn, so what the code right after it does, up to the next `await`, and the removal are
 * stored together or not at all. With `completable: true` the message stays until it is completed. If its consumer ends
 * without that (the action is over, the loop is left, the actor sleeps, the process dies), it is delivered again.
 *
 * Several consumers can receive at once; the one that has waited longest is served first, and no message goes to two
 * of them at a time. Waiting ends with `actor.aborted` when the actor stops, when the action is over or its caller has
 * gone away.
 */
export interface ActorQueue<Queues> {
  /**
   * Puts a message into a queue, as a part of the turn. Gives it back as it was passed, before its schema.
   *
   * @throws ActorError `queue.not_found`, `queue.full`, `queue.message_too_large`, `queue.invalid_payload`.
   * @throws TypeError naming the path of what cannot be stored.
   */
  send<Name extends QueueNames<Queues>>(
    name: Name,
    body: QueueSent<Queues, Name>,
  ): Promise<QueueMessage<Name, QueueSent<Queues, Name>>>;
  /**
   * Puts a message into a queue and waits until it is finished. Gives the response, if it was completed with one.
   *
   * @param options Default `timeout`: the actor's `actionTimeout`.
   * @throws as {@link send} does, and ActorError `queue.timed_out`, `actor.aborted`, and `queue.waits_for_itself` when
   * the consumer of the queue asks and nobody else consumes it.
   */
  enqueueAndWait<Name extends QueueNames<Queues>>(
    name: Name,
    body: QueueSent<Queues, Name>,
    options?: WaitOptions,
  ): Promise<QueueReply<Queues, Name> | undefined>;
  /**
   * The next message.
   *
   * @returns undefined when the time is up.
   * @throws ActorError `queue.not_found`, `queue.previous_message_not_completed`, `actor.aborted`.
   */
  next<
    const Names extends QueueNames<Queues> = QueueNames<Queues>,
    const Completable extends boolean = false,
  >(
    options?: ReceiveOptions<Names, Completable> & WaitOptions & { readonly timeout?: undefined },
  ): Promise<ReceivedMessage<Queues, Names, Completable>>;
  next<
    const Names extends QueueNames<Queues> = QueueNames<Queues>,
    const Completable extends boolean = false,
  >(
    options: ReceiveOptions<Names, Completable> & WaitOptions,
  ): Promise<ReceivedMessage<Queues, Names, Completable> | undefined>;
  /** As {@link next}, but all messages that are there, up to `count`; none when the time is up. */
  nextBatch<
    const Names extends QueueNames<Queues> = QueueNames<Queues>,
    const Completable extends boolean = false,
  >(
    options?: ReceiveOptions<Names, Completable> & WaitOptions & BatchOptions,
  ): Promise<ReceivedMessage<Queues, Names, Completable>[]>;
  /** As {@link next}, without waiting. */
  tryNext<
    const Names extends QueueNames<Queues> = QueueNames<Queues>,
    const Completable extends boolean = false,
  >(
    options?: ReceiveOptions<Names, Completable>,
  ): Promise<ReceivedMessage<Queues, Names, Completable> | undefined>;
  /** As {@link nextBatch}, without waiting. */
  tryNextBatch<
    const Names extends QueueNames<Queues> = QueueNames<Queues>,
    const Completable extends boolean = false,
  >(
    options?: ReceiveOptions<Names, Completable> & BatchOptions,
  ): Promise<ReceivedMessage<Queues, Names, Completable>[]>;
  /** All messages, one after the other, for `for await`. Ends when the actor stops or `signal` fires. */
  iter<
    const Names extends QueueNames<Queues> = QueueNames<Queues>,
    const Completable extends boolean = false,
  >(
    options?: ReceiveOptions<Names, Completable> & Pick<WaitOptions, "signal">,
  ): AsyncIterableIterator<ReceivedMessage<Queues, Names, Completable>>;
  /**
   * As {@link next}, for someone who handles another message meanwhile: that one need not be completed before.
   *
   * @throws as {@link next} does, and ActorError `queue.timed_out`.
   */
  waitForNames<const Names extends QueueNames<Queues>, const Completable extends boolean = false>(
    names: readonly Names[],
    options?: Pick<ReceiveOptions<Names, Completable>, "completable"> & WaitOptions,
  ): Promise<ReceivedMessage<Queues, Names, Completable>>;
  /**
   * Waits until there is a message that nobody has taken, and leaves it there.
   *
   * @throws ActorError `queue.not_found`, `queue.timed_out`, `actor.aborted`.
   */
  waitForAvailable(names?: readonly QueueNames<Queues>[], options?: WaitOptions): Promise<void>;
  /**
   * Completes a message by its number, whoever has taken it, and in whichever life of the actor.
   *
   * @throws as `message.complete` does, and ActorError `queue.message_invalid` if it is in another queue.
   */
  complete<const Name extends QueueNames<Queues>>(
    message: { readonly id: number; readonly name: Name },
    ...response: ResponseArgs<QueueResponse<Queues, Name>>
  ): Promise<void>;
}
