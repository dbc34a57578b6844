/** A program that reads the bodies of calls before the actors do, and listens for no sockets but theirs. */
import { createServer } from "node:http";
import { toNodeHandler } from "greenroom/node";
import { registry } from "./framework-registry.js";

const actors = toNodeHandler(registry);
const server = createServer((request, response) => {
  if (!request.url?.includes("/action/")) {
    actors(request, response);
    return;
  }
  request.on("data", () => {});
  request.on("end", () => actors(request, response));
});
server.on("upgrade", registry.upgrade);
server.listen(Number(process.env.PORT), "127.0.0.1");
