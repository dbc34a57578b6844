import { serve } from "@hono/node-server";
import { app } from "./app.js";
import { registry } from "./registry.js";

const port = Number(process.env.GREENROOM_PORT || 6420);
const hostname = process.env.GREENROOM_HOST || "127.0.0.1";

// Opens the data directory now, or the first request would wait for it.
await registry.routes.health();

const server = serve({ fetch: app.fetch, port, hostname }, (address) => {
  console.log(`serving on http://${hostname}:${address.port}`);
});
// The page's connections. Where this is left out they are event streams.
server.on("upgrade", registry.upgrade);
