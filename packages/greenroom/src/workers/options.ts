/** `setup({ workers })`: how many threads run actors. */
import { availableParallelism } from "node:os";
import { type Environment, variable, wholeNumber } from "../registry/environment.js";

/** Settings of {@link RegistryConfig.workers}. */
export interface WorkersOptions {
  /** How many threads; `auto` for one per core. Default `GREENROOM_WORKERS`, then 1. */
  readonly count?: number | "auto";
  /**
   * The module that makes the registry when it is loaded: other threads load it to have the same actors. A `file:` URL
   * such as `import.meta.url`, or an absolute path. Default: the module that calls `setup`.
   */
  readonly module?: string | URL;
}

/** More threads than any machine has cores for. */
const MOST = 256;
const OPTION = "setup option 'workers'";

/** How many threads run actors, the one that starts the registry included. @throws Error naming what is wrong */
export function workerCount(option: unknown, env: Environment): number {
  const { count } = workersOptions(option);
  if (count !== undefined) return parse(count, count, OPTION);
  const found = variable(env, "GREENROOM_WORKERS");
  return found === undefined ? 1 : parse(numberOrText(found.value), found.value, found.name);
}

/** The options in their long form. @throws Error naming what is wrong */
export function workersOptions(option: unknown): { readonly count?: unknown; readonly module?: string } {
  if (typeof option !== "object" || option === null) return option === undefined ? {} : { count: option };
  const { count, module, ...unknown }: { count?: unknown; module?: unknown } = option;
  for (const name of Object.keys(unknown)) throw invalid(`setup option 'workers.${name}' is unknown`);
  if (module === undefined) return { count };
  const text = module instanceof URL ? module.href : module;
  if (typeof text !== "string" || text === "")
    throw invalid("setup option 'workers.module' has to be a file URL or an absolute path");
  return { count, module: text };
}

function parse(value: unknown, given: unknown, what: string): number {
  if (value === "auto") return Math.min(availableParallelism(), MOST);
  try {
    return wholeNumber(typeof value === "number" ? value : Number.NaN, what, 1, MOST, given);
  } catch (error) {
    throw invalid(`${(error as Error).message}; \`auto\` is one for each core`);
  }
}

function numberOrText(text: string): number | string {
  return text === "auto" ? text : Number(text);
}

function invalid(message: string): Error {
  return Object.assign(new Error(message), { code: "invalid_config" });
}
