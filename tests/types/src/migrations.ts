// Migrations do not change what the state is, and their last step has to give exactly that.
import { actor } from "rivetkit";
import { same } from "./equal.js";

actor({
  state: { total: 0, tags: [] as string[] },
  stateVersion: 3,
  migrateState: {
    // What the state was, only the user knows.
    2: (_c, state: { count: number }) => ({ total: state.count }),
    3: async (c, state: { total: number }) => {
      same<typeof c.key, string[]>();
      const label = await c.kv.get("label");
      return { total: state.total, tags: label === null ? [] : [label] };
    },
  },
  actions: {
    get(c) {
      same<typeof c.state, { total: number; tags: string[] }>();
    },
  },
});

actor({
  createState: async (_c, input: { n: number }) => ({ n: input.n }),
  stateVersion: 2,
  migrateState: {
    2: (c, state) => {
      same<typeof state, unknown>();
      // @ts-expect-error there is no state yet
      c.state;
      return { n: Number(state) };
    },
  },
  actions: {
    get(c) {
      same<typeof c.state, { n: number }>();
    },
  },
});

actor({
  state: { n: 1 },
  stateVersion: 2,
  migrateState: {
    // @ts-expect-error not the declared state
    2: () => ({ m: 1 }),
  },
});

actor({
  state: { n: 1 },
  stateVersion: 3,
  migrateState: {
    // @ts-expect-error a step gives a state
    2: (_c, state: { n: number }) => {
      state.n += 1;
    },
    3: (_c, state: { n: number }) => state,
  },
});

actor({
  state: { n: 1 },
  // @ts-expect-error not a number
  stateVersion: "2",
});

actor({
  state: { n: 1 },
  stateVersion: 2,
  migrateState: {
    // @ts-expect-error a version is a number
    two: () => ({ n: 1 }),
  },
});
