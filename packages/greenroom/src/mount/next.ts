/** `greenroom/next`: a registry as a route of Next.js. */
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

type NextHandler = (request: Request) => Promise<Response>;

/**
 * A registry for `app/api/rivet/[...all]/route.ts`:
 * `export const { GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS } = toNextHandler(registry)`.
 *
 * Routes have no WebSockets: connections use event streams, which clients find out by themselves.
 */
export function toNextHandler(registry: Pick<Registry, "handler">): NextHandlers {
  const handle: NextHandler = (request) => registry.handler(request);
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
