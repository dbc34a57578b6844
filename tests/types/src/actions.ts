// Actions: arguments, results, nesting, settings of their own.
import { actor, setup } from "rivetkit";
import { createClient } from "rivetkit/client";
import { same } from "./equal.js";

const pad = actor({
  state: { x: 0, y: 0 },
  actions: {
    plain: (c, by: number) => c.state.x + by,
    optional: (_c, _a: string, b?: number) => b,
    rest: (_c, ..._all: number[]) => {},
    later: async (c) => c.state.y,
    move: {
      durability: "relaxed",
      run(c, x: number, y: number) {
        // @ts-expect-error typo
        c.stat;
        c.state = { x, y };
        return true;
      },
    },
    admin: {
      reset: (c) => {
        c.state.x = 0;
      },
      deep: { ping: { durability: "ephemeral", run: async (_c, text: string) => text } },
    },
  },
});
const registry = setup({ use: { pad } });
const handle = createClient<typeof registry>().pad.getOrCreate();

same<Promise<number>, ReturnType<typeof handle.plain>>();
same<Promise<number>, ReturnType<typeof handle.later>>();
same<Promise<boolean>, ReturnType<typeof handle.move>>();
same<[x: number, y: number], Parameters<typeof handle.move>>();
same<Promise<string>, ReturnType<typeof handle.admin.deep.ping>>();
same<Promise<void>, ReturnType<typeof handle.admin.reset>>();
void handle.optional("a");
void handle.rest(1, 2, 3);
// @ts-expect-error wrong argument
void handle.move("1", 2);
// @ts-expect-error missing argument
void handle.move(1);
// @ts-expect-error no such action
void handle.mov(1, 2);
// @ts-expect-error an action's settings are no action
void handle.move.run(1, 2);
// @ts-expect-error nested actions are not on the handle itself
void handle.reset();

// @ts-expect-error no such durability
actor({ actions: { wrong: { durability: "sometimes", run: () => 1 } } });
// @ts-expect-error an action is a function
actor({ actions: { wrong: 1 } });
// @ts-expect-error a key that does not exist
actor({ state: {}, onStart: () => {} });
// @ts-expect-error an option that does not exist
actor({ options: { sleepTimout: 1 } });
// @ts-expect-error not an actor
setup({ use: { pad: 1 } });

// Calls that are made again.
void handle.action({ name: "move", args: [1, 2], idempotencyKey: "k", retryTimeout: 0 });
// @ts-expect-error a key is a text
void handle.action({ name: "move", args: [1, 2], idempotencyKey: 7 });
// @ts-expect-error no such option
void handle.action({ name: "move", args: [1, 2], retries: 3 });
void createClient({ retryTimeout: 5_000 });
// @ts-expect-error a time is a number
void createClient({ retryTimeout: "5s" });
actor({ options: { maxCallRecords: 5, maxCallRecordsSize: 6, callRecordTimeout: 7 }, actions: {} });
// @ts-expect-error a count is a number
actor({ options: { maxCallRecords: "5" }, actions: {} });
