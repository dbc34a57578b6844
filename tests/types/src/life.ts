// `run`, background work, timers and the hooks of a start.
import {
  type ActorTimer,
  actor,
  event,
  type MigrateContextOf,
  type RunContextOf,
  type SleepContextOf,
} from "rivetkit";
import { same } from "./equal.js";

const worker = actor({
  createState: () => ({ steps: 0 }),
  createVars: () => ({ started: 1 }),
  events: { stepped: event<number>() },
  onMigrate: (c, isNew) => {
    same<typeof isNew, boolean>();
    c.actorId satisfies string;
    // @ts-expect-error there is no state yet
    c.state;
  },
  run: async (c) => {
    while (!c.aborted) await step(c);
    c.sleep();
  },
  onSleep: (c) => last(c),
  options: { crashPolicy: "restart", name: "Worker", icon: "hammer", noSleep: false },
  actions: {
    async promises(c) {
      const text = await c.keepAwake(Promise.resolve("text"));
      same<typeof text, string>();
      const nothing = c.waitUntil(Promise.resolve(5));
      same<typeof nothing, void>();
      // @ts-expect-error a function is no promise
      void c.keepAwake(async () => {});
      // @ts-expect-error neither is a number
      c.waitUntil(5);
      return text;
    },
    timers(c) {
      const timer: ActorTimer = c.setTimeout(
        (text, n) => same<[typeof text, typeof n], [string, number]>(),
        5,
        "a",
        1,
      );
      timer.clear();
      c.clearTimeout(timer);
      c.clearInterval(c.setInterval(async () => {}, 10));
      c.setTimeout(() => c.state.steps++);
      // What a promise gives to its maker takes an argument, but can do without.
      void new Promise<void>((resolve) => c.setTimeout(resolve, 10));
      void new Promise((resolve) => c.setTimeout(resolve, 10));
      // @ts-expect-error the callback needs a text
      c.setTimeout((text: string) => text, 5);
      // @ts-expect-error a time is a number
      c.setTimeout(() => {}, "5");
      // @ts-expect-error the callback takes a text
      c.setTimeout((text: string) => text, 5, 6);
      // @ts-expect-error a timer is no number
      c.clearTimeout(6);
    },
    deprecated(c) {
      c.setPreventSleep(true);
      c.runInBackground(Promise.resolve());
      return c.preventSleep satisfies boolean;
    },
  },
});

async function step(c: RunContextOf<typeof worker>): Promise<void> {
  c.state.steps += c.vars.started;
  c.broadcast("stepped", c.state.steps);
  // @ts-expect-error not the payload
  c.broadcast("stepped", "one");
  // @ts-expect-error nobody in particular has called
  c.conn;
  await new Promise<void>((resolve) => c.setTimeout(resolve, 10));
}

function migrate(c: MigrateContextOf<typeof worker>): string {
  return c.name;
}
void migrate;

function last(c: SleepContextOf<typeof worker>): void {
  c.waitUntil(Promise.resolve());
}

// With hints for tools.
actor({
  state: { n: 0 },
  run: { name: "loop", icon: "repeat", run: (c) => void c.state.n++ },
});
// @ts-expect-error a typo
actor({ run: { nmae: "loop", run: () => {} } });
// @ts-expect-error no function
actor({ run: { name: "loop" } });
// @ts-expect-error not a policy
actor({ options: { crashPolicy: "panic" } });
// @ts-expect-error there is no such socket
actor({ options: { enableActorRuntimeSocket: true } });

// Types that are written down instead of inferred.
interface Room {
  title: string | undefined;
}
const hinted = actor({
  types: {} as { state: Room; connParams: { token: string }; input: { title: string } },
  createState: (_c, input) => ({ title: input.title }),
  onBeforeConnect: (_c, params) => void params.token.length,
  actions: { title: (c) => c.state.title },
});
function readTitle(c: RunContextOf<typeof hinted>): void {
  same<typeof c.state, Room>();
}
void readTitle;
