/**
 * The rules of the game, without a network: discs on a round stage that push each other off it and collect sparks.
 * Who plays says which way they want to go, never where they are, so nobody is faster than the rules.
 */

interface Vector {
  x: number;
  y: number;
}

/** Distances are in units of this stage: its radius. Speeds are units per second. */
export const STAGE = 500;
export const PUCK = 32;
export const SPARK = 13;
/** The fastest that anybody gets, in a dash. */
export const MAX_SPEED = 1_100;
/** Seconds until the next dash. */
export const DASH_PAUSE = 1.4;

const ACCELERATION = 1_500;
const DRAG = 2.8;
const DASH = 650;
const BOUNCE = 0.9;
const SPARKS = 8;
/** Seconds that somebody who fell is away. */
const AWAY = 1.3;
/** For so many seconds a push counts as the reason of a fall. */
const BLAME = 2.5;
/** What it is worth to push somebody off, on top of half of their points. */
const BOUNTY = 3;
/** So many are on the stage at least: understudies take the free places. */
const COMPANY = 4;
const CENTRE: Vector = { x: 0, y: 0 };
const UNDERSTUDIES = ["Prompter", "Usher", "Dresser", "Stagehand"] as const;

/** Somebody on the stage. */
export interface Puck {
  /** What everybody calls them; the player's own id is nobody else's business. */
  readonly slot: number;
  /** The player; undefined for an understudy. */
  readonly player: string | undefined;
  name: string;
  readonly at: Vector;
  readonly speed: Vector;
  /** Where they want to go: a vector of length 1 at most. */
  readonly wish: Vector;
  wantsDash: boolean;
  /** Seconds until they may dash. */
  pause: number;
  /** Seconds until they are back; 0 for those who are there. */
  away: number;
  lastPush: { by: number; age: number } | undefined;
  /** The points of an understudy. Nobody keeps them. */
  practice: number;
}

/** A point to collect. */
export interface Spark {
  readonly id: number;
  readonly at: Vector;
}

/** What happened in a step, and what it is worth to whom. */
export type Happening =
  | { readonly kind: "spark"; readonly slot: number; readonly at: Vector }
  | { readonly kind: "fall"; readonly slot: number; readonly at: Vector; readonly by: number | undefined };

/** How points change hands. */
export const worth = { spark: 1, bounty: BOUNTY, loss: (points: number) => Math.ceil(points / 2) } as const;

/** See the top of the file. */
export class Arena {
  readonly pucks = new Map<number, Puck>();
  readonly sparks: Spark[] = [];
  readonly #random: () => number;
  #nextSlot = 1;
  #nextSpark = 1;

  constructor(random: () => number = Math.random) {
    this.#random = random;
    while (this.sparks.length < SPARKS) this.#addSpark();
    this.#fillUp();
  }

  /** Puts a player on the stage, in the place of an understudy if there is one. Again, it changes the name. */
  join(player: string, name: string): Puck {
    const known = this.of(player);
    if (known) {
      known.name = name;
      return known;
    }
    const puck = this.#addPuck(player, name);
    this.#fillUp();
    return puck;
  }

  leave(player: string): void {
    const puck = this.of(player);
    if (puck) this.pucks.delete(puck.slot);
    this.#fillUp();
  }

  of(player: string): Puck | undefined {
    return [...this.pucks.values()].find((puck) => puck.player === player);
  }

  /** So many players, understudies not counted. */
  get players(): number {
    return [...this.pucks.values()].filter((puck) => puck.player !== undefined).length;
  }

  /** Lets so many seconds pass. */
  step(seconds: number): Happening[] {
    const pucks = [...this.pucks.values()];
    for (const puck of pucks) {
      if (puck.player === undefined) this.#think(puck);
      this.#move(puck, seconds);
    }
    const there = pucks.filter((puck) => puck.away === 0);
    for (const [index, one] of there.entries()) {
      for (const other of there.slice(index + 1)) collide(one, other);
    }
    return there.flatMap((puck) => this.#happenings(puck));
  }

  #move(puck: Puck, seconds: number): void {
    const { at, speed, wish } = puck;
    puck.pause = Math.max(0, puck.pause - seconds);
    if (puck.lastPush) {
      puck.lastPush.age += seconds;
      if (puck.lastPush.age > BLAME) puck.lastPush = undefined;
    }
    if (puck.away > 0) {
      puck.away = Math.max(0, puck.away - seconds);
      return;
    }
    if (puck.wantsDash && puck.pause === 0 && length(wish) > 0) {
      puck.pause = DASH_PAUSE;
      add(speed, wish, DASH / length(wish));
    }
    puck.wantsDash = false;
    add(speed, wish, ACCELERATION * seconds);
    scale(speed, Math.exp(-DRAG * seconds));
    scale(speed, Math.min(1, MAX_SPEED / Math.max(1, length(speed))));
    add(at, speed, seconds);
  }

