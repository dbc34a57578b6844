import type { ConnMethods, HandleMethods } from "@greenroom/client";

/** What handles and connections have of their own. */
type OwnNames = keyof HandleMethods<unknown> | keyof ConnMethods<unknown>;

/** Complete, or it would not compile. */
const OWN: { readonly [Name in OwnNames]: true } = {
  action: true,
  actorId: true,
  connId: true,
  connStatus: true,
  connect: true,
  connectionId: true,
  dispose: true,
  fetch: true,
  getGatewayUrl: true,
  isConnected: true,
  on: true,
  onClose: true,
  onError: true,
  onOpen: true,
  onResync: true,
  onStatusChange: true,
  once: true,
  ready: true,
  resolve: true,
  reload: true,
  send: true,
  webSocket: true,
};

/** `then` and `toJSON` are called by JavaScript itself on whatever it meets. */
const RESERVED: ReadonlySet<string> = new Set([...Object.keys(OWN), "then", "toJSON"]);

/**
 * Refuses an action that clients could not call by its name.
 *
 * @throws Error naming it.
 */
export function checkActionName(name: string): void {
  if (!RESERVED.has(name)) return;
  throw new Error(`action '${name}' has a reserved name: clients mean something else by it`);
}
