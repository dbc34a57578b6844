/** The points of everybody who ever played here: the durable part of the game. */

/** What is kept of a player. */
export interface PlayerRecord {
  name: string;
  points: number;
  /** The most points that they ever had. */
  best: number;
}

/** A line of the scoreboard. */
export interface Best {
  readonly name: string;
  readonly best: number;
}

/** By the player's id, which only the player knows. */
export type Records = Map<string, PlayerRecord>;

const MAX_RECORDS = 200;
const SHOWN = 5;

/** The record of a player, made when they come for the first time. The least of all goes when there are too many. */
export function recordOf(records: Records, player: string, name: string): PlayerRecord {
  const known = records.get(player);
  if (known) {
    if (known.name !== name) known.name = name;
    return known;
  }
  if (records.size >= MAX_RECORDS) {
    const [least] = [...records].sort(([, a], [, b]) => a.best - b.best)[0] ?? [];
    if (least !== undefined) records.delete(least);
  }
  const fresh = { name, points: 0, best: 0 };
  records.set(player, fresh);
  // What is in the state, to go on changing it: putting in has copied.
  return records.get(player) ?? fresh;
}

export function award(record: PlayerRecord, points: number): void {
  record.points += points;
  if (record.points > record.best) record.best = record.points;
}

/** The best of all time. */
export function bestOf(records: ReadonlyMap<string, PlayerRecord>): Best[] {
  const all = Array.from(records.values(), ({ name, best }) => ({ name, best }));
  return all
    .filter(({ best }) => best > 0)
    .sort((a, b) => b.best - a.best)
    .slice(0, SHOWN);
}
