/**
 * Where a registry comes from: the module that makes it when it is loaded, which is what other threads load to have
 * the same actors.
 */
import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";

/** See the top of the file. */
export interface Origin {
  /** A `file:` URL. Undefined if nobody knows: `caller` says what there was instead. */
  readonly module: string | undefined;
  readonly caller: string | undefined;
  /** Tells the registries of one module apart: how many came before. */
  readonly index: number;
}

/** How many registries each module has made. */
const made = new Map<string | undefined, number>();

/**
 * Where the registry that is being made comes from.
 *
 * @param given What the program says.
 * @param above The function whose caller it is otherwise.
 */
export function originOfRegistry(given: unknown, above: (...args: never[]) => unknown): Origin {
  const caller = given === undefined ? callerOf(above) : String(given);
  const module = fileUrl(caller);
  const index = made.get(module) ?? 0;
  made.set(module, index + 1);
  return { module, caller, index };
}

/** A module as a `file:` URL; undefined if it is none that can be loaded again. */
function fileUrl(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  if (isAbsolute(name)) return pathToFileURL(name).href;
  return name.startsWith("file:") && URL.canParse(name) ? new URL(name).href : undefined;
}

/** The file of the code that has called `above`, as the platform names it. */
function callerOf(above: (...args: never[]) => unknown): string | undefined {
  try {
    const file: unknown = lowestSite(above)?.getFileName();
    return typeof file === "string" ? file : undefined;
  } catch {
    // The program has frozen `Error`.
    return undefined;
  }
}

/** The place in the code that has called `above`. @throws TypeError if `Error` is frozen */
function lowestSite(above: (...args: never[]) => unknown): NodeJS.CallSite | undefined {
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    // In this form it is the file that was loaded; as text, it may be the one that it was compiled from.
    Error.prepareStackTrace = (_, sites) => sites;
    Error.stackTraceLimit = 1;
    const holder: { stack?: readonly NodeJS.CallSite[] } = {};
    Error.captureStackTrace(holder, above);
    return holder.stack?.[0];
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}
