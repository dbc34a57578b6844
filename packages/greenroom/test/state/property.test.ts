import { test } from "node:test";
import { hasNativeFold } from "./support/native.js";
import { Program } from "./support/program.js";

/** Programs to run, a third of them the same ones each time. `STATE_SEED=<seed> STATE_RUNS=1` replays one. */
const runs = Number(process.env.STATE_RUNS ?? 1_500);
const chosen = process.env.STATE_SEED;

const ranges: [seed: number, runs: number][] =
  chosen !== undefined
    ? [[Number(chosen), runs]]
    : [
        [1, Math.ceil(runs / 3)],
        [Math.floor(Math.random() * 2 ** 31), runs - Math.ceil(runs / 3)],
      ];

for (const [seed, count] of ranges) {
  const name = `operations alone rebuild the state after every turn of ${count} random programs from seed ${seed}`;
  test(name, (context) => {
    context.diagnostic(`folded in TypeScript${hasNativeFold ? " and Rust" : " only"}`);
    for (let run = 0; run < count; run++) {
      try {
        new Program(seed + run).run();
      } catch (error) {
        const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
        throw new Error(`replay with STATE_SEED=${seed + run} STATE_RUNS=1: ${reason}`);
      }
    }
  });
}
