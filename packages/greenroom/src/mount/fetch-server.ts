/** WebSockets of servers whose requests are those of `fetch`, such as Bun's. */
import { ActorError } from "@greenroom/client/errors";
import { messageOf } from "../host/failure.js";
import type { RequestHead } from "../in-process/requests.js";
import { errorResponse } from "../in-process/requests.js";
import type { RunningServer } from "../registry/running.js";
import type { Answer } from "./answer-head.js";
import { requestText } from "./http-text.js";
import { MessageSocket } from "./message-socket.js";

/** What such a server gives its `fetch` as the second argument, as far as it is used: Bun's `Server`. */
export interface FetchServer {
  /** Makes a WebSocket of a request. @returns false if that is not possible */
  upgrade(request: Request, options: { headers: Record<string, string>; data: object }): boolean;
  /** Where a request comes from. */
  requestIP?(request: Request): { readonly address: string } | null;
}

/** Of a handshake, these are between the client and its server. */
const OF_THE_HOP = /^(connection|upgrade|host|sec-websocket-(key|version|extensions))$/;

/** Whether that is what `fetch` got beside the request: other servers give it other things. */
export function isFetchServer(server: unknown): server is FetchServer {
  return (
    typeof server === "object" &&
    server !== null &&
    "upgrade" in server &&
    typeof server.upgrade === "function"
  );
}

/** Whether a request asks for a WebSocket. */
export function wantsSocket({ method, headers }: Request): boolean {
  return method === "GET" && headers.get("upgrade")?.toLowerCase() === "websocket";
}

/** Asks the core for a WebSocket and has the server make one of the request, if the core agrees. */
export async function acceptSocket(
  request: Request,
  { target, headers, address }: RequestHead,
  server: FetchServer,
  core: RunningServer,
): Promise<Response> {
  let socket: MessageSocket;
  try {
    const text = requestText("GET", target, handshake(headers));
    socket = new MessageSocket((listener) => core.connect(address, listener), text);
  } catch (error) {
    if (error instanceof ActorError) return errorResponse(error);
    throw error;
  }
  const answer = await socket.answer.given;
  if (answer?.status !== 101) {
    socket.leave();
    return refused(answer);
  }
  const refusal = upgrade(request, answer, server, socket);
  if (refusal === undefined) return new Response(null);
  socket.leave();
  return errorResponse(new ActorError("guard", "upgrade_required", refusal), 426);
}

/** @returns why it is not possible */
function upgrade(
  request: Request,
  { headers }: Answer,
  server: FetchServer,
  data: MessageSocket,
): string | undefined {
  const chosen = headers.filter(([name]) => name === "sec-websocket-protocol");
  try {
    if (server.upgrade(request, { headers: Object.fromEntries(chosen), data })) return undefined;
    return "the server made no WebSocket of this request";
  } catch (error) {
    return `the server makes no WebSockets: give it \`websocket: registry.websocket\` (${messageOf(error)})`;
  }
}

/** The same request on another connection. */
function* handshake(headers: RequestHead["headers"]): Generator<readonly [name: string, value: string]> {
  for (const line of headers) if (!OF_THE_HOP.test(line[0].toLowerCase())) yield line;
  const host = headers.find(([name]) => name.toLowerCase() === "host");
  yield ["host", host?.[1] ?? "greenroom.internal"];
  yield ["connection", "upgrade"];
  yield ["upgrade", "websocket"];
  yield ["sec-websocket-version", "13"];
  // It proves that whoever answers speaks the protocol, which is known here.
  yield ["sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="];
}

function refused(answer: Answer | undefined): Response {
  if (answer === undefined) {
    return errorResponse(new ActorError("actor", "restarting", "the registry has been shut down"));
  }
  const headers = answer.headers.filter(([name]) => name !== "connection" && name !== "content-length");
  return new Response(Buffer.from(answer.body), { status: answer.status, headers: [...headers].map(copy) });
}

function copy([name, value]: readonly [string, string]): [string, string] {
  return [name, value];
}
