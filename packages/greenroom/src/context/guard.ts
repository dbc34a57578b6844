import type { ConnContext } from "./contexts.js";

/**
 * What belongs to the actor that a guard is part of. A guard is written inside `event(...)` or `queue(...)`, which do
 * not know that actor's types yet.
 */
// biome-ignore lint/suspicious/noExplicitAny: with `unknown`, no guard could look at anything without a cast
type Unchecked = any;

/**
 * What guards have: `canSubscribe` and `canPublish`. State and parameters are not checked unless the guard says what
 * they are: `(c: GuardContext<Member>) => c.conn.state.role === "admin"`.
 */
export interface GuardContext<ConnState = Unchecked, State = Unchecked, Params = Unchecked>
  extends ConnContext<State, Unchecked, Params, ConnState, undefined> {}
