/** `greenroom/next`: a registry as a route of Next.js. */
import { mountOf } from "../registry/registry.js";
import type { Registry } from "../registry/surface.js";

/** What a route file of Next.js exports. */
export interface NextHandlers {
  readonly GET: NextHandler;
  readonly POST: NextHandler;
  readonly PUT: NextHandler;
  readonly PATCH: NextHandler;
  readonly DELETE: NextHandler;
  readonly HEAD: NextHandler;
  readonly OPTIONS: NextHandler;
}

/** Answers a request that Next.js gives a route. */
export type NextHandler = (request: Request) => Promise<Response>;

/** What is used of a registry. */
type NextRegistry = Pick<Registry, "handler" | "shutdown">;

/**
 * A registry for `app/api/rivet/[...all]/route.ts`:
 * `export const { GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS } = toNextHandler(registry)`.
 *
 * Routes have no WebSockets: connections use event streams, which clients find out by themselves. In `next dev` a
 * registry that comes with a change of the code follows the one before it, which is shut down first.
 *
 * @throws TypeError if the registry was not made by `setup`
 */
export function toNextHandler(registry: NextRegistry): NextHandlers {
  const mount = mountOf(registry);
  const place = follow(registry);
  const handle: NextHandler = async (request) => {
    await place;
    return mount.fetch(request, undefined);
  };
  return {
    GET: handle,
    POST: handle,
    PUT: handle,
    PATCH: handle,
    DELETE: handle,
    HEAD: handle,
    OPTIONS: handle,
  };
}

/** Outlives modules, which `next dev` loads again after each change. */
const LATEST = Symbol.for("greenroom.next");

/** Waits for the end of the registry before this one: both have the same data. */
async function follow(registry: NextRegistry): Promise<void> {
  if (process.env.NODE_ENV !== "development") return;
  const kept = globalThis as { [LATEST]?: NextRegistry };
  const before = kept[LATEST];
  kept[LATEST] = registry;
  // If that fails, the start of this one says what is wrong.
  if (before !== registry) await before?.shutdown().catch(() => {});
}
