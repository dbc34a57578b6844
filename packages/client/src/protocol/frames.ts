import type { ErrorBody } from "./error-body.js";

/** A message from client to server on a connection. */
export type ClientFrame =
  | {
      readonly tag: "ActionRequest";
      readonly id: number;
      readonly name: string;
      readonly args: readonly unknown[];
    }
  | { readonly tag: "SubscriptionRequest"; readonly eventName: string; readonly subscribe: boolean }
  /** The call is given up. For servers that have said that they know the extensions, as the next one. */
  | { readonly tag: "CancelRequest"; readonly id: number }
  /** So many items of a stream were taken. */
  | { readonly tag: "StreamCredit"; readonly id: number; readonly items: number };

/** A message from server to client on a connection. */
export type ServerFrame =
  | {
      readonly tag: "Init";
      readonly actorId: string;
      readonly connectionId: string;
      /** What messages prove with that they are of this connection, where they travel outside of it. */
      readonly connectionToken: string | undefined;
      /** Whether the server knows our extensions of the protocol. */
      readonly extended: boolean;
    }
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
  | { readonly tag: "Event"; readonly name: string; readonly args: readonly unknown[] };

/** The parts of a stream. */
export type StreamPart = "start" | "item" | "end";

/** What handlers of an event get. A single value counts as the only argument. */
export function asArgs(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}
