/** Node's own HTTP server, with actors in it. */
import { createServer } from "node:http";
import { toNodeHandler } from "greenroom/node";
import { registry } from "./registry.js";

const port = Number(process.env.PORT ?? 3000);
const actors = toNodeHandler(registry);

const server = createServer((request, response) => {
  actors(request, response, () => response.end("a page of my own\n"));
});
server.on("upgrade", registry.upgrade);
server.listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}`));
