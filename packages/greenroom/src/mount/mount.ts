/** The ways into a registry from a program's own server. None of them throws or rejects: what goes wrong is said. */
import { ActorError } from "@greenroom/client/errors";
import { messageOf } from "../host/failure.js";
import { type RequestHead, requestHead } from "../in-process/fetcher.js";
import { errorResponse } from "../in-process/requests.js";
import { belowBasePath, ownPath, parseTarget } from "../registry/base-path.js";
import type { RunningServer } from "../registry/running.js";
import { acceptSocket, type FetchServer, wantsSocket } from "./fetch-server.js";
import { linesOf, requestText } from "./http-text.js";
import { bodyWasRead, nodeHead, send, whileWaiting } from "./node-handler.js";
import { NodeConnection } from "./node-socket.js";
import type { NodeRequest, NodeResponse, NodeSocket } from "./node-types.js";

/** What is mounted. */
export interface Mountable {
  /** Where it is mounted, undefined for the usual places. @throws Error if the settings are wrong */
  basePath(): string | undefined;
  /** The server that runs; starts one without a port if there is none. */
  server(): Promise<RunningServer>;
}

/** See the top of the file. */
export class Mount {
  readonly #registry: Mountable;

  constructor(registry: Mountable) {
    this.#registry = registry;
  }

  /** Uses the server. That there is none is an answer, too. */
  async reach(use: (server: RunningServer) => Promise<Response>): Promise<Response> {
    let server: RunningServer;
    try {
      server = await this.#registry.server();
    } catch (error) {
      return errorResponse(unavailable(error));
    }
    return use(server);
  }

  /** Answers a request that came to a server whose requests are those of `fetch`. */
  async fetch(request: Request, server: FetchServer | undefined): Promise<Response> {
    let head: RequestHead;
    try {
      const basePath = this.#registry.basePath();
      const target = belowBasePath(request.url, basePath);
      if (target === undefined) return elsewhere(request.url, basePath);
      if (request.bodyUsed || request.body?.locked) throw bodyWasRead();
      head = { ...requestHead(request, target), address: server?.requestIP?.(request)?.address };
    } catch (error) {
      return errorResponse(unusable("handler takes a Request", error));
    }
    if (server === undefined || !wantsSocket(request)) return this.#answer(head);
    return this.reach((running) => acceptSocket(request, head, server, running));
  }

  /** Answers a request of Node's HTTP server, or leaves it to `next`. */
  async node(request: NodeRequest, response: NodeResponse, next?: (error?: Error) => void): Promise<void> {
    const answer = await this.#nodeAnswer(request, response, next !== undefined);
    if (answer === undefined) next?.();
    else await send(answer, response);
  }

  /** @returns nothing if it is for others, and there are some */
  async #nodeAnswer(
    request: NodeRequest,
    response: NodeResponse,
    hasOthers: boolean,
  ): Promise<Response | undefined> {
    let head: RequestHead;
    try {
      const basePath = this.#registry.basePath();
      const url = targetOf(request);
      const target = hasOthers ? ownPath(url, basePath) : belowBasePath(url, basePath);
      if (target === undefined) return hasOthers ? undefined : elsewhere(url, basePath);
      head = nodeHead(request, target, whileWaiting(response));
    } catch (error) {
      return errorResponse(unusable("this request cannot be answered", error));
    }
    return this.#answer(head);
  }

  /** Takes over the connection of a request. @returns false if it is for others; then nothing has happened to it */
  upgrade(request: NodeRequest, socket: NodeSocket, early: Uint8Array): boolean {
    checkUpgrade(request, socket, early);
    let refusal: ActorError | undefined;
    let target: string | undefined;
    try {
      target = ownPath(targetOf(request), this.#registry.basePath());
      if (target === undefined) return false;
    } catch (error) {
      refusal = unusable("this request cannot be answered", error);
    }
    const connection = new NodeConnection(socket);
    if (refusal !== undefined) connection.refuse(refusal);
    else void this.#converse(connection, request, target ?? "/", early);
    return true;
  }

  async #converse(
    connection: NodeConnection,
    { method = "GET", rawHeaders, socket }: NodeRequest,
    target: string,
    early: Uint8Array,
  ): Promise<void> {
    try {
      const head = requestText(method, target, linesOf(rawHeaders));
      const server = await this.#registry.server();
      connection.join((listener) => server.connect(socket.remoteAddress, listener), [head, early]);
    } catch (error) {
      connection.refuse(error instanceof ActorError ? error : unavailable(error));
    }
  }

  #answer(head: RequestHead): Promise<Response> {
    return this.reach((server) => server.send(head).catch(gaveUp));
  }
}

/** Where a request goes, before routers took a beginning off its path: the same for all kinds of requests. */
function targetOf({ originalUrl, url }: NodeRequest): string {
  return originalUrl ?? url ?? "/";
}

/** @throws ActorError `request.invalid` if these are not the arguments of the event `upgrade` */
function checkUpgrade(request: unknown, socket: unknown, head: unknown): void {
  const isRequest = isObject(request) && "rawHeaders" in request && Array.isArray(request.rawHeaders);
  const isSocket = isObject(socket) && "on" in socket && typeof socket.on === "function";
  if (isRequest && isSocket && head instanceof Uint8Array) return;
  const message =
    "upgrade takes what Node's HTTP server gives listeners of `upgrade`: (request, socket, head)";
  throw new ActorError("request", "invalid", message, { statusCode: 400 });
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function elsewhere(url: string, basePath: string | undefined): Response {
  const message = `${parseTarget(url).pathname} is not below the base path of this registry, ${basePath || "/"}`;
  return errorResponse(new ActorError("guard", "no_route", message, { statusCode: 404 }));
}

function unusable(what: string, error: unknown): ActorError {
  if (error instanceof ActorError) return error;
  return new ActorError("request", "invalid", `${what}: ${messageOf(error)}`, { statusCode: 400 });
}

/** What nobody will read: the caller has gone away. The status is that of nginx, for logs. */
function gaveUp(): Response {
  return errorResponse(new ActorError("actor", "aborted", "the caller has given up"), 499);
}

function unavailable(error: unknown): ActorError {
  const { code } = error as { readonly code?: unknown };
  const message = `the registry does not run (${typeof code === "string" ? code : "see its log"})`;
  return new ActorError("guard", "service_unavailable", message, { statusCode: 503 });
}
