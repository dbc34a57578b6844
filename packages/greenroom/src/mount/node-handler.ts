/** Requests of Node's HTTP server, and the answers to them. */
import { STATUS_CODES } from "node:http";
import { Readable } from "node:stream";
import { ActorError } from "@greenroom/client/errors";
import type { RequestHead } from "../in-process/requests.js";
import { linesOf } from "./http-text.js";
import type { NodeRequest, NodeResponse } from "./node-types.js";

/**
 * What a request consists of.
 *
 * @param target Its path and query below the base path.
 * @throws ActorError `request.invalid` if somebody else has read its body.
 */
export function nodeHead(request: NodeRequest, target: string, signal: AbortSignal): RequestHead {
  const headers = [...linesOf(request.rawHeaders)];
  return {
    method: request.method ?? "GET",
    target,
    headers,
    body: bodyOf(request, headers),
    signal,
    isTrusted: false,
    address: request.socket.remoteAddress,
  };
}

/** A signal that is aborted when the client goes away before it has the answer. */
export function whileWaiting(response: NodeResponse): AbortSignal {
  const gone = new AbortController();
  response.on("close", () => {
    if (!response.writableFinished) gone.abort();
  });
  // It is followed by the close.
  response.on("error", () => {});
  return gone.signal;
}

const NOTHING = new Uint8Array();

/** Sends an answer at the pace of whoever reads it. One that breaks off ends the connection. */
export async function send(answer: Response, response: NodeResponse): Promise<void> {
  if (response.headersSent || response.destroyed) {
    await answer.body?.cancel();
    return;
  }
  const reason = answer.statusText || (STATUS_CODES[answer.status] ?? "");
  try {
    response.writeHead(answer.status, reason, [...answer.headers].flat());
  } catch {
    // Node refuses some headers that `Headers` takes. Nothing was sent, so the client sees a broken connection.
    await answer.body?.cancel().catch(() => {});
    response.destroy();
    return;
  }
  if (answer.body === null) {
    response.end();
    return;
  }
  // The head goes out at once. `flushHeaders` would write its bytes as UTF-8.
  response.write(NOTHING);
  const reader = answer.body.getReader();
  const stop = (): void => void reader.cancel().catch(() => {});
  response.on("close", stop);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || response.destroyed) break;
      if (!response.write(value)) await room(response);
    }
    response.end();
  } catch {
    // That it breaks off is all that can be said of it by now, after what was there.
    setImmediate(() => response.destroy());
  }
}

function bodyOf(
  request: NodeRequest,
  headers: readonly (readonly [string, string])[],
): ReadableStream<Uint8Array> | null {
  const hasBody = headers.some(([name, value]) => {
    const known = name.toLowerCase();
    return known === "transfer-encoding" || (known === "content-length" && value !== "0");
  });
  if (!hasBody) return null;
  if (!(request instanceof Readable)) throw invalid("it is no request of Node's");
  if (request.readableDidRead) throw bodyWasRead();
  return Readable.toWeb(request) as ReadableStream<Uint8Array>;
}

/** What is wrong with a request whose body is gone. */
export function bodyWasRead(): ActorError {
  return invalid("its body was read before: mount Greenroom before whatever parses bodies");
}

function invalid(why: string): ActorError {
  return new ActorError("request", "invalid", `this request cannot be answered: ${why}`, { statusCode: 400 });
}

/** Resolves when the client has taken enough of what was written, or has gone. */
function room(response: NodeResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      response.off("drain", go);
      response.off("close", go);
      resolve();
    };
    response.on("drain", go);
    response.on("close", go);
  });
}
