/** When and how the server is ended: all of it follows from a seed. */
import { Random } from "./random.js";

/** Ways to end a server and to start it again. */
export type Step = {
  /** How long the server serves before it, in milliseconds. */
  readonly serve: number;
} & (
  | { readonly how: "kill" }
  /** Killed while it shuts down in good order, this many milliseconds after it began. */
  | { readonly how: "kill in shutdown"; readonly after: number }
  /** Killed, and again while it starts: each of these many milliseconds after its beginning. */
  | { readonly how: "kill in start"; readonly after: readonly number[] }
  /** Not killed: it shuts down in good order. */
  | { readonly how: "stop" }
);

/** How often the server is killed in a step. */
export const killsOf = (step: Step): number => {
  switch (step.how) {
    case "kill":
    case "kill in shutdown":
      return 1;
    case "kill in start":
      return 1 + step.after.length;
    case "stop":
      return 0;
  }
};

/** The longest times in milliseconds. */
const SERVING = 900;
const STOPPING = 120;
const STARTING = 350;

/** Steps with `kills` kills, or a few more. */
export function planOf(seed: number, kills: number): Step[] {
  const random = new Random(seed);
  const steps: Step[] = [];
  for (let done = 0; done < kills; done += killsOf(steps.at(-1) ?? { how: "stop", serve: 0 })) {
    const serve = random.between(0, SERVING);
    const chance = random.between(0, 100);
    if (chance < 45) steps.push({ how: "kill", serve });
    else if (chance < 65) steps.push({ how: "kill in shutdown", serve, after: random.between(0, STOPPING) });
    else if (chance < 92) {
      const after = Array.from({ length: random.between(1, 4) }, () => random.between(0, STARTING));
      steps.push({ how: "kill in start", serve, after });
    } else steps.push({ how: "stop", serve });
  }
  return steps;
}
