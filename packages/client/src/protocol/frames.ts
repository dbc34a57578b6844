import type { ErrorBody } from "./error-body.js";

/** A message from client to server on a connection. */
export type ClientFrame =
  | {
      readonly tag: "ActionRequest";
      readonly id: number;
      readonly name: string;
      readonly args: readonly unknown[];
      /** Makes it a message of the extensions. */
      readonly idempotencyKey?: string;
    }
  | { readonly tag: "SubscriptionRequest"; readonly eventName: string; readonly subscribe: boolean }
  /** The call is given up. For servers that have said that they know the extensions, as the next one. */
  | { readonly tag: "CancelRequest"; readonly id: number }
  /** So many items of a stream were taken. */
  | { readonly tag: "StreamCredit"; readonly id: number; readonly items: number }
  /**
   * Actions are to run once: their ids are the numbers of the calls of this caller. Those below `next` may have been
   * made before, the first of them `waited` milliseconds ago.
   */
  | {
      readonly tag: "CallerRequest";
      readonly caller: string;
      readonly next: number;
      readonly waited: number;
    }
  /** Actions with ids below `first` are not made again. */
  | { readonly tag: "AnsweredRequest"; readonly first: number };

/** A message from server to client on a connection. */
export type ServerFrame =
  | InitFrame
  /** Without `actionId` it is about the connection as a whole. */
  | { readonly tag: "Error"; readonly error: ErrorBody; readonly actionId: number | undefined }
  | { readonly tag: "ActionResponse"; readonly id: number; readonly output: unknown }
  /** A part of the result of a call that streams; of an item, with its value. */
  | {
      readonly tag: "Stream";
      readonly id: number;
      readonly part: StreamPart;
      readonly item: unknown;
    }
  | {
      readonly tag: "Event";
      readonly name: string;
      readonly args: readonly unknown[];
      /** There if the actor keeps its events. */
      readonly number: number | undefined;
    }
  | MarkFrame;

/** The first message of all. */
export interface InitFrame {
  readonly tag: "Init";
  readonly actorId: string;
  readonly connectionId: string;
  /** What messages prove with that they are of this connection, where they travel outside of it. */
  readonly connectionToken: string | undefined;
  /** Empty if the server does not know our extensions of the protocol; else `1`, and what else there is for us. */
  readonly extensions: string;
}

/** Where the client is in the events of an actor that keeps them. */
export interface MarkFrame {
  readonly tag: "Mark";
  /** Everything up to this event is told, or never will be. */
  readonly number: number;
  /** The event that is subscribed to from here on; with `from`, why events are missing. */
  readonly text: string;
  /** There if events are missing: the last one before. */
  readonly from: number | undefined;
}

/** The parts of a stream. */
export type StreamPart = "start" | "item" | "end";

/** What handlers of an event get. A single value counts as the only argument. */
export function asArgs(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}
