/** Where `registry.handler` is mounted in a program's own server. */

/** Where it is taken to be mounted when nothing is said. */
const USUAL = ["/api/greenroom", "/api/rivet"];

/**
 * A base path as it is compared: with a slash in front and none at the end; "" for the root.
 *
 * @throws Error naming `what` it was given for.
 */
export function parseBasePath(text: unknown, what: string): string {
  if (typeof text !== "string" || /[?#\s]/.test(text)) {
    throw new Error(`${what} has to be a path such as /api/greenroom, and is \`${String(text)}\``);
  }
  const path = text.replace(/^\/+|\/+$/g, "");
  return path === "" ? "" : `/${path}`;
}

/**
 * What is left of a URL below the base path: path and query as the server knows them. Undefined if the URL is
 * elsewhere.
 *
 * @param basePath Undefined for the usual ones, or none at all.
 */
export function belowBasePath(url: string, basePath: string | undefined): string | undefined {
  const { pathname, search } = new URL(url);
  const below = (base: string): string | undefined => {
    if (pathname === base) return `/${search}`;
    return pathname.startsWith(`${base}/`) ? pathname.slice(base.length) + search : undefined;
  };
  if (basePath !== undefined) return below(basePath);
  for (const base of USUAL) {
    const rest = below(base);
    if (rest !== undefined) return rest;
  }
  return pathname + search;
}
