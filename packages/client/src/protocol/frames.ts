import type { ErrorBody } from "./error-body.js";

/** A message from client to server on a connection. */
export type ClientFrame =
  | {
      readonly tag: "ActionRequest";
      readonly id: number;
      readonly name: string;
      readonly args: readonly unknown[];
    }
  | { readonly tag: "SubscriptionRequest"; readonly eventName: string; readonly subscribe: boolean };

/** A message from server to client on a connection. */
export type ServerFrame =
  | {
      readonly tag: "Init";
      readonly actorId: string;
      readonly connectionId: string;
      /** What messages prove with that they are of this connection, where they travel outside of it. */
      readonly connectionToken: string | undefined;
    }
  /** Without `actionId` it is about the connection as a whole. */
  | { readonly tag: "Error"; readonly error: ErrorBody; readonly actionId: number | undefined }
  | { readonly tag: "ActionResponse"; readonly id: number; readonly output: unknown }
  | { readonly tag: "Event"; readonly name: string; readonly args: readonly unknown[] };

/** What handlers of an event get. A single value counts as the only argument. */
export function asArgs(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}
