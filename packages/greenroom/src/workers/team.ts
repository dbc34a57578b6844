/** The worker threads of a registry: each runs a share of its actors. */
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { messageOf } from "../host/failure.js";
import type { Logger } from "../log.js";
import { Member } from "./member.js";
import type { Report } from "./messages.js";
import type { Origin } from "./origin.js";
import { postOfThread } from "./post.js";

/** What a team needs of its registry. */
export interface TeamServices {
  /** How many threads run actors, this one included: it is not part of the team. */
  readonly count: number;
  readonly origin: Origin;
  /** Of the registry, for the addon. */
  readonly token: number;
  readonly actors: readonly string[];
  readonly log: Logger;
  /** The thread of this lane is gone. */
  lose(lane: number): void;
  /** No thread could be started for this lane, so far. */
  vacant(lane: number): void;
  /** The program wants to end. */
  shutdown(): void;
}

/** See the top of the file. */
export class Team {
  readonly #members: readonly Member[];

  private constructor(members: readonly Member[]) {
    this.#members = members;
  }

  /**
   * Starts the threads and lets them load the program; they wait then.
   *
   * @throws Error `worker_failed` saying why one of them cannot.
   */
  static async load(services: TeamServices): Promise<Team> {
    if (isBundled()) {
      parentPort?.postMessage({ kind: "failed", message: BUNDLED } satisfies Report);
      throw failed(BUNDLED);
    }
    const { count, origin, token, actors, log } = services;
    if (count === 1) return new Team([]);
    const { module, index } = origin;
    if (module === undefined) throw failed(unknownModule(origin.caller));
    const lanes = Array.from({ length: count - 1 }, (_, at) => at + 1);
    const members = lanes.map(
      (lane) =>
        new Member({
          task: { token, lane, module, index },
          actors,
          log,
          lose: () => services.lose(lane),
          vacant: () => services.vacant(lane),
          shutdown: () => services.shutdown(),
        }),
    );
    const team = new Team(members);
    try {
      await Promise.all(members.map((member) => member.load()));
    } catch (error) {
      await team.end();
      throw failed(
        `the worker threads cannot load the registry from ${fileURLToPath(module)}: ${messageOf(error)}; what only ` +
          "one thread is to do belongs into another module, behind `await registry.start()`, or behind `isMainThread` " +
          "of node:worker_threads",
      );
    }
    return team;
  }

  /** The registry runs. */
  begin(): void {
    for (const member of this.#members) member.begin();
  }

  /** Ends all threads. */
  async end(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.end()));
  }
}

const BUNDLED =
  "greenroom is bundled with the program, so a thread that was to run a share of its actors runs the program instead: " +
  "keep the package greenroom out of the bundle (as an external package), or use one thread";

/**
 * Whether this is a thread that Greenroom has started, without Greenroom's own main module: what was beside the code
 * that has started it was another file. A registry would start threads of its own here, and each of them others.
 */
function isBundled(): boolean {
  if (isMainThread || postOfThread() !== undefined) return false;
  const data: unknown = workerData;
  return typeof data === "object" && data !== null && "greenroom" in data;
}

function unknownModule(caller: string | undefined): string {
  const from = caller === undefined ? "" : `, which was called from ${caller}`;
  return `the worker threads need to know the module whose loading makes the registry, and it cannot be told from setup(...)${from}: name it with setup({ workers: { count, module: import.meta.url } })`;
}

function failed(message: string): Error {
  return Object.assign(new Error(message), { code: "worker_failed" });
}
