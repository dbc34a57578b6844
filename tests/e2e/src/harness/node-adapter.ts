/** What frameworks on Node do: an HTTP server in front of a function from `Request` to `Response`. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

export type Fetch = (request: Request) => Response | Promise<Response>;

/** A server that answers with `fetch`. */
export function serveWith(fetch: Fetch): Server {
  const server = createServer((incoming, outgoing) => void answer(fetch, incoming, outgoing));
  // By default idle connections are closed after 5 s. A client that was too busy to notice, as with a large body
  // on a busy machine, would send its next request into a closed one.
  server.keepAliveTimeout = 120_000;
  return server;
}

async function answer(fetch: Fetch, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const gone = new AbortController();
  outgoing.on("close", () => {
    if (!outgoing.writableFinished) gone.abort();
  });
  const hasBody = incoming.method !== "GET" && incoming.method !== "HEAD";
  const init: RequestInit & { duplex: "half" } = {
    method: incoming.method ?? "GET",
    headers: incoming.headersDistinct as unknown as Record<string, string>,
    body: hasBody ? (Readable.toWeb(incoming) as ReadableStream<Uint8Array>) : null,
    signal: gone.signal,
    duplex: "half",
  };
  const headers = new Headers();
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  const response = await fetch(
    new Request(`http://${incoming.headers.host}${incoming.url}`, { ...init, headers }),
  );
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body === null) {
    outgoing.end();
    return;
  }
  outgoing.flushHeaders();
  // A client that went away is no news.
  await pipeline(Readable.fromWeb(response.body as never), outgoing).catch(() => {});
}
