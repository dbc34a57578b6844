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
  /** Whether it may be left out. */
  readonly mayDrop?: boolean;
  /** What it is about, if it gives way to the next one that is about the same. */
  readonly coalesceBy?: ((...args: readonly unknown[]) => unknown) | undefined;
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
  /**
   * What becomes of the event where a client does not read fast enough. Default `"disconnect"`: it waits, and when more
   * than `maxConnectionBacklog` waits for a client, that one is disconnected. `"coalesce"`: while it waits, the next one
   * takes its place, so the client gets the newest only, as is right for what replaces all that was said before.
   * `{ coalesceBy }` does that for each of several things: `coalesceBy: (cursor) => cursor.user`. `"drop"`: when there is
   * no room, the oldest of these are left out, and the client is told so (`onResync` with the reason `slow`); one that
   * cannot be told, because it is not ours, is disconnected.
   */
  readonly whenSlow?: WhenSlow<EventArgs<Payload>>;
}

/**
 * What becomes of an event that waits for a client which does not read, see {@link EventOptions.whenSlow}. `coalesceBy` is
 * given what clients get, and says what it is about.
 */
export type WhenSlow<Args extends readonly unknown[] = readonly unknown[]> =
  | "disconnect"
  | "drop"
  | "coalesce"
  | { readonly coalesceBy: (...args: Args) => string | number };

/** See {@link EventOptions.canSubscribe}. */
export type SubscribeGuard = (c: GuardContext) => boolean | Promise<boolean>;

const EVENT_OPTIONS: ReadonlySet<string> = new Set(["schema", "canSubscribe", "whenSlow"]);

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
  const { schema, canSubscribe, whenSlow } = options;
  if (canSubscribe !== undefined && typeof canSubscribe !== "function") {
    throw new Error("event option 'canSubscribe' has to be a function");
  }
  const mayDrop = whenSlow === "drop";
  return Object.freeze({ schema, canSubscribe, mayDrop, coalesceBy: coalesceBy(whenSlow) });
}

/** All that is said is about the same. */
const sameAlways = (): string => "";

function coalesceBy(whenSlow: unknown): ((...args: readonly unknown[]) => unknown) | undefined {
  if (whenSlow === undefined || whenSlow === "disconnect" || whenSlow === "drop") return undefined;
  if (whenSlow === "coalesce") return sameAlways;
  if (typeof whenSlow === "object" && whenSlow !== null && Object.keys(whenSlow).length === 1) {
    const { coalesceBy: about } = whenSlow as { coalesceBy?: unknown };
    if (typeof about === "function") return (...args) => about(...args);
  }
  throw new Error(
    'event option \'whenSlow\' has to be "disconnect", "drop", "coalesce" or ' +
      "{ coalesceBy: (payload) => string or number }",
  );
}
