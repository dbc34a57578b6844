/** Where a server is and what its address says about namespace and token. */
export interface Endpoint {
  /** `scheme://host[:port][/base]`, without a trailing slash. */
  readonly url: string;
  readonly namespace?: string;
  readonly token?: string;
}

/**
 * Reads `scheme://[namespace[:token]@]host[:port][/base]`.
 *
 * @throws TypeError naming what is wrong, never the token.
 */
export function parseEndpoint(text: string): Endpoint {
  const url = parseUrl(text);
  if (/[?#]/.test(text)) throw new TypeError("the endpoint has a query string or a fragment");
  if (url.username === "" && url.password !== "")
    throw new TypeError("the endpoint has a token but no namespace");
  const path = url.pathname.replace(/\/{2,}/g, "/").replace(/\/$/, "");
  return {
    url: `${url.protocol}//${url.host}${path}`,
    ...(url.username === "" ? {} : { namespace: unescapePart(url.username, "namespace") }),
    ...(url.password === "" ? {} : { token: unescapePart(url.password, "token") }),
  };
}

function parseUrl(text: string): URL {
  try {
    const url = new URL(text);
    if (/^https?:$/.test(url.protocol)) return url;
  } catch {
    // Refused below, like another scheme: `localhost:6420` has one, `127.0.0.1:6420` is no URL at all.
  }
  // Without what may be a token.
  const shown = text.replace(/^.*@|[?#].*$/gs, "");
  const host = shown.replace(/^\w+:\/\//, "");
  throw new TypeError(`the endpoint \`${shown}\` is not an HTTP URL: try \`http://${host}\``);
}

function unescapePart(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new TypeError(`the ${what} in the endpoint is not percent-encoded properly`, { cause });
  }
}
