/**
 * A registry of one actor, started as most programs do it: nobody waits for `start()`. `SOLO_OPTIONS` is JSON with
 * options for `setup`.
 */
import { actor, setup } from "greenroom";

const options = JSON.parse(process.env.SOLO_OPTIONS ?? "{}") as { port?: number; noWelcome?: boolean };
const counter = actor({
  state: { count: 0 },
  actions: {
    increment: (c) => {
      c.state.count += 1;
      return c.state.count;
    },
  },
});

setup({ use: { counter }, ...options }).start();
