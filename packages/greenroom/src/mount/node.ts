/**
 * `greenroom/node`: a registry in servers that are made of Node's `http`, such as Express and Fastify. Their sockets
 * come with `registry.upgrade`.
 */
import { mountOf } from "../registry/registry.js";
import type { Registry } from "../registry/surface.js";
import type { NodeRequest, NodeResponse } from "./node-types.js";

export type { NodeRequest, NodeResponse, NodeSocket } from "./node-types.js";

/** Answers a request of Node's. */
export type NodeHandler = (
  request: NodeRequest,
  response: NodeResponse,
  next?: (error?: Error) => void,
) => void;

/**
 * A registry as what `http.createServer` and `app.use` of Express take.
 *
 * With `next`, what is not below the base path of the registry is passed on to it; without, it is answered with
 * `guard.no_route` (404). Has to come before whatever reads the bodies of requests. Never throws: what goes wrong is
 * an answer.
 *
 * @throws TypeError if the registry was not made by `setup`
 */
export function toNodeHandler(registry: Pick<Registry, "handler" | "upgrade">): NodeHandler {
  const mount = mountOf(registry);
  return (request, response, next) => void mount.node(request, response, next);
}
