import { type ActorContextOf, actor, event, UserError } from "greenroom";
import { Arena, type Happening, wishOf, worth } from "./arena.js";
import { Budget } from "./budget.js";
import { award, type Best, bestOf, type Records, recordOf } from "./scores.js";

/** Where everything is at one moment. Numbers are rounded: they are for the eye. */
export interface Snapshot {
  /** Milliseconds of the actor's clock. */
  readonly at: number;
  readonly pucks: readonly (readonly [slot: number, x: number, y: number])[];
  readonly sparks: readonly (readonly [id: number, x: number, y: number])[];
  readonly happenings: readonly (readonly [kind: Happening["kind"], slot: number, x: number, y: number])[];
}

/** Who is on the stage. */
export interface Player {
  readonly slot: number;
  readonly name: string;
  readonly points: number;
  readonly isUnderstudy: boolean;
}

export interface Scores {
  readonly players: Player[];
  readonly best: Best[];
}

/** Milliseconds from one snapshot to the next. */
const TICK = 50;
/** The rules are applied in finer steps, or fast discs would pass through each other. */
const STEPS = 3;
const MAX_PLAYERS = 12;
const MAX_WATCHING = 64;
const MAX_NAME = 16;
const INPUTS = { atOnce: 40, perSecond: 30 } as const;

/**
 * One actor per arena. Where everybody is lives in `vars` and is gone with the process; points are state, and nobody
 * sees a point that is not on disk. It ticks while somebody is there, and sleeps otherwise.
 */
export const game = actor({
  state: { records: new Map() as Records },

  createVars: () => ({
    arena: new Arena(),
    budgets: new Map<string, Budget>(),
    isPlaying: false,
    ticks: 0,
  }),
  createConnState: (_c, params: { player: string } | undefined) => ({
    player: checkPlayer(params?.player),
    isOn: false,
  }),

  events: { snapshot: event<Snapshot>(), scores: event<Scores>() },
  options: { sleepTimeout: 2_000 },

  onBeforeConnect: (c) => {
    if (c.vars.budgets.size >= MAX_WATCHING)
      throw new UserError("this arena is full", { code: "arena_full" });
  },
  onConnect: (c, conn) => {
    // A single call has a connection, too, but nobody is there.
    if (!c.conns.has(conn.id)) return;
    c.vars.budgets.set(conn.id, new Budget(INPUTS.atOnce, INPUTS.perSecond));
    start(c);
  },
  onDisconnect: (c, left) => {
    c.vars.budgets.delete(left.id);
    const { player, isOn } = left.state;
    const isBack = [...c.conns.values()].some(
      ({ id, state }) => id !== left.id && state.player === player && state.isOn,
    );
    if (!isOn || isBack) return;
    c.vars.arena.leave(player);
    c.broadcast("scores", scores(c));
  },
  // Connections may outlive an instance of the actor: those who were on the stage are on it again.
  onWake: (c) => {
    for (const { id, state } of c.conns.values()) {
      c.vars.budgets.set(id, new Budget(INPUTS.atOnce, INPUTS.perSecond));
      if (state.isOn) c.vars.arena.join(state.player, c.state.records.get(state.player)?.name ?? "");
    }
    if (c.conns.size > 0) start(c);
  },

  actions: {
    /** Takes part, or changes the name. Gives one's own slot. */
    join: (c, name: string): number => {
      spend(c);
      const { player } = c.conn.state;
      const { arena } = c.vars;
      const isNew = arena.of(player) === undefined;
      if (isNew && arena.players >= MAX_PLAYERS) {
        throw new UserError("all places on this stage are taken", { code: "arena_full" });
      }
      const puck = arena.join(player, checkName(name));
      recordOf(c.state.records, player, puck.name);
      c.conn.state.isOn = true;
      c.broadcast("scores", scores(c));
      return puck.slot;
    },

    /** Which way one wants to go. What is longer than 1 counts as 1. */
    steer: (c, x: number, y: number): void => {
      spend(c);
      if (!Number.isFinite(x) || !Number.isFinite(y)) {
        throw new UserError("a direction is two finite numbers", { code: "invalid_direction" });
      }
      const puck = c.vars.arena.of(c.conn.state.player);
      if (puck) Object.assign(puck.wish, wishOf(x, y));
    },

    /** A leap in the direction one goes, if the last one was long enough ago. */
    dash: (c): void => {
      spend(c);
      const puck = c.vars.arena.of(c.conn.state.player);
      if (puck) puck.wantsDash = true;
    },

    scores: (c): Scores => scores(c),

    /** How often the arena has ticked since it woke. */
    ticks: (c): number => c.vars.ticks,
  },
});

