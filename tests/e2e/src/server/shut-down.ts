/** Starts, uses its own server, shuts down, and must end by itself: nothing calls `exit`. */
import { createClient } from "greenroom/client";
import { registry } from "./registry.js";

const { url } = await registry.start();
const client = createClient<typeof registry>(url);
const connection = client.counter.getOrCreate("solo").connect();
await connection.increment(1);
const count = await client.counter.getOrCreate("solo").increment(1);
await client.dispose();
await registry.shutdown();
await registry.shutdown();
process.stdout.write(`counted ${count}\n`);
