import { fileURLToPath } from "node:url";
import { getConnInfo } from "@hono/node-server/conninfo";
import { serveStatic } from "@hono/node-server/serve-static";
import { type Context, Hono } from "hono";
import { rateLimit } from "./middleware.js";
import { ACCOUNTS, BURST, HOURLY } from "./plans.js";
import { registry } from "./registry.js";

const client = registry.client();

/** The account whose API key came along. Everybody else counts by their address. */
function caller(c: Context): string {
  const key = c.req.header("x-api-key") ?? "";
  return ACCOUNTS.has(key) ? key : `address ${getConnInfo(c).remote.address ?? "unknown"}`;
}

export const app = new Hono();

app.get("/api/forecast", rateLimit({ ...BURST, client, key: caller }), (c) =>
  c.json({ tonight: "clear", curtain: "19:30" }),
);

// Nobody gets an export while nobody can count them.
app.post("/api/export", rateLimit({ ...HOURLY, client, key: caller, onFailure: "refuse" }), (c) =>
  c.json({ export: crypto.randomUUID() }),
);

// For the page, which watches the buckets.
app.all("/api/greenroom/*", (c) => registry.handler(c.req.raw));
app.use("*", serveStatic({ root: fileURLToPath(new URL("../public", import.meta.url)) }));