type GameContext = ActorContextOf<typeof game>;

/** Ticks from the first connection to the last one's end, and keeps the actor awake for as long. */
function start(c: GameContext): void {
  if (c.vars.isPlaying) return;
  c.vars.isPlaying = true;
  const { vars } = c;
  void c.keepAwake(
    play(c).finally(() => {
      vars.isPlaying = false;
    }),
  );
}

async function play(c: GameContext): Promise<void> {
  for (let due = performance.now(); c.conns.size > 0 && !c.aborted; ) {
    tick(c);
    // A machine that was too busy for a while does not catch up on it.
    const now = performance.now();
    due = Math.max(due + TICK, now);
    await new Promise<void>((resolve) => void c.setTimeout(() => resolve(), due - now));
  }
}

function tick(c: GameContext): void {
  const { arena } = c.vars;
  const happenings = Array.from({ length: STEPS }, () => arena.step(TICK / STEPS / 1_000)).flat();
  c.vars.ticks += 1;
  c.broadcast("snapshot", snapshot(arena, happenings));
  if (happenings.length === 0) return;
  for (const happening of happenings) settle(c, happening);
  c.broadcast("scores", scores(c));
}

/** Points go where they belong. Those of players are state: stored before the events of this turn leave. */
function settle(c: GameContext, happening: Happening): void {
  if (happening.kind === "spark") {
    give(c, happening.slot, worth.spark);
    return;
  }
  const lost = worth.loss(pointsOf(c, happening.slot));
  give(c, happening.slot, -lost);
  if (happening.by !== undefined) give(c, happening.by, lost + worth.bounty);
}

function give(c: GameContext, slot: number, points: number): void {
  const puck = c.vars.arena.pucks.get(slot);
  if (!puck || points === 0) return;
  if (puck.player === undefined) puck.practice += points;
  else award(recordOf(c.state.records, puck.player, puck.name), points);
}

function pointsOf(c: GameContext, slot: number): number {
  const puck = c.vars.arena.pucks.get(slot);
  if (puck?.player === undefined) return puck?.practice ?? 0;
  return c.state.records.get(puck.player)?.points ?? 0;
}

function scores(c: GameContext): Scores {
  const players = Array.from(c.vars.arena.pucks.values(), ({ slot, name, player }) => ({
    slot,
    name,
    points: pointsOf(c, slot),
    isUnderstudy: player === undefined,
  }));
  return { players: players.sort((a, b) => b.points - a.points), best: bestOf(c.state.records) };
}

function snapshot(arena: Arena, happenings: readonly Happening[]): Snapshot {
  const there = [...arena.pucks.values()].filter((puck) => puck.away === 0);
  return {
    at: Math.round(performance.now()),
    pucks: there.map(({ slot, at }) => [slot, Math.round(at.x), Math.round(at.y)] as const),
    sparks: arena.sparks.map(({ id, at }) => [id, Math.round(at.x), Math.round(at.y)] as const),
    happenings: happenings.map(
      ({ kind, slot, at }) => [kind, slot, Math.round(at.x), Math.round(at.y)] as const,
    ),
  };
}

/** An input counts, whatever it says. */
function spend(c: GameContext & { readonly conn: { readonly id: string } }): void {
  const budget = c.vars.budgets.get(c.conn.id);
  if (!budget) throw new UserError("inputs come over a connection", { code: "not_connected" });
  if (!budget.take()) {
    throw new UserError(`no more than ${INPUTS.perSecond} inputs per second`, { code: "too_many_inputs" });
  }
}

function checkPlayer(player: unknown): string {
  if (typeof player === "string" && player.length >= 16 && player.length <= 64) return player;
  throw new UserError("connect with { player }, a random text of 16 to 64 characters that only you know", {
    code: "player_invalid",
  });
}

function checkName(name: unknown): string {
  const text = typeof name === "string" ? name.trim().slice(0, MAX_NAME) : "";
  if (text === "") throw new UserError("say who you are", { code: "name_missing" });
  return text;
}
