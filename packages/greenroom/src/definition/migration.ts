import type { BaseContext } from "../context/contexts.js";

/** The version of a state whose definition names none. */
export const FIRST_VERSION = 1;
const LARGEST_VERSION = 0xffff_ffff;

/** What a step of a migration has: the state is what it is given. */
export interface MigrateStateContext extends BaseContext {}

/** Anything that can be a state: a step that gives nothing has forgotten to. */
type AnyState = NonNullable<unknown> | null;

/** Makes a state of one version from that of the version before. `state` may be changed and given back. */
export type MigrationStep<Result> = {
  // As a method, so that steps can say what they know of the old state, which the compiler cannot know.
  step(c: MigrateStateContext, state: unknown): Result | Promise<Result>;
}["step"];

/**
 * The steps of a migration, by the version that they lead to. The last one gives the state as it is declared.
 *
 * The compiler takes the keys for numbers when it checks the steps, and for texts when it looks for the types of their
 * parameters. So both are allowed here.
 */
export type MigrationSteps<State, Version extends number, Steps extends number | string> = {
  readonly [Step in Steps]: Step extends number | `${number}`
    ? MigrationStep<IsVersion<Step, Version> extends true ? State : AnyState>
    : never;
};

/** Whether a key is that of the version; not if the version is any number. */
type IsVersion<Step extends number | `${number}`, Version extends number> = number extends Version
  ? false
  : `${Step}` extends `${Version}`
    ? true
    : false;

/** A step as the host runs it. */
export type RunStep = (c: unknown, state: unknown) => unknown;

/** How a definition deals with states of other versions. */
export interface Migrations {
  /** The version of the definition's own state. */
  readonly version: number;
  /** The steps by the version that they lead to: all of them from some version on. */
  readonly steps: ReadonlyMap<number, RunStep>;
}

/** @throws Error saying which part of the definition cannot be meant. */
export function compileMigrations(
  stateVersion: unknown,
  migrateState: unknown,
  hasState: boolean,
): Migrations {
  if (stateVersion === undefined) {
    if (migrateState !== undefined)
      throw new Error("'migrateState' needs 'stateVersion': the version it leads to");
    return { version: FIRST_VERSION, steps: new Map() };
  }
  if (!isVersion(stateVersion)) throw new Error("'stateVersion' has to be a whole number, 1 or more");
  if (!hasState) throw new Error("'stateVersion' needs 'state' or 'createState'");
  if (migrateState === undefined) return { version: stateVersion, steps: new Map() };
  if (typeof migrateState !== "object" || migrateState === null) {
    throw new Error("'migrateState' has to be an object of functions by the version that they lead to");
  }
  const steps = new Map<number, RunStep>();
  for (const [name, step] of Object.entries(migrateState)) {
    const to = Number(name);
    if (!isVersion(to) || to === FIRST_VERSION || to > stateVersion) {
      throw new Error(
        `'migrateState' has a step '${name}': the versions to lead to are 2 to ${stateVersion} ('stateVersion')`,
      );
    }
    if (typeof step !== "function")
      throw new Error(`the step '${name}' of 'migrateState' has to be a function`);
    steps.set(to, step as RunStep);
  }
  const first = Math.min(...steps.keys());
  for (let to = first; to <= stateVersion; to++) {
    if (!steps.has(to)) throw new Error(`'migrateState' has no step '${to}', but one before it`);
  }
  return { version: stateVersion, steps };
}

/**
 * The steps from one version of the state to that of the code, with the versions that they lead to.
 *
 * @returns undefined if there is no way: the code is older than the state, or knows it no more.
 */
export function stepsFrom({ version, steps }: Migrations, stored: number): [number, RunStep][] | undefined {
  if (stored > version) return undefined;
  const path = [...steps].filter(([to]) => to > stored).sort(([a], [b]) => a - b);
  return path.length === version - stored ? path : undefined;
}

/** The oldest version of the state that there are steps from. */
export function oldestVersion({ version, steps }: Migrations): number {
  return version - steps.size;
}

function isVersion(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= LARGEST_VERSION;
}
