/** Where `registry.handler` is mounted in a program's own server. */

/** Where it is taken to be mounted when nothing is said. */
const USUAL = ["/api/greenroom", "/api/rivet"];
/** Paths of ours that no other server is likely to have. */
const OWN = /^\/(gateway|connections)\//;

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
  const parsed = parseTarget(url);
  const rest = mounted(parsed, basePath);
  return rest ?? (basePath === undefined ? parsed.pathname + parsed.search : undefined);
}

/**
 * The same for what shares its server with others: without a base path, of what is at the root only that which can
 * be meant for nobody else.
 *
 * @param target A path with its query, or a URL.
 */
export function ownPath(target: string, basePath: string | undefined): string | undefined {
  let url: URL;
  try {
    url = parseTarget(target);
  } catch {
    return undefined;
  }
  const rest = mounted(url, basePath);
  if (rest !== undefined || basePath !== undefined) return rest;
  return OWN.test(url.pathname) ? url.pathname + url.search : undefined;
}

/**
 * A request's target: a path with its query, or a URL. A path that begins with two slashes is one: it names no host, as
 * it would as a reference in a page.
 *
 * @throws TypeError if it is neither
 */
export function parseTarget(target: string): URL {
  return new URL(target.startsWith("/") ? `http://server${target}` : target);
}

/** What is below the base path, or below one of the usual ones. */
function mounted({ pathname, search }: URL, basePath: string | undefined): string | undefined {
  for (const base of basePath === undefined ? USUAL : [basePath]) {
    if (pathname === base) return `/${search}`;
    if (pathname.startsWith(`${base}/`)) return pathname.slice(base.length) + search;
  }
  return undefined;
}
