import type { GuardContext } from "../context/guard.js";
import type { StandardSchema } from "./standard-schema.js";

/**
 * The handler arguments that a payload type stands for: a tuple is spread, anything else is one argument. A union stays
 * one type, so that a value which may be any of its members can be sent.
 */
export type EventArgs<Payload> = [Payload] extends [readonly unknown[]]
  ? number extends Payload["length"]
    ? [payload: Payload]
    : Payload
  : [payload: Payload];

/** A declared event. Made by {@link event}. */
export interface EventDefinition<
  Args extends readonly unknown[] = readonly unknown[],
  Sent extends readonly unknown[] = Args,
> {
  /** Phantom: the arguments of the event, as those get them who hear it. Never present at run time. */
  readonly "~args"?: Args;
  /** Phantom: the arguments as they are sent, of which a schema may make others. Never present at run time. */
  readonly "~sent"?: Sent;
  /** Checks a payload before it is sent. */
  readonly schema?: StandardSchema | undefined;
  /** Decides who hears it. */
  readonly canSubscribe?: SubscribeGuard | undefined;
}

/** The `events` of an actor: names to declarations. */
export interface EventMap {
  readonly [name: string]: EventDefinition;
}

/** What is heard: argument tuples by event name; `undefined` for an actor that declares no events. */
export type EventArgsMap<Events> = Events extends EventMap
  ? {
      readonly [Name in keyof Events & string]: Events[Name] extends EventDefinition<
        infer Args,
        readonly unknown[]
      >
        ? Args
        : never;
    }
  : undefined;

/** What is sent: the same before the schemas of the events. */
export type EventSentMap<Events> = Events extends EventMap
  ? {
      readonly [Name in keyof Events & string]: Events[Name] extends EventDefinition<
        readonly unknown[],
        infer Sent
      >
        ? Sent
        : never;
    }
  : undefined;

/** Options of {@link event}. */
export interface EventOptions<Payload, Sent = unknown> {
  /**
   * Checks every payload before it is sent, and gives the payload its type: the actor sends what it takes, clients get
   * what it gives. Any library that speaks Standard Schema will do; the check has to be synchronous.
   */
  readonly schema?: StandardSchema<Sent, Payload>;
  /**
   * Decides who hears the event. It is asked for every subscription, once, and until it has answered nothing is
   * heard; it may take as long as `onBeforeConnectTimeout`. A client that is refused gets `auth.forbidden` and stays
   * connected. Anything but a boolean is an internal error and refuses as well. What `conn.send` sends to one
   * connection is not asked about.
   */
  readonly canSubscribe?: SubscribeGuard;
}

/** See {@link EventOptions.canSubscribe}. */
export type SubscribeGuard = (c: GuardContext) => boolean | Promise<boolean>;

const EVENT_OPTIONS: ReadonlySet<string> = new Set(["schema", "canSubscribe"]);

/** What is sent to a schema: a schema that takes anything is sent what it gives. */
type SentArgs<Payload, Sent> = EventArgs<unknown extends Sent ? Payload : Sent>;

/**
 * Declares an event whose schema says what is sent and what is heard.
 *
 * @throws Error for an option that does not exist or has a wrong value.
 */
export function event<Payload, Sent>(
  options: EventOptions<Payload, Sent> & { readonly schema: StandardSchema<Sent, Payload> },
): EventDefinition<EventArgs<Payload>, SentArgs<Payload, Sent>>;
/**
 * Declares an event and its payload: `event<{ text: string }>()`. A tuple type becomes positional arguments:
 * `event<[x: number, y: number]>()`.
 *
 * @throws Error for an option that does not exist or has a wrong value.
 */
export function event<Payload = unknown>(
  options?: EventOptions<Payload>,
): EventDefinition<EventArgs<Payload>>;
export function event(options: EventOptions<unknown> = {}): EventDefinition {
  for (const name of Object.keys(options)) {
    if (!EVENT_OPTIONS.has(name)) throw new Error(`unknown event option '${name}'`);
  }
  const { schema, canSubscribe } = options;
  if (canSubscribe !== undefined && typeof canSubscribe !== "function") {
    throw new Error("event option 'canSubscribe' has to be a function");
  }
  return Object.freeze({ schema, canSubscribe });
}
