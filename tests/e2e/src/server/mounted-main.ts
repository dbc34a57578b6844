/** A program with routes and sockets of its own, in whose server a registry is mounted. */
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { ActorError } from "@greenroom/client/errors";
import { toNodeHandler } from "greenroom/node";
import { WebSocketServer } from "ws";
import { IN_THE_WAY, registry } from "./mounted-registry.js";

if (IN_THE_WAY !== undefined) writeFileSync(IN_THE_WAY, "");

const actors = toNodeHandler(registry);
const server = createServer((request, response) => {
  switch (request.url) {
    case "/own":
      response.end("mine");
      return;
    case "/shutdown":
      void registry.shutdown().then(() => response.writeHead(202).end());
      return;
    case "/repair":
      if (IN_THE_WAY !== undefined) rmSync(IN_THE_WAY);
      response.writeHead(204).end();
      return;
    default:
      actors(request, response);
  }
});

const sockets = new WebSocketServer({ noServer: true });
sockets.on("connection", (socket) => socket.send("mine"));

function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  if (request.url?.startsWith("/twice/")) {
    twice(request, socket, head);
    return;
  }
  if (registry.upgrade(request, socket, head)) return;
  if (request.url === "/own")
    sockets.handleUpgrade(request, socket, head, (own) => sockets.emit("connection", own));
  else socket.end("HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\nnot mine");
}

function twice(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  request.url = request.url?.replace("/twice", "") ?? "";
  registry.upgrade(request, socket, head);
  try {
    registry.upgrade(request, socket, head);
  } catch (error) {
    if (error instanceof ActorError) console.error(`twice: ${error.group}.${error.code} ${error.message}`);
  }
}

if (process.env.WITHOUT_SOCKETS === undefined) server.on("upgrade", upgrade);
server.listen(Number(process.env.GREENROOM_PORT), "127.0.0.1");
await once(server, "listening");
process.stdout.write(`http://127.0.0.1:${process.env.GREENROOM_PORT}\n`);
