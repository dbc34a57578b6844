import { serve } from "@hono/node-server";
import { app } from "./app.js";

const port = Number(process.env.GREENROOM_PORT || 6420);
const hostname = process.env.GREENROOM_HOST || "127.0.0.1";

serve({ fetch: app.fetch, port, hostname }, (address) => {
  console.log(`serving on http://${hostname}:${address.port}`);
});
