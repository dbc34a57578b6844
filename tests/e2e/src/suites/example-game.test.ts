/** The game example over sockets: rules that nobody gets around, points that stay, a loop that ends. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, type TestContext, test } from "node:test";
import { type ActorConn, createClient, isActorErrorCode } from "@greenroom/client";
import { Arena, MAX_SPEED, PUCK, STAGE, wishOf } from "../../../../examples/game/dist/arena.js";
import type { game, Scores, Snapshot } from "../../../../examples/game/dist/game.js";
import type { registry } from "../../../../examples/game/dist/registry.js";
import { eventually } from "../harness/eventually.js";
import { exampleScript } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";

let server: ServerProcess;

before(async () => {
  server = await ServerProcess.start({ script: exampleScript("game") });
});
after(() => server?.dispose());

/** Somebody at the game. */
class Player {
  readonly conn: ActorConn<typeof game>;
  readonly snapshots: Snapshot[] = [];
  scores: Scores = { players: [], best: [] };
  slot = 0;

  private constructor(conn: ActorConn<typeof game>) {
    this.conn = conn;
    conn.on("snapshot", (snapshot) => this.snapshots.push(snapshot));
    conn.on("scores", (scores) => {
      this.scores = scores;
    });
  }

  static async watch(t: TestContext, arena: string, id: string = randomUUID()): Promise<Player> {
    const client = createClient<typeof registry>(server.url);
    t.after(() => client.dispose());
    const player = new Player(client.game.getOrCreate([arena], { params: { player: id } }).connect());
    await player.conn.scores();
    return player;
  }

  static async join(t: TestContext, arena: string, name: string, id?: string): Promise<Player> {
    const player = await Player.watch(t, arena, id);
    player.slot = await player.conn.join(name);
    return player;
  }

  get points(): number {
    return this.scores.players.find(({ slot }) => slot === this.slot)?.points ?? 0;
  }

  /** Goes for the nearest spark again and again, until `isDone`. */
  async hunt(isDone: () => boolean): Promise<void> {
    for (let seen = 0; !isDone(); ) {
      await eventually(() => assert.ok(this.snapshots.length > seen), { every: 5 });
      seen = this.snapshots.length;
      const now = this.snapshots.at(-1);
      const [, x, y] = now?.pucks.find(([slot]) => slot === this.slot) ?? [0, 0, 0];
      const way = (now?.sparks ?? []).map(([, sx, sy]) => ({ x: sx - x, y: sy - y }));
      const [next = { x: 0, y: 0 }] = way.sort((a, b) => Math.hypot(a.x, a.y) - Math.hypot(b.x, b.y));
      const slow = Math.min(1, Math.hypot(next.x, next.y) / 90) / Math.max(1, Math.hypot(next.x, next.y));
      // One order too many is refused, and the next one comes soon.
      await this.conn.steer(next.x * slow, next.y * slow).catch(() => {});
    }
  }
}

const refused = (code: string) => (error: unknown) => isActorErrorCode(error, "user", code);

test("players see each other move", async (t) => {
  const ann = await Player.join(t, "moves", "Ann");
  const bob = await Player.join(t, "moves", "Bob");
  await eventually(() => assert.ok(ann.scores.players.some(({ name }) => name === "Bob")));
  const place = () => bob.snapshots.at(-1)?.pucks.find(([slot]) => slot === ann.slot);
  await eventually(() => assert.ok(place()));
  const [, x = 0, y = 0] = place() ?? [];
  // Towards the middle, so that nobody falls.
  await ann.conn.steer(-Math.sign(x) || 1, -Math.sign(y) || 1);
  await eventually(() => {
    const [, now = x] = place() ?? [];
    assert.ok(Math.abs(now - x) > 20);
  });
});

test("it ticks while somebody is there, ends with the last one, sleeps, and goes on with the next", async (t) => {
  const client = createClient<typeof registry>(server.url);
  t.after(() => client.dispose());
  const arena = client.game.getOrCreate(["sleepy"], { params: { player: randomUUID() } });
  assert.equal(await arena.ticks(), 0, "looking is not playing");
  const ann = await Player.watch(t, "sleepy");
  await eventually(() => assert.ok(ann.snapshots.length > 3));
  await ann.conn.dispose();
  // Each question wakes it, so they come with pauses that are longer than `sleepTimeout`.
  await eventually(async () => assert.equal(await arena.ticks(), 0), { within: 30_000, every: 2_600 });
  const bob = await Player.watch(t, "sleepy");
  await eventually(() => assert.ok(bob.snapshots.length > 3));
  assert.ok((await arena.ticks()) > 0);
});

