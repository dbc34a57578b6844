// The system under test: one actor type with a durable counter, strict durability, a data directory of its own.
// Says `listening <port>` and ends when its standard input does.
import { actor, setup } from "greenroom";

const counter = actor({
  state: { count: 0 },
  actions: {
    increment(c, by) {
      c.state.count += by;
      return c.state.count;
    },
    getCount: (c) => c.state.count,
  },
});

const registry = setup({
  use: { counter },
  host: "127.0.0.1",
  port: 0,
  dataDir: process.env.BENCH_DATA_DIR,
  noWelcome: true,
});
const { port } = await registry.start();
console.log(`listening ${port}`);

process.stdin.on("end", () => registry.shutdown()).resume();