  #happenings(puck: Puck): Happening[] {
    if (length(puck.at) > STAGE + PUCK / 2) return [this.#fall(puck)];
    const taken = this.sparks.filter((spark) => distance(spark.at, puck.at) < PUCK + SPARK);
    return taken.map((spark) => {
      this.sparks.splice(this.sparks.indexOf(spark), 1);
      this.#addSpark();
      return { kind: "spark", slot: puck.slot, at: { ...spark.at } } as const;
    });
  }

  #fall(puck: Puck): Happening {
    const happening = { kind: "fall", slot: puck.slot, at: { ...puck.at }, by: puck.lastPush?.by } as const;
    Object.assign(puck.at, this.#place(0.45));
    Object.assign(puck.speed, { x: 0, y: 0 });
    puck.away = AWAY;
    puck.lastPush = undefined;
    return happening;
  }

  /** An understudy goes for the sparks that are nearer to it than to the others, and for somebody near the edge. */
  #think(puck: Puck): void {
    const others = [...this.pucks.values()].filter((other) => other !== puck && other.away === 0);
    const understudies = others.filter((other) => other.player === undefined);
    const free = this.sparks.filter(({ at }) =>
      understudies.every((other) => distance(at, other.at) > distance(at, puck.at)),
    );
    const victim = others.find(
      (other) => length(other.at) > STAGE * 0.6 && distance(other.at, puck.at) < STAGE * 0.34,
    );
    const edge = length(puck.at) / STAGE;
    const goal = edge > 0.86 ? CENTRE : (victim?.at ?? nearest(puck.at, free)?.at ?? CENTRE);
    const way = { x: goal.x - puck.at.x, y: goal.y - puck.at.y };
    // Half asleep, so that people win.
    const vigour = 0.5 / Math.max(1, length(way));
    Object.assign(puck.wish, { x: way.x * vigour, y: way.y * vigour });
    puck.wantsDash = victim !== undefined && edge < 0.7 && this.#random() < 0.02;
  }

  #fillUp(): void {
    const understudies = [...this.pucks.values()].filter((puck) => puck.player === undefined);
    for (const name of UNDERSTUDIES) {
      const isFree = !understudies.some((puck) => puck.name === name);
      if (isFree && this.pucks.size < COMPANY) this.#addPuck(undefined, name);
    }
    const spare = Math.max(0, this.pucks.size - COMPANY);
    for (const puck of understudies.slice(0, spare)) this.pucks.delete(puck.slot);
  }

  #addPuck(player: string | undefined, name: string): Puck {
    const puck: Puck = {
      slot: this.#nextSlot++,
      player,
      name,
      at: this.#place(0.6),
      speed: { x: 0, y: 0 },
      wish: { x: 0, y: 0 },
      wantsDash: false,
      pause: 0,
      away: 0,
      lastPush: undefined,
      practice: 0,
    };
    this.pucks.set(puck.slot, puck);
    return puck;
  }

  #addSpark(): void {
    this.sparks.push({ id: this.#nextSpark++, at: this.#place(0.9) });
  }

  /** Somewhere on the stage, within this share of its radius. */
  #place(share: number): Vector {
    const angle = this.#random() * Math.PI * 2;
    const radius = Math.sqrt(this.#random()) * STAGE * share;
    return { x: Math.cos(angle) * radius, y: Math.sin(angle) * radius };
  }
}

/** A wish as it counts: any numbers come in, a vector of length 1 at most comes out. */
export function wishOf(x: number, y: number): Vector {
  const long = Math.hypot(x, y);
  return long > 1 ? { x: x / long, y: y / long } : { x, y };
}

function collide(one: Puck, other: Puck): void {
  const gap = distance(one.at, other.at);
  if (gap >= PUCK * 2) return;
  // Two in the same spot part in any direction.
  const normal =
    gap > 0 ? { x: (other.at.x - one.at.x) / gap, y: (other.at.y - one.at.y) / gap } : { x: 1, y: 0 };
  const overlap = (PUCK * 2 - gap) / 2;
  add(one.at, normal, -overlap);
  add(other.at, normal, overlap);
  const closing = (one.speed.x - other.speed.x) * normal.x + (one.speed.y - other.speed.y) * normal.y;
  if (closing > 0) {
    add(one.speed, normal, -closing * BOUNCE);
    add(other.speed, normal, closing * BOUNCE);
  }
  one.lastPush = { by: other.slot, age: 0 };
  other.lastPush = { by: one.slot, age: 0 };
}

function nearest(from: Vector, sparks: readonly Spark[]): Spark | undefined {
  return [...sparks].sort((a, b) => distance(a.at, from) - distance(b.at, from))[0];
}

const length = ({ x, y }: Vector) => Math.hypot(x, y);
const distance = (a: Vector, b: Vector) => Math.hypot(a.x - b.x, a.y - b.y);

function add(to: Vector, what: Vector, times: number): void {
  to.x += what.x * times;
  to.y += what.y * times;
}

function scale(vector: Vector, factor: number): void {
  vector.x *= factor;
  vector.y *= factor;
}
