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
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new TypeError("the endpoint is not a URL", { cause });
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new TypeError(`the endpoint has the scheme "${url.protocol}", not http: or https:`);
  }
  if (url.search !== "" || text.includes("?")) throw new TypeError("the endpoint has a query string");
  if (url.hash !== "" || text.includes("#")) throw new TypeError("the endpoint has a fragment");
  if (url.username === "" && url.password !== "")
    throw new TypeError("the endpoint has a token but no namespace");
  const path = url.pathname.replace(/\/{2,}/g, "/").replace(/\/$/, "");
  return {
    url: `${url.protocol}//${url.host}${path}`,
    ...(url.username === "" ? {} : { namespace: unescapePart(url.username, "namespace") }),
    ...(url.password === "" ? {} : { token: unescapePart(url.password, "token") }),
  };
}

function unescapePart(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new TypeError(`the ${what} in the endpoint is not percent-encoded properly`, { cause });
  }
}
