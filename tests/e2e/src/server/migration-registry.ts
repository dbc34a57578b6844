/** Three generations of one actor type, for the suite about migrations. */

import { actor, setup } from "greenroom";

/** As it was before anybody thought of versions. */
const first = actor({
  createState: (_c, input: string) => ({ name: input, points: "0" }),
  actions: {
    score: (c, points: number) => {
      c.state.points = String(Number(c.state.points) + points);
    },
    read: (c) => ({ ...c.state }) as object,
    nap: (c) => c.sleep(),
  },
});

/** Points have become a number. */
const second = actor({
  createState: (_c, input: string) => ({ name: input, points: 0 }),
  stateVersion: 2,
  migrateState: {
    2: (c, state: { name: string; points: string }) => {
      c.log.warn({ msg: "to version 2", name: state.name });
      return { name: state.name, points: Number(state.points) };
    },
  },
  actions: {
    score: (c, points: number) => {
      c.state.points += points;
    },
    read: (c) => ({ ...c.state }) as object,
    nap: (c) => c.sleep(),
  },
});

/** The name is kept as a pair, and points by game. */
const third = actor({
  createState: async (c, input: string) => {
    await c.kv.put("name", input);
    return { games: new Map([["start", 0]]), log: [] as string[] };
  },
  stateVersion: 3,
  migrateState: {
    2: (_c, state: { name: string; points: string }) => ({ ...state, points: Number(state.points) }),
    3: async (c, state: { name: string; points: number }) => {
      await c.kv.put("name", state.name);
      if ((await c.kv.get("name")) !== state.name) throw new Error("a migration sees what it wrote");
      await new Promise((resolve) => setTimeout(resolve, 10));
      if (state.name === "stubborn") throw new Error("a secret reason");
      return { games: new Map([["start", state.points]]), log: ["migrated"] };
    },
  },
  onWake: (c) => {
    c.state.log.push("awake");
  },
  actions: {
    score: (c, points: number) => {
      c.state.games.set("start", (c.state.games.get("start") ?? 0) + points);
    },
    read: async (c) => {
      const { games, log } = c.state;
      return { start: games.get("start"), log: [...log], name: await c.kv.get("name") } as object;
    },
    nap: (c) => c.sleep(),
  },
});

/** Has forgotten how version 1 was. */
const fourth = actor({
  state: { games: new Map<string, number>() },
  stateVersion: 4,
  migrateState: { 4: (_c, state: { games: Map<string, number> }) => ({ games: state.games }) },
  actions: {
    score: () => {},
    read: (c) => ({ start: c.state.games.get("start") }) as object,
    nap: (c) => c.sleep(),
  },
});

/** Keeps its state to itself until it is told to store it, in its first version; then it has to be migrated. */
const firstNote = actor({
  state: { text: "new" },
  options: { durability: "ephemeral" },
  actions: {
    write: async (c, text: string) => {
      c.state.text = text;
      await c.saveState({ immediate: true });
    },
    read: (c): unknown => c.state,
  },
});
const secondNote = actor({
  state: { lines: ["new"] },
  stateVersion: 2,
  options: { durability: "ephemeral", stateSaveInterval: 20 },
  migrateState: { 2: (_c, state: { text: string }) => ({ lines: [state.text] }) },
  actions: {
    write: async (c, text: string) => {
      c.state.lines.push(text);
      await c.saveState({ immediate: true });
    },
    read: (c): unknown => c.state,
  },
});

const generations = [
  { player: first, note: firstNote },
  { player: second, note: secondNote },
  { player: third, note: secondNote },
  { player: fourth, note: secondNote },
] as const;

/** The registry as the code was at that time. @param generation 1 to 4. */
export function registryOf(generation: number) {
  const use = generations[generation - 1];
  if (use === undefined) throw new Error(`there is no generation ${generation}`);
  return setup({ use });
}

/** What all generations have in common. */
export const registry = setup({ use: generations[0] });
