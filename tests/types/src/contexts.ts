// Context types for helper functions, and contexts without index signatures.
import {
  type ActionContextOf,
  type ActorContextOf,
  actor,
  type BeforeConnectContextOf,
  type ConnContextOf,
  type CreateStateContextOf,
  type CreateVarsContextOf,
  event,
  type WakeContextOf,
} from "rivetkit";
import { same } from "./equal.js";

const board = actor({
  state: { at: 0 },
  vars: { hits: 0 },
  connState: { name: "" },
  events: { moved: event<number>() },
  onBeforeConnect: (c, params: { token: string }) => check(c, params.token),
  onWake: (c) => wake(c),
  actions: { move: (c, to: number) => move(c, to) },
});

function move(c: ActionContextOf<typeof board>, to: number): number {
  c.state.at = to;
  c.vars.hits++;
  c.conn.state.name = "mover";
  c.broadcast("moved", to);
  // @ts-expect-error not the payload
  c.broadcast("moved", "to");
  // @ts-expect-error typo
  c.brodcast("moved", to);
  return to;
}

function wake(c: WakeContextOf<typeof board>): void {
  c.state.at = 0;
  // @ts-expect-error nobody in particular is connecting
  c.conn;
}

function check(c: BeforeConnectContextOf<typeof board>, _token: string): void {
  same<typeof c.state, { at: number }>();
  // @ts-expect-error there is no connection yet
  c.conns;
}

same<ActorContextOf<typeof board>, WakeContextOf<typeof board>>();
same<ActionContextOf<typeof board>, ConnContextOf<typeof board>>();
same<CreateVarsContextOf<typeof board>["state"], { at: number }>();

declare const c: ActionContextOf<typeof board>;
same<string, typeof c.actorId>();
same<string[], typeof c.key>();
same<AbortSignal, typeof c.abortSignal>();
void c.saveState({ immediate: true });
// @ts-expect-error not an option
void c.saveState({ now: true });
// @ts-expect-error the id cannot be changed
c.actorId = "x";
c.log.info({ msg: "text", n: 1 });
c.log.warn("text", { n: 1 });
// @ts-expect-error neither text nor fields
c.log.info(1);
// @ts-expect-error no index signature
c.anything;
// @ts-expect-error no index signature
c.conn.anything;

declare const create: CreateStateContextOf<typeof board>;
same<string, typeof create.name>();
// @ts-expect-error there is no state yet
create.state;