test("nobody is faster than the rules, whatever they send", async (t) => {
  const ann = await Player.join(t, "fast", "Ann");
  for (const [x, y] of [
    [Number.NaN, 0],
    [0, Number.POSITIVE_INFINITY],
    ["1", 0],
    [undefined, undefined],
    [{}, []],
  ]) {
    const call = ann.conn.action({ name: "steer", args: [x as number, y as number] });
    await assert.rejects(call, refused("invalid_direction"));
  }
  const from = ann.snapshots.length;
  for (let turn = 0; turn < 24; turn++) {
    const angle = (turn / 6) * Math.PI;
    await ann.conn.steer(Math.cos(angle) * 1e9, Math.sin(angle) * 1e9).catch(() => {});
    await ann.conn.dash().catch(() => {});
  }
  await eventually(() => assert.ok(ann.snapshots.length > from + 40));
  const places = ann.snapshots.map(({ pucks }) => pucks.find(([slot]) => slot === ann.slot));
  const fell = new Set(
    ann.snapshots.flatMap(({ happenings }, index) =>
      happenings.some(([kind, slot]) => kind === "fall" && slot === ann.slot) ? [index] : [],
    ),
  );
  for (const [index, now] of places.entries()) {
    const before = places[index - 1];
    if (!now || !before || fell.has(index)) continue;
    const moved = Math.hypot(now[1] - before[1], now[2] - before[2]);
    // What a tick allows, and half a disc for each of the others that may have stood in the way.
    assert.ok(moved <= MAX_SPEED * 0.05 + 3 * PUCK, `${moved} units in one tick`);
  }
});

test("orders that come too fast are refused, and the others are not held up", async (t) => {
  const ann = await Player.join(t, "flood", "Ann");
  const bob = await Player.join(t, "flood", "Bob");
  const calls = await Promise.allSettled(Array.from({ length: 400 }, () => ann.conn.dash()));
  const errors = calls.flatMap((call) => (call.status === "rejected" ? [call.reason as unknown] : []));
  assert.ok(errors.length > 0 && errors.length < 400, `${errors.length} of 400 refused`);
  assert.ok(errors.every(refused("too_many_inputs")));
  await bob.conn.steer(0, 0);
  const seen = bob.snapshots.length;
  await eventually(() => assert.ok(bob.snapshots.length > seen));
});

test("who does not say who they are, or has no connection, does not play", async (t) => {
  const client = createClient<typeof registry>(server.url);
  t.after(() => client.dispose());
  for (const player of ["", "short", "x".repeat(65), 7]) {
    const odd = client.game.getOrCreate(["odd"], { params: { player: player as string } });
    await assert.rejects(odd.scores(), refused("player_invalid"));
  }
  await assert.rejects(client.game.getOrCreate(["odd"]).scores(), refused("player_invalid"));
  const alone = client.game.getOrCreate(["odd"], { params: { player: randomUUID() } });
  await assert.rejects(alone.join("Ann"), refused("not_connected"));
  const ann = await Player.watch(t, "odd");
  await assert.rejects(ann.conn.join("   "), refused("name_missing"));
  await assert.rejects(ann.conn.action({ name: "join", args: [7 as never] }), refused("name_missing"));
});

test("a stage has twelve places; who leaves makes room", async (t) => {
  const players = await Promise.all(
    Array.from({ length: 12 }, (_, index) => Player.join(t, "full", `Player ${index}`)),
  );
  const late = await Player.watch(t, "full");
  await assert.rejects(late.conn.join("Late"), refused("arena_full"));
  await eventually(() => assert.ok(late.snapshots.length > 0), { within: 10_000 });
  await players[0]?.conn.dispose();
  await eventually(async () => assert.ok((await late.conn.join("Late")) > 0));
  const { players: there } = await late.conn.scores();
  assert.equal(there.length, 12);
  assert.ok(there.every(({ isUnderstudy }) => !isUnderstudy));
});

test("a point that somebody has seen survives kill -9, and so does the scoreboard", async (t) => {
  const id = randomUUID();
  const ann = await Player.join(t, "scores", "Ann", id);
  let most = 0;
  await ann.hunt(() => {
    most = Math.max(most, ann.points);
    return most >= 4;
  });
  await server.kill();
  await server.restart();
  const back = await Player.join(t, "scores", "Ann", id);
  const { players, best } = await back.conn.scores();
  assert.ok((best.find(({ name }) => name === "Ann")?.best ?? 0) >= most);
  // Half of the points may have been lost in a fall that nobody heard of.
  const points = players.find(({ slot }) => slot === back.slot)?.points ?? 0;
  assert.ok(points >= Math.floor(most / 2), `${points} points, ${most} were seen`);
});

test("the rules: a push counts, a fall costs half, understudies make room", () => {
  let number = 0;
  const arena = new Arena(() => (number = (number + 0.38) % 1));
  const ann = arena.join("ann", "Ann");
  const bob = arena.join("bob", "Bob");
  assert.equal(arena.pucks.size, 4, "two people, two understudies");
  arena.sparks.length = 0;
  for (const puck of arena.pucks.values()) Object.assign(puck.at, { x: 0, y: STAGE * 0.5 * puck.slot });
  // Bob stands at the edge, Ann dashes at him.
  Object.assign(bob.at, { x: STAGE - 5, y: 0 });
  Object.assign(ann.at, { x: STAGE - 5 - PUCK * 3, y: 0 });
  Object.assign(ann.wish, wishOf(5, 0));
  ann.wantsDash = true;
  const falls = Array.from({ length: 60 }, () => arena.step(1 / 60))
    .flat()
    .filter(({ kind, slot }) => kind === "fall" && slot === bob.slot);
  assert.equal(falls.length, 1);
  assert.ok(falls[0]?.kind === "fall" && falls[0].by === ann.slot);
  assert.ok(bob.away > 0 && Math.hypot(bob.at.x, bob.at.y) < STAGE, "he comes back, somewhere inside");
  arena.leave("ann");
  arena.leave("bob");
  assert.equal(arena.players, 0);
  assert.equal(arena.pucks.size, 4);
});
